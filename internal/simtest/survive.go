package simtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/survival"
	"github.com/artel-network/artel/wire"
)

// Long tasks on machines that come and go: the real renter, providers, leases and
// jobs, with checkpoints whose costs are what the scenario says and whose content is a
// number. Keepers hold names in place of blocks; one that is down hands nothing out.

// vault is what is in the checkpoints of a world.
type vault struct {
	mu   sync.Mutex
	done map[artel.Ref]time.Duration // work in each
}

// shelf is what one node keeps.
type shelf struct {
	n    *node
	mu   sync.Mutex
	held map[artel.Hash][]wire.Holding // by task, the newest first
}

func (s *shelf) register(h *mem.Host) {
	h.Handle(wire.MethodKept, wire.MaxKept, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
		m, err := wire.UnmarshalKeptRequest(req)
		if err != nil {
			return nil, err
		}
		r, err := s.Kept(context.Background(), m)
		return r.Marshal(), err
	})
}

// Addrs implements renter.Keeper.
func (s *shelf) Addrs() []string { return []string{"/memory/p2p/" + s.n.key.NodeID().String()} }

// Kept implements renter.Keeper.
func (s *shelf) Kept(_ context.Context, m wire.KeptRequest) (r wire.KeptResponse, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range m.Tasks {
		if m.Drop {
			delete(s.held, t)
		} else {
			r.Holdings = append(r.Holdings, s.held[t]...)
		}
	}
	return r, nil
}

// keep holds a checkpoint as package keeper does: the two newest of the newest attempt,
// and what that began from.
func (s *shelf) keep(d artel.Domain, q wire.KeepRequest) (k artel.Kept, ok bool) {
	if !s.n.up() {
		return k, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.held[q.Grant.Task]
	if len(before) > 0 && before[0].Grant.Try > q.Grant.Try {
		return k, false
	}
	k = artel.Kept{Saved: q.Saved.Digest(d), Until: q.Grant.Expires}
	k.Signature = s.n.key.Sign(k.Digest(d))
	h := []wire.Holding{{Grant: q.Grant, Segment: artel.Segment{Saved: q.Saved, Signature: q.Signature, Kept: []artel.Kept{k}}}}
	for _, x := range before {
		if x.Segment.Saved.Root == q.Grant.From || x.Grant.Try == q.Grant.Try && len(h) < 2 {
			h = append(h, x)
		}
	}
	s.held[q.Grant.Task] = h
	return k, true
}

func (s *shelf) has(task artel.Hash, root artel.Ref) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n.up() && slices.ContainsFunc(s.held[task], func(h wire.Holding) bool { return h.Segment.Saved.Root == root })
}

func (n *node) own() renter.Keeper {
	switch {
	case n.shelf != nil:
		return n.shelf
	case n.saves != nil:
		return ownKeeper{n.saves.keeper, n}
	}
	return nil
}

func (n *node) runner() provider.Runner {
	if n.mover != nil {
		n.mover.since = time.Now()
		return n.mover
	}
	if n.saves != nil {
		return n.saves.runner()
	}
	return &runner{n: n}
}

// lifetimes says how machines come and go, and what checkpoints cost there.
type lifetimes struct {
	name    string
	hosts   int
	tasks   int
	work    time.Duration // of a task
	age     time.Duration // of the hosts when the job begins
	stay    func(r *rand.Rand, age time.Duration) time.Duration
	away    func(r *rand.Rand) time.Duration // until it is back; 0: it stays away
	pause   time.Duration                    // for which a checkpoint holds the program up
	ship    time.Duration                    // from there until its keepers have confirmed it
	restart time.Duration                    // to fetch the image, on a machine that has none of it, and begin
	again   time.Duration                    // to fetch a checkpoint, or nothing, and begin
	saves   bool
	within  time.Duration // the job is given up then
	seed    uint64
	tell    func(format string, args ...any) // hears each hour how far the job is; nil: nobody does
}

// mover is a provider's sandbox in a lifetimes run.
type mover struct {
	runner
	x     *lifetimes
	v     *vault
	peers map[artel.NodeID]*shelf
	since time.Time // when its machine came up
	aged  time.Duration
	has   bool // the image
}

var errGone = fmt.Errorf("the machine is gone")

// Run implements provider.Runner.
func (m *mover) Run(ctx context.Context, _ artel.NodeID, id artel.Hash, _ artel.Terms, run lease.Running, c provider.Course) lease.Finish {
	k, x := run.Keep, m.x
	began := time.Now()
	used := func() artel.Usage { return artel.Usage{Wall: uint64(time.Since(began).Milliseconds())} }
	killed := func() lease.Finish {
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed", Billed: true, Usage: used()}
	}
	c.Phase("preparing")
	fetch := x.again
	if !m.has {
		fetch = x.restart
	}
	if !core.Every(ctx, fetch) {
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed"}
	}
	m.has = true
	var done time.Duration
	var gen uint64
	var parent artel.Ref
	if k != nil && k.From != nil {
		parent, gen = k.From.Saved.Root, k.From.Saved.Generation
		if !slices.ContainsFunc(k.Keepers, func(h artel.Keeper) bool { return m.peers[h.Node].has(k.Task, parent) }) && !m.n.shelf.has(k.Task, parent) {
			return lease.Finish{Reason: artel.ReasonNoInput, Message: "no keeper has brought it"}
		}
		m.v.mu.Lock()
		done = m.v.done[parent]
		m.v.mu.Unlock()
	}
	c.Phase("running")
	began = time.Now()
	var ships sync.WaitGroup
	defer ships.Wait()
	for {
		step := x.work - done
		if k != nil {
			host := survival.Host{Age: m.aged + time.Since(m.since)}
			b := survival.Bounds{Min: time.Duration(k.Min) * time.Millisecond, Max: time.Duration(k.Max) * time.Millisecond}
			step = min(step, survival.Next(host, survival.SETI(), x.pause, x.ship, b))
		}
		if !core.Every(ctx, step) {
			return killed()
		}
		if done += step; done >= x.work {
			return lease.Finish{Reason: artel.ReasonExited, Billed: true, Usage: used(), Root: artel.Keccak(result(run.Spec))}
		}
		gen++
		saved := artel.Saved{
			Lease: id, Number: run.Task, Attempt: run.Attempt, Task: k.Task, Kind: k.Kind, Generation: gen, Parent: parent, Tree: artel.Hash{1},
			Bytes: 1, Stored: 1, Wall: used().Wall,
		}
		saved.Root, _ = artel.NewRef(artel.CodecRaw, artel.Keccak(fmt.Append(nil, id, run.TaskKey, gen)))
		parent = saved.Root
		m.v.mu.Lock()
		m.v.done[saved.Root] = done
		m.v.mu.Unlock()
		if !core.Every(ctx, x.pause) {
			return killed()
		}
		ships.Go(func() {
			if !core.Every(ctx, x.ship) {
				return
			}
			d := m.n.domain
			q := wire.KeepRequest{Grant: k.Grant, Saved: saved, Signature: m.n.key.Sign(saved.Digest(d))}
			var by []artel.Kept
			for _, h := range k.Keepers {
				if len(by) == int(k.Survival.Keepers) {
					break
				}
				if kept, ok := m.peers[h.Node].keep(d, q); ok {
					by = append(by, kept)
				}
			}
			if len(by) == int(k.Survival.Keepers) {
				_ = c.Kept(provider.Kept{Saved: saved, Signature: q.Signature, By: by})
			}
		})
	}
}

// survived is what came of a run.
type survived struct {
	finished int
	slowdown float64 // mean time of a task, from the job's beginning to its end, by its work
	worst    float64
	moves    float64       // attempts of a task beyond the first, mean
	goodput  float64       // work by the time that machines were held for it
	lost     float64       // work that was lost, by all work
	left     int           // machines that went while the job ran
	took     time.Duration // the job
	broken   []string
}

// run plays a scenario. It must be called in a synctest bubble.
func (x *lifetimes) run() (out survived) {
	w := newWorld(x.seed, x.hosts, 1, newStory(false))
	w.net.SetLink(mem.Link{Latency: 30 * time.Millisecond})
	rng := rand.New(rand.NewPCG(x.seed, 11))
	v, peers := &vault{done: map[artel.Ref]time.Duration{}}, map[artel.NodeID]*shelf{}
	for _, n := range w.nodes {
		params, _ := n.ledger.Params(context.Background())
		n.domain = params.Domain()
		n.shelf = &shelf{n: n, held: map[artel.Hash][]wire.Holding{}}
		peers[n.key.NodeID()] = n.shelf
	}
	r := w.nodes[x.hosts]
	r.board.history.Stay = func(u market.Up, d time.Duration) float64 {
		return survival.Host{Age: u.Age, Ups: u.Ups}.Survive(survival.SETI(), d)
	}
	r.start()
	r.deposit()
	ctx, cancel := context.WithCancel(context.Background())
	var lives sync.WaitGroup
	defer func() {
		cancel()
		lives.Wait()
		for _, n := range w.nodes {
			n.crash()
		}
	}()
	for _, p := range w.providers() {
		p.mover = &mover{runner: runner{n: p}, x: x, v: v, peers: peers}
		pol := &p.policy
		pol.Price, pol.Prepay, pol.MinRedeem, pol.Resources.Slots, pol.Speed = base, false, artel.Amount{}, 1, 1000
		pol.Sandboxes, pol.Moves, pol.Keeps, pol.MaxUnit = []string{"gvisor"}, "1", 1<<40, uint64((48 * time.Hour).Milliseconds())
		pol.CPU = artel.CPU{Arch: "amd64"}
		pol.MaxUnpaid = artel.Cost(base, 2*pol.MaxUnit)
		pol.MaxLease, pol.Remember = 30*86400, 0
		p.prov.maxUnpaid = pol.MaxUnpaid
		p.start()
		seed := rng.Uint64()
		lives.Go(func() { x.live(ctx, p, rand.New(rand.NewPCG(seed, 5))) })
	}
	time.Sleep(x.age + 5*time.Second)
	sp := spec(x.name, uint64(x.tasks), x.work, false)
	sp.Program, sp.Box.Image, sp.Sandbox, sp.Wall = artel.Ref{}, artel.Hash{7}, "gvisor", uint64((40 * time.Hour).Milliseconds())
	if x.saves {
		sp.Survival = artel.Survival{Min: 300_000, Max: 3_600_000, Keepers: 2}
	} else {
		sp.Wall = uint64((10 * 24 * time.Hour).Milliseconds())
		for _, p := range w.providers() {
			p.policy.MaxUnit, p.policy.MaxUnpaid = sp.Wall, artel.Cost(base, 2*sp.Wall)
			p.p.SetPolicy(p.policy)
		}
		time.Sleep(5 * time.Second)
	}
	sp.Once = true
	r.submit(sp)
	began, left := time.Now(), w.went.Load()
	for minute := 1; time.Since(began) < x.within; minute++ {
		time.Sleep(time.Minute)
		js, err := r.r.Jobs(context.Background(), 1)
		if err != nil || len(js) != 1 {
			continue
		}
		if js[0].Phase != job.Active {
			break
		}
		if x.tell != nil && minute%60 == 0 {
			x.tell("after %d h: %d of %d tasks are open, %d machines went", minute/60, js[0].Open, x.tasks, w.went.Load()-left)
		}
	}
	out.left, out.took = int(w.went.Load()-left), time.Since(began)
	js, err := r.r.Jobs(context.Background(), 1)
	if err != nil || len(js) != 1 {
		out.broken = append(out.broken, fmt.Sprintf("jobs %v, error %v", js, err))
		return out
	}
	j, tasks, err := r.r.Job(context.Background(), js[0].ID)
	if err != nil {
		out.broken = append(out.broken, err.Error())
		return out
	}
	held, lost, at := 0.0, 0.0, time.Now().UnixMilli()
	for _, t := range tasks {
		end := at
		if t.State == job.Done {
			out.finished++
			end = t.Attempts[t.Receipt.Result.Attempt-1].Ended
		}
		took := float64(end-j.Created) / float64(x.work.Milliseconds())
		out.slowdown += took / float64(len(tasks))
		out.worst = max(out.worst, took)
		out.moves += float64(len(t.Attempts)-1) / float64(len(tasks))
		lost += float64(t.Safe.Lost)
		for _, a := range t.Attempts {
			until := a.Silent
			if until == 0 {
				until = a.Ended
			}
			if until == 0 {
				until = at
			}
			held += float64(until - a.Sent)
		}
	}
	out.goodput = float64(out.finished) * float64(x.work.Milliseconds()) / held
	out.lost = lost / (float64(len(tasks)) * float64(x.work.Milliseconds()))
	return out
}

// live has a machine come and go.
func (x *lifetimes) live(ctx context.Context, n *node, r *rand.Rand) {
	wait := func(d time.Duration) bool {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return false
		case <-t.C:
			return true
		}
	}
	if !wait(x.age) {
		return
	}
	for age := x.age; wait(x.stay(r, age)); age = 0 {
		n.crash()
		n.w.went.Add(1)
		away := x.away(r)
		if away == 0 || !wait(away) {
			return
		}
		n.start()
	}
}
