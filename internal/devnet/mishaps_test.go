package devnet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// TestMishaps: what goes wrong on an owner's side is told in a sentence with a
// hint, and costs nothing.
func TestMishaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(1)
	t.Run("wrong RPC", w.wrongRPC)
	t.Run("wrong clock", w.wrongClock)
}

// says wants all of some words in what the program says for a node, and its exit
// code.
func (w *world) says(t *testing.T, n *devnet.Node, code int, words []string, args ...string) {
	t.Helper()
	said, got := w.artel(n.Dir, args...)
	for _, want := range words {
		if got != code || !strings.Contains(said, want) {
			t.Errorf("artel %s: exit code %d, want %d and %q:\n%s", strings.Join(args, " "), got, code, want, said)
		}
	}
}

// wrongRPC: nothing answers at --chain-rpc. The daemon runs, and says so
// wherever the chain is needed.
func (w *world) wrongRPC(t *testing.T) {
	const nowhere = "http://127.0.0.1:1"
	n, err := w.net.StartNode(w.ctx, "lost", 0, "--chain-rpc", nowhere)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	w.says(t, n, 1, []string{"the chain cannot be reached", nowhere, "hint: "}, "wallet", "deposit", "1000000")
	w.says(t, n, 1, []string{"the chain cannot be reached", nowhere, "hint: "}, "wallet", "show")
	w.says(t, n, 1, []string{"the daemon cannot reach it", nowhere}, "doctor")
	w.says(t, n, 0, []string{"the chain cannot be reached", nowhere}, "status")
	if _, err := n.Offers(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	w.waits(t, n, w.submit(t, n, 1, 1), "the chain cannot be reached", "hint: ")
}

// TestTwoMachines: two daemons work with one key. Neither spoils the other's money:
// each has lanes of its own, and what both promised is what is paid.
func TestTwoMachines(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(1)
	one, err := w.net.StartNode(w.ctx, "one", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer one.Stop()
	if _, err := one.API.Faucet(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := one.API.Deposit(w.ctx, artel.Units(100_000_000)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(w.net.Dir(), "twin")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(one.Dir, "key.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "key.json"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	twin, err := w.net.StartNode(w.ctx, "twin", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer twin.Stop()
	if twin.Account != one.Account {
		t.Fatalf("the twin is %s", twin.Account)
	}
	if _, err := twin.Offers(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	nodes := []*devnet.Node{one, twin}
	var ids []string
	for _, n := range nodes {
		ids = append(ids, w.submit(t, n, 4, 1))
	}
	for i, n := range nodes {
		w.done(t, n, ids[i])
	}
	w.until(t, "the vouchers to be redeemed", func() bool {
		for _, n := range nodes {
			if vs, err := n.API.Vouchers(w.ctx); err != nil || len(vs) > 0 {
				return false
			}
		}
		return true
	})
	b, err := w.providers[0].API.Balance(w.ctx)
	if err != nil || b.Earned != w.promised(t) {
		t.Errorf("the provider earned %s, it was promised %s, %v", b.Earned, w.promised(t), err)
	}
}

// wrongClock: a renter whose clock is wrong by an hour, either way, is told; with
// the clock right again its job is done.
func (w *world) wrongClock(t *testing.T) {
	p := w.providers[0]
	for i, seconds := range []int32{3600, -3600} {
		name := fmt.Sprintf("clock%+d", seconds)
		n, err := w.net.StartNode(w.ctx, name, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.API.Faucet(w.ctx); err != nil {
			t.Fatal(err)
		}
		if _, err := n.API.Deposit(w.ctx, artel.Units(10_000_000)); err != nil {
			t.Fatal(err)
		}
		w.shiftClock(t, n.PID(), seconds)
		// The provider announces itself anew.
		if _, err := p.API.Provide(w.ctx, api.ProvideConfig{Slots: 2, Price: artel.Price(500_000_001 + i)}); err != nil {
			t.Fatal(err)
		}
		id := w.submit(t, n, 1, 1)
		w.waits(t, n, id, "clock", "hint: ")
		// The owner sets the clock and starts again. What the wrong clock wrote into
		// the database is in nobody's way.
		n.Stop()
		if n, err = w.net.StartNode(w.ctx, name, 0); err != nil {
			t.Fatal(err)
		}
		w.done(t, n, id)
		n.Stop()
	}
}
