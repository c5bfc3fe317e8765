package devnet_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// insideStorm says that a process has a network and mounts of its own, and where the
// programs are.
const insideStorm = "ARTEL_TEST_STORM"

// built builds what the tests run, once: the artel program, without cgo as the
// product is, and programs for its sandboxes.
var built = sync.OnceValues(func() (bin string, err error) {
	if dir := os.Getenv(insideStorm); dir != "" {
		return dir, nil // somebody else's
	}
	dir, err := os.MkdirTemp("", "artel-e2e")
	if err != nil {
		return "", err
	}
	for _, b := range []struct {
		out, pkg string
		env      []string
	}{
		{"artel", "../../cmd/artel", []string{"CGO_ENABLED=0"}},
		{"digits.wasm", "../../examples/digits", []string{"GOOS=wasip1", "GOARCH=wasm"}},
		{"guest.wasm", "../../sandbox/sandboxtest/guest", []string{"GOOS=wasip1", "GOARCH=wasm"}},
		{"chainer.wasm", "./testdata/chainer", []string{"GOOS=wasip1", "GOARCH=wasm"}},
		{"chainer", "./testdata/chainer", []string{"CGO_ENABLED=0"}},
	} {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, b.out), b.pkg)
		cmd.Env = append(os.Environ(), b.env...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("build %s: %w\n%s", b.pkg, err, out)
		}
	}
	return dir, nil
})

// TestMain lets all networks run at the same time: what they do is mostly wait, for
// blocks and for delays.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	code := m.Run()
	if dir, _ := built(); dir != "" && os.Getenv(insideStorm) == "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// world is the network that all tests share: starting one takes longer than
// most of them.
type world struct {
	t         *testing.T
	ctx       context.Context
	bin       string
	net       *devnet.Net
	chain     *devnet.Proc
	renter    *devnet.Node
	providers []*devnet.Node
	top       map[string]artel.Amount // highest voucher seen, by whose view and lane
}

// newWorld makes a network that starts nothing yet and is gone after the test.
func newWorld(t *testing.T, c devnet.Config) *world {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	if c.Dir, err = os.MkdirTemp("", "artel-"); err != nil { // a socket's path must be short
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute) // against a hang
	t.Cleanup(cancel)
	if c.Binary == "" {
		c.Binary = filepath.Join(bin, "artel")
	}
	net, err := devnet.New(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		net.Close()
		if t.Failed() {
			t.Logf("the logs are in %s", c.Dir)
			return
		}
		os.RemoveAll(c.Dir)
	})
	return &world{t: t, ctx: ctx, bin: bin, net: net, top: map[string]artel.Amount{}}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(2)
	for _, s := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"speeds", w.speeds}, {"job", w.job}, {"programs", w.programs}, {"strangers", w.strangers}, {"poor", w.poor},
		{"crashes", w.crashes}, {"old copy", w.oldCopy}, {"statement", w.statement},
	} {
		if !t.Run(s.name, s.run) {
			return // the next one needs what this one leaves
		}
	}
}

// start starts the chain, a renter with a deposit and some providers; more are flags
// of artel up.
func (w *world) start(providers int, more ...string) {
	w.t.Helper()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	var err error
	w.chain, err = w.net.StartChain(w.ctx)
	must(err)
	w.renter, err = w.net.StartNode(w.ctx, "renter", 0, more...)
	must(err)
	_, err = w.renter.API.Faucet(w.ctx)
	must(err)
	_, err = w.renter.API.Deposit(w.ctx, artel.Units(100_000_000))
	must(err)
	for i := range providers {
		p, err := w.net.StartNode(w.ctx, fmt.Sprintf("provider%d", i+1), 0, more...)
		must(err)
		_, err = p.API.Faucet(w.ctx)
		must(err)
		_, err = p.API.Provide(w.ctx, api.ProvideConfig{Slots: 2, Price: artel.Price(500_000_000 * (i + 1))})
		must(err)
		w.providers = append(w.providers, p)
	}
	_, err = w.renter.Offers(w.ctx, providers)
	must(err)
}

// until polls until ok, and looks at the vouchers meanwhile.
func (w *world) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		w.lookAtVouchers(t)
		select {
		case <-ctx.Done():
			t.Fatalf("wait for %s: %v", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// lookAtVouchers checks that no voucher goes backwards, as the providers see
// them: what a renter forgets is what it must not sign again.
func (w *world) lookAtVouchers(t *testing.T) {
	t.Helper()
	for _, p := range w.providers {
		ls, err := p.API.Leases(w.ctx, api.LeaseQuery{All: true})
		if err != nil {
			continue // it is down at the moment
		}
		high := map[string]artel.Amount{}
		for _, l := range ls {
			k := fmt.Sprintf("%s lane %x", p.Name, l.Lane)
			high[k] = high[k].Max(l.Promised)
		}
		for k, a := range high {
			if a.Less(w.top[k]) {
				t.Errorf("%s: the voucher went from %s back to %s", k, w.top[k], a)
			}
			w.top[k] = a
		}
	}
}

// promised is what the providers hold vouchers for, as far as it was seen.
func (w *world) promised(t *testing.T) (sum artel.Amount) {
	t.Helper()
	w.lookAtVouchers(t)
	for _, a := range w.top {
		sum = sum.Add(a)
	}
	return sum
}

// artel runs the program for a node and returns what it said and its exit code.
func (w *world) artel(dir string, args ...string) (string, int) {
	cmd := exec.CommandContext(w.ctx, filepath.Join(w.bin, "artel"), append([]string{"--dir", dir, "--socket", filepath.Join(dir, "api.sock")}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		return err.Error(), -1
	}
	return string(out), 0
}

// input is a directory with nothing but the digits.
func (w *world) input() string {
	dir := filepath.Join(w.net.Dir(), "input")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	b, err := os.ReadFile("../../examples/digits/digits.csv.gz")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "digits.csv.gz"), b, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return dir
}

// run runs a sweep to its end.
func (w *world) run(t *testing.T, n, epochs int) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", w.input(),
		"--array", fmt.Sprintf("1-%d", n), "--failover", "fast", "--out", out, "--", "-epochs", fmt.Sprint(epochs))
	if code != 0 {
		t.Fatalf("artel run: exit code %d\n%s", code, said)
	}
	checkOutput(t, out, n)
}

// checkOutput wants each task's own result in its directory.
func checkOutput(t *testing.T, dir string, n int) {
	t.Helper()
	for i := 1; i <= n; i++ {
		b, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i), "result.json"))
		var r struct{ Task int }
		if err == nil {
			err = json.Unmarshal(b, &r)
		}
		if err != nil || r.Task != i {
			t.Errorf("the output of task %d: %v, task %d", i, err, r.Task)
		}
	}
}

// submit submits a sweep for a node and returns its id.
func (w *world) submit(t *testing.T, n *devnet.Node, tasks, epochs int) string {
	t.Helper()
	said, code := w.artel(n.Dir, "run", "--wasm", filepath.Join(w.bin, "digits.wasm"), "--in", filepath.Join(w.input(), "digits.csv.gz"), // a file below /in
		"--array", fmt.Sprintf("1-%d", tasks), "--failover", "fast", "--detach", "--", "-epochs", fmt.Sprint(epochs))
	if code != 0 {
		t.Fatalf("submit: exit code %d\n%s", code, said)
	}
	words := strings.Fields(said)
	return words[len(words)-1]
}

// done waits until a job has ended well.
func (w *world) done(t *testing.T, n *devnet.Node, id string) {
	t.Helper()
	var j api.JobDetail
	w.until(t, "the job to end", func() bool {
		var err error
		j, err = n.API.Job(w.ctx, id)
		return err == nil && j.State.Ended()
	})
	if j.State != api.StateDone || j.Done != j.Tasks {
		for _, x := range j.List {
			if x.State != api.StateDone {
				t.Logf("task %d %s: %s", x.Index, x.State, x.Message)
			}
		}
		t.Fatalf("the job %s with %d done: %s", j.State, j.Done, j.Message)
	}
}

// waits waits until a person is told that a job waits, and why.
func (w *world) waits(t *testing.T, n *devnet.Node, id string, why ...string) {
	t.Helper()
	last := ""
	defer func() { t.Logf("the job waits: %s", last) }()
	w.until(t, fmt.Sprintf("ps to say %q", why), func() bool {
		said, _ := w.artel(n.Dir, "ps", id, "--json")
		var j api.JobDetail
		if json.Unmarshal([]byte(said), &j) == nil {
			last = j.Message
		}
		return !slices.ContainsFunc(why, func(s string) bool { return !strings.Contains(last, s) })
	})
}

// job: an array job on two providers, by the command line.
// speeds has a machine show its speed, in its box and by a lease, and looks whether
// the renter still knows it after it was killed. How fast the machine is depends on
// what else runs here.
func (w *world) speeds(t *testing.T) {
	said, code := w.artel(w.renter.Dir, "measure", "--of", w.providers[0].Node.Short(), "--slots", "2", "--json")
	var m api.Measurement
	if i := strings.Index(said, "{"); i < 0 || json.Unmarshal([]byte(said[i:]), &m) != nil || m.Node != w.providers[0].Node {
		t.Fatalf("artel measure --of: exit code %d\n%s", code, said)
	}
	if m.Verdict != "proved" && m.Verdict != "slow" || (code == 0) != (m.Verdict == "proved") || m.Speed <= 0 || m.Cores != 2 || m.Claimed == 0 {
		t.Fatalf("exit code %d, %+v", code, m)
	}
	t.Logf("claimed %d, shown %.0f on %d cores in %d slot-ms", m.Claimed, m.Speed, m.Cores, m.Cost)
	w.renter.Kill()
	var err error
	if w.renter, err = w.net.StartNode(w.ctx, "renter", 0); err != nil {
		t.Fatal(err)
	}
	offers, err := w.renter.Offers(w.ctx, len(w.providers))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range offers {
		if (o.Measured > 0) != (o.Node == w.providers[0].Node) {
			t.Errorf("after a restart, %s counts as measured %.0f", o.Node.Short(), o.Measured)
		}
	}
}

func (w *world) job(t *testing.T) { w.run(t, 4, 1) }

// badInput: an input that no provider can lay out is refused when the job is handed in.
func (w *world) badInput(t *testing.T, program string) {
	t.Helper()
	p, err := w.renter.API.AddPath(w.ctx, program)
	if err != nil {
		t.Fatal(err)
	}
	file, err := w.renter.API.AddPath(w.ctx, filepath.Join(w.input(), "digits.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := w.renter.API.AddPath(w.ctx, w.input())
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		input artel.Ref
		want  string
	}{{file.Ref, "is a file"}, {dir.Ref, "a disk of 1000"}} {
		_, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: fmt.Sprintf("bad-input-%08d", i), Spec: artel.JobSpec{
			Program: p.Ref, Input: c.input, Count: 1, Sandbox: "wasm", Wall: 1000, Log: 1000, Tries: 1, Failover: artel.FailoverNormal,
			Want: artel.Resources{Slots: 1, Memory: 64 << 20, Disk: 1000},
		}})
		if e := api.AsError(err); err == nil || e.Code != api.CodeInvalid || !strings.Contains(e.Message, c.want) || e.Hint == "" {
			t.Errorf("a bad input is answered with %v, want %q", err, c.want)
		}
	}
}

// programs that misbehave end with a reason and exit code 4.
func (w *world) programs(t *testing.T) {
	guest := filepath.Join(w.bin, "guest.wasm")
	bad := filepath.Join(t.TempDir(), "bad.wasm")
	if err := os.WriteFile(bad, []byte("\x00asm\x01\x00\x00\x00garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("#!/bin/sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.badInput(t, guest)
	var all sync.WaitGroup
	for _, c := range []struct {
		name  string
		flags []string
		verb  []string
		code  int
		want  string
	}{
		{"no wasm", []string{"--wasm", text}, nil, 2, "not a WASM module"},
		{"broken wasm", []string{"--wasm", bad}, nil, 4, "cut short or damaged"},
		{"endless loop", []string{"--wasm", guest, "--timeout", "1s"}, []string{"spin"}, 4, "time"},
		{"memory eater", []string{"--wasm", guest, "--mem", "64MiB"}, []string{"eat", "1024"}, 4, "memory"},
		{"log flooder", []string{"--wasm", guest, "--log-limit", "4KiB"}, []string{"log", "1000000"}, 4, "log"},
		{"exit code", []string{"--wasm", guest}, []string{"exit", "3"}, 4, "exit code 3"},
	} {
		all.Go(func() {
			args := append([]string{"run", "--tries", "1", "--no-fetch"}, c.flags...)
			said, code := w.artel(w.renter.Dir, append(append(args, "--"), c.verb...)...)
			if code != c.code || !strings.Contains(said, c.want) {
				t.Errorf("%s: exit code %d, want %d and %q:\n%s", c.name, code, c.code, c.want, said)
			}
		})
	}
	all.Wait()
}
