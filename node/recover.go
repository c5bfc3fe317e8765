package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
)

// maxJournal bounds the blocks of journals that are in memory, in bytes.
const maxJournal = 512 << 20

// journals is how the renter's records of its open jobs get to other machines, and
// back.
func (n *Node) journals() *renter.Journals {
	c := keeper.Client{Host: n.host, Domain: n.params.Domain(), Self: n.keeper, Open: n.openBlobs}
	return &renter.Journals{
		Dir: n.c.Paths.Work() + "/journal", Blobs: mem.New(maxJournal), Scratch: func() blob.Store { return mem.New(maxJournal) }, Ship: c.Ship, Bring: c.Bring,
	}
}

// lookFor bounds how long a recovery waits for offers of those that it should ask.
const lookFor = 10 * time.Second

// Recover implements api.Wallet.
func (n *Node) Recover(ctx context.Context) (api.Recovery, error) {
	away := n.look(ctx)
	n.near(ctx)
	nodes := n.board.nodes()
	found, err := n.renter.Recover(ctx, nodes)
	if err != nil {
		n.c.Log.Warn("recover", "error", err)
	}
	answered := len(nodes) - joined(err)
	took, failed := n.renter.TakeUp(ctx, n.allKeepers())
	if failed != nil {
		return api.Recovery{}, failed
	}
	st, failed := n.renter.Status(ctx)
	if failed != nil {
		return api.Recovery{}, failed
	}
	r := api.Recovery{
		Asked: len(nodes), Answered: answered, Lanes: found, Away: away, KeepersAsked: took.Asked, KeepersAnswered: took.Answered, Kept: took.Kept,
		Journal: millis(took.Journal), Leases: took.Leases, Closed: took.Closed, Refused: took.Refused, Jobs: []api.RecoveredJob{},
	}
	r.Generation = st.Generation
	if errors.Is(err, p2p.Conflict) {
		r.Refused = append(r.Refused, "providers follow a newer controller with this key; hint: stop artel on the other machine, look at this one's clock, and artel recover again")
	}
	for _, b := range st.Lanes {
		r.Promised = r.Promised.Add(b.Voucher)
		r.Booked = r.Booked.Add(b.Cap.Sub(b.Paid))
	}
	for _, j := range took.Jobs {
		r.Jobs = append(r.Jobs, api.RecoveredJob{ID: j.ID.String(), Name: j.Name, Tasks: j.Tasks, Done: j.Done, Gone: j.Gone, Running: j.Running, Kept: j.Kept, Lacks: j.Lacks})
	}
	return r, nil
}

// look asks all peers for offers, and waits a while for those of the providers that
// have money of this account. It returns how many of these have none.
func (n *Node) look(ctx context.Context) (away int) {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		for _, p := range n.host.Peers() {
			n.askOffers(ctx, p.ID)
		}
		if away = n.away(ctx); n.board.len() > 0 && away == 0 {
			return away
		}
		select {
		case <-ctx.Done():
			return away
		case <-again.C:
		}
	}
}

// near connects to all machines that have an offer, some at a time: of those that do
// not answer now nobody waits for each one.
func (n *Node) near(ctx context.Context) {
	const together, dialFor = 32, 5 * time.Second
	ls, _ := n.board.list(market.Query{})
	places := make(chan struct{}, together)
	var all sync.WaitGroup
	for _, l := range ls {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, dialFor)
			defer cancel()
			for _, a := range l.Offer.Addrs {
				if n.host.Connect(ctx, a) == nil {
					return
				}
			}
		})
	}
	all.Wait()
}

// away counts the providers with which this account has a lane on the chain that is
// not released, and that have no offer now.
func (n *Node) away(ctx context.Context) (count int) {
	es, err := n.db.Events(ctx)
	if err != nil {
		return 0
	}
	have := map[artel.Address]bool{}
	for _, a := range n.board.nodes() {
		have[a] = true
	}
	for _, e := range es {
		f, ok := e.Fact.(chain.Reserved)
		if !ok || f.Lane.Renter != n.account() || have[f.Lane.Provider] {
			continue
		}
		if l, err := n.ledger.Lane(ctx, f.Lane); err == nil && !l.Booked().IsZero() {
			have[f.Lane.Provider] = true
			count++
		}
	}
	return count
}

// allKeepers lists the machines that may hold something of this node.
func (n *Node) allKeepers() (ks []artel.Keeper) {
	const most = 1024
	for _, l := range n.board.Keepers(time.Now(), most) {
		if l.Offer.Node != n.c.Key.NodeID() {
			ks = append(ks, artel.Keeper{Node: l.Offer.Node, Addrs: l.Offer.Addrs})
		}
	}
	return ks
}

// lacks says what of a job's program, input and image is not here. An image of its own
// it gets back from machines that run on it.
func (n *Node) lacks(ctx context.Context, spec artel.JobSpec, from []artel.NodeID) (lacks []string) {
	for _, x := range []struct {
		what string
		ref  artel.Ref
	}{{"program", spec.Program}, {"input", spec.Input}} {
		if !x.ref.IsZero() && blob.Complete(ctx, n.blobs, x.ref, blob.Limits{}) != nil {
			lacks = append(lacks, fmt.Sprintf("its %s %s is not on this machine; hint: artel add PATH, with the same content", x.what, x.ref))
		}
	}
	if spec.Box.Image.IsZero() || spec.Box.Source != "" || n.images.hasOwn(spec.Box.Image) {
		return lacks
	}
	for _, node := range from {
		if err := n.images.regain(ctx, node, spec.Box.Image); err != nil {
			n.c.Log.Info("get an image back", "image", spec.Box.Image.Short(), "provider", node.Short(), "error", err)
			continue
		}
		n.c.Log.Info("an image is here again", "image", spec.Box.Image.Short(), "provider", node.Short())
		return lacks
	}
	return append(lacks, fmt.Sprintf("its image %s is not on this machine; hint: artel add --image PATH, the same one", spec.Box.Image))
}

// hasOwn reports whether an image of this node's own is here.
func (m *images) hasOwn(img artel.Hash) bool {
	s, done, err := m.take(m.self, false)
	if err != nil {
		return false
	}
	defer done()
	return slices.ContainsFunc(s.store.List(), func(i image.Info) bool { return artel.Hash(i.Digest) == img && i.Size > 0 })
}

// regain brings an image of this node's own here from a machine that has it.
func (m *images) regain(ctx context.Context, from artel.NodeID, img artel.Hash) error {
	s, done, err := m.take(m.self, true)
	if err != nil {
		return err
	}
	defer done()
	ctx = context.WithValue(ctx, askerKey{}, &asker{from: from, image: img})
	var last error
	for _, p := range boxPlatforms() {
		if last = s.store.Pull(ctx, image.Want{Digest: image.Digest(img), Platform: p}, nil); last == nil {
			return nil
		}
	}
	return last
}
