package devnet_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

func TestExplore(t *testing.T) {
	w := newWorld(t, devnet.Config{})
	w.start(1)
	look := func(n *devnet.Node, id string) {
		for range 4 {
			time.Sleep(5 * time.Second)
			j, err := n.API.Job(w.ctx, id)
			t.Log(j.State, j.Running, j.Done, j.Message, err)
		}
		said, code := w.artel(n.Dir, "ps", id)
		t.Log(said, code)
		said, code = w.artel(n.Dir, "doctor")
		t.Log(said, code)
	}
	// clock
	id := w.submit(t, w.renter, 2, 1)
	w.done(t, w.renter, id)
	for _, s := range []int32{3600, -3600} {
		t.Log("CLOCK", s)
		w.shiftClock(t, w.renter.PID(), s)
		st, err := w.renter.API.Version(w.ctx)
		t.Log(st, err)
		w.until(t, "no leases", func() bool {
			ls, err := w.renter.API.Leases(w.ctx, api.LeaseQuery{})
			return err == nil && len(ls) == 0
		})
		id := w.submit(t, w.renter, 2, 1)
		look(w.renter, id)
		w.artel(w.renter.Dir, "cancel", id)
	}
	w.shiftClock(t, w.renter.PID(), 0)
	// doors
	t.Log("DOORS")
	lost, err := w.net.StartNode(w.ctx, "lost", 0, "--chain-rpc", nowhere2)
	if err != nil {
		t.Fatal(err)
	}
	said, code := w.artel(lost.Dir, "wallet", "deposit", "1CREDIT")
	t.Log(said, code)
	look(lost, w.submit(t, lost, 2, 1))
	lost.Stop()
	// twin
	t.Log("TWIN")
	dir := filepath.Join(w.net.Dir(), "twin")
	os.Mkdir(dir, 0o700)
	b, _ := os.ReadFile(filepath.Join(w.renter.Dir, "key.json"))
	os.WriteFile(filepath.Join(dir, "key.json"), b, 0o600)
	twin, err := w.net.StartNode(w.ctx, "twin", 0)
	if err != nil {
		t.Fatal(err)
	}
	twin.Offers(w.ctx, 1)
	a, c := w.submit(t, w.renter, 6, 1), w.submit(t, twin, 6, 1)
	for range 1 {
		look(w.renter, a)
		look(twin, c)
	}
	t.Log(w.renter.API.List(w.ctx, api.JobQuery{All: true}))
	t.Log(twin.API.List(w.ctx, api.JobQuery{All: true}))
	t.Fail()
}

const nowhere2 = "http://127.0.0.1:1"
