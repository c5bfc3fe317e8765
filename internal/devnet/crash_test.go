package devnet_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// strangers: a second daemon, a wrong RPC, another network.
func (w *world) strangers(t *testing.T) {
	said, code := w.artel(w.renter.Dir, "up", "--no-passphrase")
	if code == 0 || !strings.Contains(said, "in use by process") {
		t.Errorf("a second daemon on one directory: exit code %d\n%s", code, said)
	}
	other, err := devnet.New(w.ctx, devnet.Config{Binary: filepath.Join(w.bin, "artel"), Dir: filepath.Join(w.net.Dir(), "other"), Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	// The other network's node thinks that ours is its chain, and our renter its
	// first peer.
	s, err := w.renter.API.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(other.NetworkFile())
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(b), other.RPC(), w.net.RPC(), 1)
	text = strings.Replace(text, `"finality"`, fmt.Sprintf(`"bootstrap": [%q], "finality"`, s.Addrs[0]), 1)
	if err := os.WriteFile(other.NetworkFile(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := other.StartNode(w.ctx, "x", 0)
	if err != nil {
		t.Fatal(err)
	}
	w.until(t, "the wrong chain to be told", func() bool {
		c, err := x.API.Chain(w.ctx)
		return err == nil && !c.Reachable && c.Message != ""
	})
	said, _ = w.artel(x.Dir, "status")
	if !strings.Contains(said, "another chain") {
		t.Errorf("status on the wrong chain:\n%s", said)
	}
	said, code = w.artel(x.Dir, "doctor")
	if code == 0 || !strings.Contains(said, "chain") {
		t.Errorf("doctor on the wrong chain: exit code %d\n%s", code, said)
	}
	w.until(t, "the other network's handshake to be refused", func() bool {
		b, err := os.ReadFile(filepath.Join(other.Dir(), "x.log"))
		return err == nil && strings.Contains(string(b), "network")
	})
	if xs, err := x.API.Status(w.ctx); err != nil || xs.Peers != 0 || xs.Offers != 0 {
		t.Errorf("networks mix: %d peers, %d offers, %v", xs.Peers, xs.Offers, err)
	}
	x.Stop()
	said, code = w.artel(x.Dir, "up", "--network", w.net.NetworkFile(), "--no-passphrase")
	if code == 0 || !strings.Contains(said, "belongs to network") {
		t.Errorf("another network's directory: exit code %d\n%s", code, said)
	}
}

// poor: a renter without money is told so.
func (w *world) poor(t *testing.T) {
	p, err := w.net.StartNode(w.ctx, "poor", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop()
	if _, err := p.Offers(w.ctx, 2); err != nil {
		t.Fatal(err)
	}
	said, code := w.artel(p.Dir, "run", "--wasm", filepath.Join(w.bin, "guest.wasm"), "--detach")
	if code != 0 {
		t.Fatalf("artel run --detach: exit code %d\n%s", code, said)
	}
	w.until(t, "ps to say that money is missing", func() bool {
		said, _ := w.artel(p.Dir, "ps", "--json")
		return strings.Contains(said, "artel wallet deposit")
	})
	// Some money, and too little of it.
	if _, err := p.API.Faucet(w.ctx); err != nil {
		t.Fatal(err)
	}
	if said, code := w.artel(p.Dir, "wallet", "deposit", "10"); code != 0 {
		t.Fatalf("deposit: %s", said)
	}
	w.until(t, "ps to say how much is missing", func() bool {
		said, _ := w.artel(p.Dir, "ps", "--json")
		return strings.Contains(said, "the Reserve books") && strings.Contains(said, "artel wallet deposit")
	})
	if said, code := w.artel(p.Dir, "wallet", "deposit", "10CREDIT"); code != 0 {
		t.Fatalf("deposit: %s", said)
	}
	w.until(t, "the job to go on with money", func() bool {
		js, err := p.API.List(w.ctx, api.JobQuery{All: true})
		return err == nil && len(js) == 1 && js[0].State == api.StateDone
	})
}

// crashes: renter, provider and chain are killed while a job runs, and started
// again.
func (w *world) crashes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	tasks, epochs := 16, 6
	if testing.Short() {
		tasks, epochs = 8, 3
	}
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(),
		"--array", fmt.Sprintf("1-%d", tasks), "--failover", "fast", "--detach", "--json", "--", "-epochs", fmt.Sprint(epochs))
	if code != 0 {
		t.Fatalf("submit: %s", said)
	}
	js, err := w.renter.API.List(w.ctx, api.JobQuery{Limit: 1})
	if err != nil || len(js) != 1 {
		t.Fatalf("%d jobs, %v", len(js), err)
	}
	id := js[0].ID
	again := func(n *devnet.Node, err error) *devnet.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	kills := []func(){
		func() { w.renter.Kill(); w.renter = again(w.net.StartNode(w.ctx, "renter", 0)) },
		func() {
			i := draw.IntN(len(w.providers))
			name := w.providers[i].Name
			t.Logf("%s is killed", name)
			w.providers[i].Kill()
			w.providers[i] = again(w.net.StartNode(w.ctx, name, 0))
		},
		func() {
			w.chain.Kill()
			if w.chain, err = w.net.StartChain(w.ctx); err != nil {
				t.Fatal(err)
			}
		},
	}
	draw.Shuffle(len(kills), func(i, j int) { kills[i], kills[j] = kills[j], kills[i] })
	var end api.JobDetail
	for i, kill := range kills {
		at := uint64(tasks * (i + 1) / 5)
		w.until(t, "tasks to be done", func() bool {
			end, err = w.renter.API.Job(w.ctx, id)
			return err == nil && (end.Done >= at || end.State.Ended())
		})
		for range draw.IntN(10) { // anywhere between two looks
			w.lookAtVouchers(t)
		}
		t.Logf("kill %d after %d tasks", i, end.Done)
		kill()
	}
	w.until(t, "the job to end", func() bool {
		end, err = w.renter.API.Job(w.ctx, id)
		return err == nil && end.State.Ended()
	})
	if end.State != api.StateDone || end.Done != uint64(tasks) {
		t.Fatalf("the job %s with %d done: %s", end.State, end.Done, end.Message)
	}
	out := filepath.Join(t.TempDir(), "out")
	if said, code := w.artel(w.renter.Dir, "fetch", id, "--out", out); code != 0 {
		t.Fatalf("fetch: exit code %d\n%s", code, said)
	}
	checkOutput(t, out, tasks)
}

// oldCopy: a renter that came back from an old copy of its directory promises
// nothing twice and goes on working.
func (w *world) oldCopy(t *testing.T) {
	w.renter.Stop()
	copied := filepath.Join(w.net.Dir(), "copy")
	if out, err := exec.Command("cp", "-a", w.renter.Dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("copy the data directory: %v\n%s", err, out)
	}
	restart := func() {
		t.Helper()
		var err error
		if w.renter, err = w.net.StartNode(w.ctx, "renter", 0); err != nil {
			t.Fatal(err)
		}
		if _, err = w.renter.Offers(w.ctx, len(w.providers)); err != nil {
			t.Fatal(err)
		}
	}
	restart()
	w.run(t, 4, 1)
	w.lookAtVouchers(t)
	w.renter.Stop()
	if err := os.RemoveAll(w.renter.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(copied, w.renter.Dir); err != nil {
		t.Fatal(err)
	}
	restart()
	w.run(t, 4, 1)
	w.lookAtVouchers(t)
}

// statement: when all leases have ended and all vouchers are redeemed, the
// figures of all sources agree, and each voucher is paid.
func (w *world) statement(t *testing.T) {
	w.until(t, "the providers to redeem", func() bool {
		vs, err := w.renter.API.Vouchers(w.ctx)
		return err == nil && len(vs) == 0
	})
	s, err := w.renter.API.Statement(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range s.Check() {
		if !f.OK {
			t.Errorf("%s: %s and %s %s", f.What, f.Left, f.Right, f.Note)
		}
	}
	if s.Balance.IsZero() || len(s.Lanes) == 0 {
		t.Errorf("an empty statement: balance %s, %d lanes", s.Balance, len(s.Lanes))
	}
}
