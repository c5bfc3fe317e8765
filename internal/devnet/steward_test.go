package devnet_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
)

// steward starts a node that works for the renter's account, and returns an address
// at which the renter finds it.
func (w *world) steward(t *testing.T) (n *devnet.Node, addr string) {
	t.Helper()
	n, err := w.net.StartNode(w.ctx, "steward", 0, "--account", w.renter.Account.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Offers(w.ctx, len(w.providers)); err != nil {
		t.Fatal(err)
	}
	s, err := n.API.Status(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Addrs, func(a string) bool { return strings.Contains(a, "/p2p/") })
	if i < 0 {
		t.Fatalf("the steward has no address: %v", s.Addrs)
	}
	return n, s.Addrs[i]
}

// must runs artel for a node and wants exit code 0.
func (w *world) must(t *testing.T, dir string, args ...string) string {
	t.Helper()
	said, code := w.artel(dir, args...)
	if code != 0 {
		t.Fatalf("artel %s: exit code %d\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// lastWord is the id that artel run prints last.
func lastWord(said string) string {
	words := strings.Fields(said)
	return words[len(words)-1]
}

// journeyImage is an OCI layout whose program moves and says so.
func (w *world) journeyImage(t *testing.T) string {
	t.Helper()
	layout := filepath.Join(t.TempDir(), "layout")
	b := imageOf(w.guest(t), "", oci.Platform{})
	b.Layers = append(b.Layers, oci.Files(oci.File{Name: "etc/hosts"}, oci.File{Name: "tmp/here"})) // where it writes
	if _, err := b.WriteLayout(layout); err != nil {
		t.Fatal(err)
	}
	return layout
}

// TestSteward: jobs go on, and are paid for, while their renter's machine is away, even
// when a machine under them dies; the renter comes back and finds them done.
func TestSteward(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(3)
	w.containers(t)
	laptop := w.renter
	hot, addr := w.steward(t)

	// Who is not the account's node is turned away, whatever it says.
	stranger := w.providers[0]
	if said, code := w.artel(stranger.Dir, "steward", addr); code != 1 || !strings.Contains(said, "takes no jobs of this account") || !strings.Contains(said, "artel up --account") {
		t.Errorf("a stranger at the steward's door: exit code %d\n%s", code, said)
	}
	// And a node that is nobody's steward says so.
	if said, code := w.artel(laptop.Dir, "steward", stranger.Node.String()); code != 1 || !strings.Contains(said, "nobody's steward") {
		t.Errorf("a provider as steward: exit code %d\n%s", code, said)
	}

	said := w.must(t, laptop.Dir, "steward", addr, "--allowance", "50CREDIT", "--lasts", "30d")
	if !strings.Contains(said, hot.Node.String()) || !strings.Contains(said, "may book 50 CREDIT") || !strings.Contains(said, "reachable  yes") {
		t.Errorf("artel steward says\n%s", said)
	}
	// What touches the steward's machine, keys or money is not for the network.
	s := laptop.API.Steward()
	for what, err := range map[string]error{
		"a path":   second(s.AddPath(w.ctx, "/etc/passwd")),
		"bytes":    second(s.AddBytes(w.ctx, strings.NewReader("x"), false)),
		"an image": second(s.Image(w.ctx, api.ImageRequest{Path: "/etc"})),
		"provide":  second(s.Provide(w.ctx, api.ProvideConfig{Price: 1})),
		"signer":   second(s.SetSigner(w.ctx, api.SignerRequest{Key: stranger.Account})),
		"steward":  second(s.SetSteward(w.ctx, api.StewardRequest{})),
	} {
		if err == nil || api.AsError(err).Code != api.CodeForbidden {
			t.Errorf("%s over the network: %v", what, err)
		}
	}

	array := lastWord(w.must(t, laptop.Dir, "run", "--steward", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(),
		"--array", "1-6", "--failover", "fast", "--", "-epochs", "10"))
	const steps = 12_000
	said = w.must(t, laptop.Dir, "run", "--steward", "--image", w.journeyImage(t), "--timeout", "5m", "--mem", "128MiB", "--disk", "16MiB", "--tries", "5",
		"--checkpoint", "whole", "--checkpoint-every", "1s-2s", "--", "journey", fmt.Sprint(steps), "8")
	if !strings.Contains(said, "this machine may go away now") {
		t.Errorf("artel run --steward says\n%s", said)
	}
	moving := lastWord(said)
	w.must(t, laptop.Dir, "serve", "--steward", "--name", "web", "--replicas", "1", "--port", "8080", "--health", "/healthz", "--check-timeout", "20s",
		"--start-within", "5m", "--failover", "fast", "--mem", "128MiB", "--disk", "16MiB", "--image", w.webImage(t, "v1"))
	own := w.submit(t, laptop, 2, 1) // the laptop's own leases are beside them
	w.done(t, laptop, own)
	laptop.Kill()

	task := func() (x api.Task) {
		if d, err := hot.API.Job(w.ctx, moving); err == nil && len(d.List) == 1 {
			x = d.List[0]
		}
		return x
	}
	var before api.Task
	w.until(t, "a checkpoint", func() bool {
		if before = task(); before.State.Ended() {
			t.Fatalf("the task ended before its time: %+v", before)
		}
		return before.Checkpoint != nil && before.Checkpoint.Generation >= 1
	})
	var dead *devnet.Node
	for i, p := range w.providers {
		if p.Node == before.Provider {
			dead = p
			w.providers = slices.Delete(slices.Clone(w.providers), i, i+1)
			break
		}
	}
	if err := dead.KillAll(); err != nil {
		t.Fatal(err)
	}
	w.done(t, hot, array)
	w.done(t, hot, moving)
	w.until(t, "the steward's service to be healthy", func() bool {
		ss, err := hot.API.Services(w.ctx, false)
		return err == nil && len(ss) == 1 && ss[0].Healthy == 1 && ss[0].List[0].Provider != dead.Node
	})
	if after := task(); after.Attempt < 2 || after.Provider == before.Provider || after.From == nil || after.From.Generation < before.Checkpoint.Generation {
		t.Errorf("attempt %d on %s went on from %+v", after.Attempt, after.Provider.Short(), after.From)
	}

	// The laptop is back, and so is the machine that died.
	var err error
	if w.renter, err = w.net.StartNode(w.ctx, "renter", 0); err != nil {
		t.Fatal(err)
	}
	laptop = w.renter
	back, err := w.net.StartNode(w.ctx, dead.Name, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.providers = append(w.providers, back)
	var jobs []api.Job
	if said := w.must(t, laptop.Dir, "ps", "--steward", "--all", "--json"); json.Unmarshal([]byte(said), &jobs) != nil || len(jobs) != 3 || jobs[0].State.Ended() || jobs[1].State != api.StateDone || jobs[2].State != api.StateDone {
		t.Errorf("artel ps --steward says\n%s", said)
	}
	out := filepath.Join(t.TempDir(), "out")
	w.must(t, laptop.Dir, "fetch", "--steward", array, "--out", out)
	checkOutput(t, out, 6)
	if said := w.must(t, laptop.Dir, "logs", "--steward", moving); !strings.Contains(said, fmt.Sprintf("arrived goodbye %d\n", steps*(steps-1)/2)) {
		t.Errorf("the program says %q", said)
	}

	if said := w.must(t, laptop.Dir, "services", "--steward"); !strings.Contains(said, "web") || !strings.Contains(said, "1/1") {
		t.Errorf("artel services --steward says\n%s", said)
	}
	w.must(t, laptop.Dir, "stop", "--steward", "web")

	// A laptop that recovers its own lanes leaves the steward's alone.
	id := lastWord(w.must(t, laptop.Dir, "run", "--steward", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(),
		"--array", "1-4", "--copies", "never", "--", "-epochs", "20"))
	w.until(t, "the steward's job to run", func() bool {
		j, err := hot.API.Job(w.ctx, id)
		return err == nil && j.Running > 0
	})
	if _, err := laptop.API.Recover(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.done(t, hot, id)
	if d, err := hot.API.Job(w.ctx, id); err != nil || d.Attempts != 4 {
		t.Errorf("%d attempts for 4 tasks after the laptop recovered, %v", d.Attempts, err)
	}
	w.settled(t, laptop, hot)
}

func second[T any](_ T, err error) error { return err }

// settled waits until all that was promised is redeemed, and wants the ledger's figures
// to agree to the last unit: with what providers were promised, lane by lane, each of
// which has one signer.
func (w *world) settled(t *testing.T, laptop, hot *devnet.Node) {
	t.Helper()
	w.until(t, "the vouchers to be redeemed", func() bool {
		a, aerr := hot.API.Vouchers(w.ctx)
		b, berr := laptop.API.Vouchers(w.ctx)
		return aerr == nil && berr == nil && len(a)+len(b) == 0
	})
	w.must(t, laptop.Dir, "wallet", "statement") // exit code 0: all of it agrees
	w.must(t, laptop.Dir, "wallet", "statement", "--steward")
	of := func(n *devnet.Node) api.Statement {
		t.Helper()
		s, err := n.API.Statement(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mine, theirs := of(laptop), of(hot)
	type lane struct {
		provider artel.Address
		number   uint64
	}
	held := map[lane]artel.Amount{} // the steward's vouchers
	for _, l := range theirs.Lanes {
		held[lane{l.Provider, l.Lane}] = l.Voucher
	}
	var paid artel.Amount
	lanes := map[uint32]int{}
	for _, l := range mine.Lanes {
		if l.Renter != laptop.Account {
			continue
		}
		paid = paid.Add(l.Paid)
		tag := uint32(l.Lane >> 32)
		lanes[tag]++
		// The one that signed knows the voucher; the other one has none on that lane.
		known, other := l.Voucher, held[lane{l.Provider, l.Lane}]
		if tag == hot.Node.Address().Tag() {
			known, other = other, known
		}
		if known != l.Paid || !other.IsZero() {
			t.Errorf("lane %x to %s: paid %s, its signer's voucher %s, the other one's %s", l.Lane, l.Provider, l.Paid, known, other)
		}
	}
	if lanes[laptop.Account.Tag()] == 0 || lanes[hot.Node.Address().Tag()] == 0 || len(lanes) != 2 {
		t.Errorf("lanes by the tag of their signer: %v", lanes)
	}
	if promised := w.promised(t); paid != promised || paid.IsZero() {
		t.Errorf("%s was paid, %s was promised", paid, promised)
	}
}

// TestStewardBounds: what the account allows on the ledger is all that a steward can
// spend. Without it jobs wait and say so, and nobody works for nothing.
func TestStewardBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(1)
	laptop, provider := w.renter, w.providers[0]
	hot, addr := w.steward(t)
	offers, err := laptop.Offers(w.ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	steward := func(args ...string) string {
		t.Helper()
		return w.must(t, laptop.Dir, append([]string{"steward"}, args...)...)
	}
	if said := steward(addr); !strings.Contains(said, "none yet: it can pay nobody") {
		t.Errorf("artel steward says\n%s", said)
	}
	run := func(tasks int) string {
		t.Helper()
		return lastWord(w.must(t, laptop.Dir, "run", "--steward", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(),
			"--array", fmt.Sprintf("1-%d", tasks), "--failover", "fast", "--", "-epochs", "1"))
	}
	unpaid := func() {
		t.Helper()
		ls, err := provider.API.Leases(w.ctx, api.LeaseQuery{All: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range ls {
			if offers[0].MaxUnpaid.Less(l.Owed) {
				t.Errorf("the provider worked for %s unpaid, its limit is %s", l.Owed, offers[0].MaxUnpaid)
			}
		}
	}
	waits := func(id string, why ...string) {
		t.Helper()
		last := ""
		w.until(t, fmt.Sprintf("ps --steward to say %q", why), func() bool {
			var j api.JobDetail
			if said, _ := w.artel(laptop.Dir, "ps", "--steward", id, "--json"); json.Unmarshal([]byte(said), &j) == nil {
				last = j.Message
			}
			return !slices.ContainsFunc(why, func(s string) bool { return !strings.Contains(last, s) })
		})
		t.Logf("the job waits: %s", last)
		unpaid()
	}

	id := run(2) // nobody allowed anything
	waits(id, "session signer", "artel wallet signer")
	steward("--allowance", "1CREDIT")
	w.done(t, hot, id)
	redeemed := func() { // its lease is closed, and the next one has the price of then
		t.Helper()
		w.until(t, "the vouchers to be redeemed", func() bool {
			vs, err := hot.API.Vouchers(w.ctx)
			return err == nil && len(vs) == 0
		})
	}
	redeemed()
	unpaid()
	// Dearer work than is left of the allowance: it counts all that was ever booked.
	dear := api.ProvideConfig{Slots: 2, Price: artel.Price(5_000_000_000)}
	if _, err := provider.API.Provide(w.ctx, dear); err != nil {
		t.Fatal(err)
	}
	id = run(2)
	waits(id, "the session signer may book", "raise its allowance")
	steward("--allowance", "20CREDIT")
	w.done(t, hot, id)
	redeemed()
	// Its time is over before vouchers could be redeemed.
	steward("--allowance", "20CREDIT", "--lasts", "90m")
	id = run(2)
	waits(id, "the session signer ends", "raise its time")
	w.must(t, laptop.Dir, "cancel", "--steward", id)

	b, err := provider.API.Balance(w.ctx)
	if promised := w.promised(t); err != nil || b.Earned != promised || b.Earned.IsZero() {
		t.Errorf("the provider earned %s, it was promised %s, %v", b.Earned, promised, err)
	}
	unpaid()
	w.must(t, laptop.Dir, "wallet", "statement")
	if said := steward("--forget"); !strings.Contains(said, "artel wallet signer "+hot.Node.Address().String()+" --revoke") {
		t.Errorf("artel steward --forget says\n%s", said)
	}
	if said, code := w.artel(laptop.Dir, "ps", "--steward"); code != 1 || !strings.Contains(said, "no steward is named") {
		t.Errorf("after that: exit code %d\n%s", code, said)
	}
}
