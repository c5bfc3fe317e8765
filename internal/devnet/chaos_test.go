//go:build linux

package devnet_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
)

var (
	chaosSeed = flag.Uint64("chaos.seed", 0, "what TestChaos draws its faults from; 0: the time, in the short form shortSeed")
	chaosFor  = flag.Duration("chaos.for", 0, "for how long TestChaos makes faults; 0: the short form")
)

// The short form: few faults, so that it is over within a minute.
const (
	shortChaos = 20 * time.Second
	shortSeed  = 1210            // kills, a power cut, a renter killed, machines that stand still or are cut off, bad and spoilt checkpoints
	calmFor    = 6 * time.Minute // after the last fault all must be over within
)

// TestChaos breaks what can break under jobs of all kinds, and wants all of them done
// to the bit, every unit accounted for and nothing left over.
//
//	go test ./internal/devnet -run '^TestChaos$' -v -args -chaos.for=10m -chaos.seed=N
func TestChaos(t *testing.T) {
	if *chaosFor == 0 {
		t.Parallel()
	}
	inside := os.Getenv(insideStorm) != ""
	if !inside {
		if apart(t, 0) {
			return
		}
		t.Log("no packets are lost and no disk is full")
	}
	if inside {
		settle(t)
	}
	s := newStorm(t, inside)
	defer s.last()
	s.begin()
	s.rage()
	s.calm()
	s.check()
}

// storm is a network with what is done to it.
type storm struct {
	*world
	seed    uint64
	span    time.Duration
	plan    []fault
	began   time.Time
	members []*member
	renters []*member // of them
	gvisor  bool
	apart   bool // it has a network and mounts of its own
	prefs   atomic.Int32
	jobs    []*work
	draw    *rand.Rand              // of the jobs
	given   map[string]artel.Amount // by the faucet
	killed  map[artel.NodeID]bool   // renters that may have forgotten to whom they owe a word

	mu   sync.Mutex
	said []string // the schedule so far
}

// member is a node, or the chain.
type member struct {
	name     string
	provides bool

	chain     bool // it is a validator of the chain
	validator int  // which one, from 0

	mu   sync.Mutex
	node *devnet.Node // nil: a validator
	proc *devnet.Proc // nil: it is down
	busy bool         // a fault has it

	img  api.Image // the program, at a renter
	wasm artel.Ref
}

// up returns the node if its daemon is there.
func (m *member) up() *devnet.Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.proc == nil {
		return nil
	}
	return m.node
}

// take makes m one fault's own.
func (m *member) take() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.busy || m.proc == nil {
		return false
	}
	m.busy = true
	return true
}

func (m *member) set(n *devnet.Node, p *devnet.Proc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.node, m.proc = n, p
}

func (m *member) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = false
}

func newStorm(t *testing.T, apart bool) *storm {
	t.Helper()
	s := &storm{apart: apart, seed: *chaosSeed, span: *chaosFor, given: map[string]artel.Amount{}, killed: map[artel.NodeID]bool{}}
	if s.span == 0 {
		s.span, s.seed = shortChaos, cmp.Or(s.seed, shortSeed)
	}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d, for %v; again: go test ./internal/devnet -run '^TestChaos$' -v -args -chaos.seed=%d -chaos.for=%v", s.seed, s.span, s.seed, s.span)
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	// A program of its own: its processes are told from those of other tests.
	own := filepath.Join(t.TempDir(), "artel")
	b, err := os.ReadFile(filepath.Join(bin, "artel"))
	if err == nil {
		err = os.WriteFile(own, b, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.leftovers(own) }) // after the network's own
	validators := 1
	if s.span > shortChaos {
		validators = 4
	}
	s.world = newWorld(t, devnet.Config{Binary: own, Log: "debug", Validators: validators})
	for i := range validators {
		s.members = append(s.members, &member{name: fmt.Sprintf("validator%d", i+1), chain: true, validator: i})
	}
	s.draw = rand.New(rand.NewPCG(s.seed, 1))
	s.plan = schedule(s.seed, s.span, apart)
	return s
}

// begin starts the network: a chain, renters with a deposit, providers.
func (s *storm) begin() {
	t := s.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range s.members {
		must(s.again(m))
	}
	renters, providers := 1, 3
	if s.span > shortChaos {
		renters, providers = 2, 5
	}
	program := filepath.Join(t.TempDir(), "layout")
	_, err := oci.Build{Layers: []oci.Layer{oci.Binary(filepath.Join(s.bin, "chainer"), "/chainer")}, Config: oci.RunConfig{Entrypoint: []string{"/chainer"}}}.WriteLayout(program)
	must(err)
	for i := range renters {
		m := s.join(fmt.Sprintf("renter%d", i+1))
		_, err = m.node.API.Deposit(s.ctx, artel.Units(500_000_000))
		must(err)
		m.img, err = m.node.API.Image(s.ctx, api.ImageRequest{Path: program})
		must(err)
		wasm, err := m.node.API.AddPath(s.ctx, filepath.Join(s.bin, "chainer.wasm"))
		must(err)
		m.wasm = wasm.Ref
		s.renters = append(s.renters, m)
	}
	for i := range providers {
		if s.apart {
			s.ownDisk(filepath.Join(s.net.Dir(), fmt.Sprintf("provider%d", i+1)))
		}
		m := s.join(fmt.Sprintf("provider%d", i+1))
		m.provides = true
		_, err = m.node.API.Provide(s.ctx, s.offer(i))
		must(err)
	}
	for _, r := range s.renters {
		_, err = r.node.Offers(s.ctx, providers)
		must(err)
	}
	boxes, err := s.renters[0].node.API.Offers(s.ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 10})
	must(err)
	if s.gvisor = len(boxes) > 0; !s.gvisor {
		t.Log("containers cannot run on this machine: without them; hint: artel doctor")
	}
}

func (s *storm) offer(i int) api.ProvideConfig {
	return api.ProvideConfig{Slots: 2, Price: artel.Price(500_000_000 + 50_000_000*i)}
}

func (s *storm) join(name string) *member {
	s.t.Helper()
	n, err := s.net.StartNode(s.ctx, name, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := n.API.Faucet(s.ctx); err != nil {
		s.t.Fatal(err)
	}
	b, err := n.API.Balance(s.ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.given[name] = b.Tokens
	m := &member{name: name, node: n, proc: n.Proc}
	s.members = append(s.members, m)
	return m
}

// note adds a line to the schedule so far.
func (s *storm) note(format string, args ...any) {
	line := fmt.Sprintf("%6.1fs ", time.Since(s.began).Seconds()) + fmt.Sprintf(format, args...)
	s.mu.Lock()
	s.said = append(s.said, line)
	s.mu.Unlock()
	s.t.Log(line)
}

// rage hands in jobs while the plan is carried out.
func (s *storm) rage() {
	s.began = time.Now()
	var all sync.WaitGroup
	defer all.Wait()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	plan := s.plan
	for time.Since(s.began) < s.span && s.ctx.Err() == nil {
		for len(plan) > 0 && plan[0].at <= time.Since(s.began) {
			f := plan[0]
			plan = plan[1:]
			if m := s.target(f); m != nil {
				if !m.provides && m.node != nil && strings.HasSuffix(f.kind, "killed") {
					s.killed[m.node.Node] = true
				}
				all.Go(func() {
					defer m.release()
					s.note("%s: %s for %v", m.name, f.kind, f.lasts)
					if err := kinds[f.kind].do(s, m, f); err != nil {
						s.t.Errorf("%s: %s: %v", m.name, f.kind, err)
					}
					s.note("%s: %s is over", m.name, f.kind)
				})
			}
		}
		s.handIn()
		select {
		case <-tick.C:
		case <-s.ctx.Done():
		}
	}
}

// target is whom a fault strikes: of those that it may strike the one that was drawn, or
// the next that no other fault has; nil: none. One provider at least is left in peace.
func (s *storm) target(f fault) *member {
	var may []*member
	free := 0
	for _, m := range s.members {
		m.mu.Lock()
		if m.provides && !m.busy {
			free++
		}
		m.mu.Unlock()
		if kinds[f.kind].on(m) {
			may = append(may, m)
		}
	}
	for i := range may {
		m := may[(f.who+i)%len(may)]
		if (!m.provides || free > 1) && m.take() {
			return m
		}
	}
	return nil
}

// calm waits until every job has ended.
func (s *storm) calm() {
	for _, m := range s.members {
		if m.proc == nil {
			s.t.Fatalf("%s is down", m.name)
		}
		select {
		case <-m.proc.Done():
			s.t.Fatalf("%s has ended", m.name)
		default:
		}
	}
	ctx, cancel := context.WithTimeout(s.ctx, calmFor)
	defer cancel()
	s.note("calm, with %d jobs of which %d have ended", len(s.jobs), len(s.jobs)-s.open())
	told := time.Now()
	for s.open() > 0 {
		s.handIn() // what was not taken yet
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			for _, j := range s.jobs {
				if !j.ended {
					s.note("%s: job %s: %d waiting, %d running, %d done: %s", j.renter.name, j.key, j.seen.Waiting, j.seen.Running, j.seen.Done, j.seen.Message)
				}
			}
		}
		select {
		case <-ctx.Done():
			for _, j := range s.jobs {
				if !j.ended {
					s.t.Errorf("job %s (%s) is %s: %s", j.key, j.kind, j.seen.State, j.seen.Message)
					for _, x := range j.seen.List {
						s.t.Logf("  task %d %s, attempt %d: %s %s", x.Index, x.State, x.Attempt, x.Reason, x.Message)
					}
				}
			}
			s.t.FailNow()
		case <-time.After(300 * time.Millisecond):
		}
	}
	s.note("all jobs have ended")
}

func (s *storm) open() (n int) {
	for _, j := range s.jobs {
		if !j.ended {
			n++
		}
	}
	return n
}

// last tells what is needed to look into a failure.
func (s *storm) last() {
	if !s.t.Failed() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.t.Logf("seed %d, the schedule so far:\n%s", s.seed, strings.Join(s.said, "\n"))
}

// providing lists the providers.
func (s *storm) providing() []*member {
	return slices.DeleteFunc(slices.Clone(s.members), func(m *member) bool { return !m.provides })
}
