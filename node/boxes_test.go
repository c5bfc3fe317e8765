package node

import (
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/sandbox/gvisor"
)

// TestOfferOfMoves: what a machine says of where its programs go on is what an offer
// may say.
func TestOfferOfMoves(t *testing.T) {
	box, err := gvisor.New(gvisor.Options{Command: []string{"/bin/false"}, Dir: t.TempDir(), Slots: 1})
	if err != nil {
		t.Skipf("no containers here: %v", err)
	}
	defer box.Close()
	var p provider.Policy
	boxes{container: box}.describe(&p)
	if box.Capabilities().Moves != (p.Moves != "") {
		t.Fatalf("moves %v, the offer says %q", box.Capabilities().Moves, p.Moves)
	}
	if box.Capabilities().CPU != p.Strict {
		t.Errorf("limits of processor time %v, the offer says %v", box.Capabilities().CPU, p.Strict)
	}
	k, err := artel.KeyFromBytes(append(make([]byte, 31), 1))
	if err != nil {
		t.Fatal(err)
	}
	now := uint64(time.Now().Unix())
	o := artel.Offer{
		Network: artel.Hash{1}, Node: k.NodeID(), Account: k.Address(), Issued: now, Expires: now + 600, Price: 1, MaxUnit: 1, Sandboxes: p.Sandboxes,
		Resources: artel.Resources{Slots: 1}, Addrs: []string{"/ip4/127.0.0.1/tcp/1"}, Moves: p.Moves, CPU: p.CPU, Keeps: 1,
	}
	if err := o.Check(o.Network, now, 300); err != nil {
		t.Errorf("%q, %+v: %v", p.Moves, p.CPU, err)
	}
}
