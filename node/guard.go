package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/host"
	will "github.com/artel-network/artel/host/owner"
	"github.com/artel-network/artel/provider"
)

// How often the guard looks at the machine, asks its programs, and stores what it counts.
const (
	guardEvery   = 500 * time.Millisecond
	refreshEvery = time.Second
	trafficEvery = time.Minute
)

// guard sees to it that the machine's owner comes first: it looks, decides, and has
// the provider give way.
type guard struct {
	n     *Node
	watch *host.Watch
	path  string // of the policy file

	turn    sync.Mutex // one look at a time
	applied *will.Action

	mu      sync.Mutex
	policy  will.Policy
	stamp   string // of the file that policy is of; empty: there is none
	changed bool   // the policy did, and what is offered has not followed yet
	pause   *will.Pause
	state   will.State
	seen    will.Seen
	cost    time.Duration // of the last look
	month   traffic
	moved   uint64 // bytes of this run of the daemon that are in month
}

// traffic is what went through the network in a month.
type traffic struct {
	Month string `json:"month"` // 2026-11
	Bytes uint64 `json:"bytes"`
}

func newGuard(n *Node) *guard {
	return &guard{n: n, watch: host.Local().NewWatch(), path: filepath.Join(n.c.Paths.Root(), will.FileName)}
}

// load takes up what outlasts a restart.
func (g *guard) load(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	var p will.Pause
	ok, err := g.n.db.Setting(ctx, "pause", &p)
	if err != nil {
		return err
	}
	if ok && p.How != will.Run {
		g.pause = &p
	}
	if _, err := g.n.db.Setting(ctx, "traffic", &g.month); err != nil {
		return err
	}
	g.read()
	return nil
}

// maxPolicy bounds the file.
const maxPolicy = 256 << 10

// read takes the policy file up if it has changed. g.mu is held.
func (g *guard) read() {
	stamp := ""
	fi, err := os.Stat(g.path)
	switch {
	case err == nil:
		stamp = fmt.Sprint(fi.ModTime().UnixNano(), fi.Size(), fi.Mode())
	case !errors.Is(err, os.ErrNotExist):
		stamp = err.Error()
	}
	if stamp == g.stamp {
		return
	}
	g.stamp, g.policy, g.changed = stamp, will.Policy{}, true
	if stamp != "" {
		b, err := readSome(g.path, maxPolicy)
		if err == nil {
			g.policy, err = will.Parse(will.FileName, b)
		}
		if err != nil {
			g.policy = will.Policy{Broken: err.Error()}
			g.n.c.Log.Warn("the owner's policy cannot be read: nothing runs until it can", "error", err)
		}
	}
	g.watch.Ask(g.policy.Ask())
}

func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

// run looks again and again.
func (g *guard) run(ctx context.Context) error {
	select {
	case <-g.n.owner.resumed: // what ran before may have been frozen
	case <-ctx.Done():
		return nil
	}
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { g.refresh(ctx) })
	tick := time.NewTicker(guardEvery)
	defer tick.Stop()
	for {
		g.look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// refresh asks the machine's programs, which may be slow, beside the looks.
func (g *guard) refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	var stored time.Time
	for {
		if g.n.owner.sight().p != nil {
			g.watch.Refresh(ctx, time.Now())
			if time.Since(stored) >= trafficEvery {
				g.count(ctx)
				stored = time.Now()
			}
			g.mu.Lock()
			changed := g.changed
			g.changed = false
			g.mu.Unlock()
			if changed {
				g.n.owner.again(ctx)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			g.count(context.WithoutCancel(ctx))
			return
		}
	}
}

// count adds to the month what went through the network since the last time: what this
// node and its peers have said to each other, and the containers' own networks.
func (g *guard) count(ctx context.Context) {
	sent, got := g.n.host.Traffic()
	total := uint64(max(sent, 0)) + uint64(max(got, 0))
	if b := g.n.owner.sight().boxed; b != nil {
		total += b.Networks(ctx)
	}
	g.mu.Lock()
	if m := time.Now().Format("2006-01"); g.month.Month != m {
		g.month = traffic{Month: m}
	}
	g.month.Bytes += total - min(g.moved, total)
	g.moved = max(g.moved, total)
	month := g.month
	g.mu.Unlock()
	if err := g.n.db.SetSetting(ctx, "traffic", month); err != nil && ctx.Err() == nil {
		g.n.c.Log.Warn("store this month's traffic", "error", err)
	}
}

// look decides, and acts. When it returns, what is to stand still does.
func (g *guard) look(ctx context.Context) {
	g.turn.Lock()
	defer g.turn.Unlock()
	s := g.n.owner.sight()
	if s.p == nil {
		return
	}
	next := g.decide(s)
	if g.applied != nil && *g.applied == next.Action {
		return
	}
	if err := s.p.GiveWay(ctx, ways[next.Action], next.Why); err != nil && ctx.Err() == nil {
		g.n.c.Log.Warn("not all of strangers' work has given way", "to", next.Action, "error", err)
	}
	g.applied = &next.Action
}

var ways = [...]provider.Way{will.Run: provider.Free, will.Rest: provider.Resting, will.Drain: provider.Draining, will.Freeze: provider.Frozen, will.Evict: provider.Evicted}

// decide says what is to be.
func (g *guard) decide(s sight) will.State {
	now := time.Now()
	own := s.used()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read()
	seen := will.Seen{Presence: g.watch.Look(now, own), Pause: g.pause, Traffic: g.month.Bytes, Price: s.price}
	if s.price > 0 {
		seen.Cost = g.powerCost(s.slots)
	}
	g.state, g.seen = g.policy.Decide(g.state, seen, now), seen
	g.cost = time.Since(now)
	return g.state
}

// powerCost is the least price that pays for the power, of a slot of so many. g.mu is held.
func (g *guard) powerCost(slots uint32) uint64 {
	if g.policy.Cores > 0 {
		slots = min(slots, g.policy.Cores)
	}
	return g.policy.Cost(g.n.c.Network.Token.Decimals, slots)
}

// ask stores the owner's wish, nil: that it be taken back, and does as it says.
func (g *guard) ask(ctx context.Context, p *will.Pause) error {
	stored := will.Pause{}
	if p != nil {
		stored = *p
	}
	if err := g.n.db.SetSetting(ctx, "pause", stored); err != nil {
		return err
	}
	g.mu.Lock()
	g.pause = p
	g.mu.Unlock()
	g.look(ctx)
	return nil
}

// caps bounds what is offered.
func (g *guard) caps(c api.ProvideConfig) api.ProvideConfig {
	g.mu.Lock()
	g.read()
	p := g.policy
	g.mu.Unlock()
	if p.Cores > 0 && p.Cores < c.Slots {
		c.Memory = c.Memory / uint64(c.Slots) * uint64(p.Cores) // each slot has what it had
		c.Slots = p.Cores
	}
	if p.Memory > 0 {
		c.Memory = min(c.Memory, p.Memory)
	}
	if p.Disk > 0 && p.Disk < c.Disk {
		c.Disk = p.Disk
		c.Images = min(c.Images, c.Disk/imageShare)
		if kept := min(*c.Kept, c.Disk/keptShare); kept < *c.Kept {
			c.Kept = &kept
		}
	}
	return c
}

// pays refuses a price that does not pay for the power.
func (g *guard) pays(c api.ProvideConfig) error {
	g.mu.Lock()
	g.read()
	cost := g.powerCost(c.Slots)
	watts, kwh := g.policy.Watts, g.policy.KWh
	g.mu.Unlock()
	if uint64(c.Price) >= cost {
		return nil
	}
	return &api.Error{Code: api.CodeInvalid,
		Message: fmt.Sprintf("a slot would bring %d units per 10⁶ s, and the power for it costs %d: %g W ÷ 1000 × %s tokens ÷ %d slots an hour", c.Price, cost, watts, kwh.FloatString(4), c.Slots),
		Hint:    fmt.Sprintf("--price %d or more; or what watts and kwh say in %s is not so", cost, will.FileName)}
}

// Owner implements api.Provider.
func (n *Node) Owner(ctx context.Context) (api.Owner, error) {
	g := n.guard
	if n.owner.sight().p == nil { // nobody else looks
		g.watch.Refresh(ctx, time.Now())
		g.decide(n.owner.sight())
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	o := api.Owner{
		Action: g.state.Action.String(), Why: g.state.Why, Since: g.state.Since.UTC(), File: g.path, HasFile: g.stamp != "", Month: g.month.Bytes,
		Cost: g.seen.Cost, Look: uint64(g.cost.Microseconds()), Notices: g.policy.Notices(g.seen.Presence),
	}
	if p := g.pause; p != nil && (p.Until.IsZero() || time.Now().Before(p.Until)) {
		o.Paused, o.Until = p.How.String(), p.Until.UTC()
	}
	for _, f := range g.seen.Facts() {
		o.Seen = append(o.Seen, api.Fact{Name: f[0], Text: f[1]})
	}
	return o, nil
}

// PauseWork implements api.Provider.
func (n *Node) PauseWork(ctx context.Context, r api.PauseRequest) (api.Owner, error) {
	p := &will.Pause{How: map[string]will.Action{"": will.Freeze, "freeze": will.Freeze, "evict": will.Evict, "drain": will.Drain}[r.How]}
	if r.For > 0 {
		p.Until = time.Now().Add(time.Duration(min(r.For, 1<<40)) * time.Millisecond)
	}
	if err := n.guard.ask(ctx, p); err != nil {
		return api.Owner{}, err
	}
	return n.Owner(ctx)
}

// ResumeWork implements api.Provider.
func (n *Node) ResumeWork(ctx context.Context) (api.Owner, error) {
	if err := n.guard.ask(ctx, nil); err != nil {
		return api.Owner{}, err
	}
	return n.Owner(ctx)
}

// sight is what the guard needs of the provider's half, without waiting for who changes it.
type sight struct {
	p     *provider.Provider
	boxed *provider.Boxed
	price uint64 // of a slot; 0: nothing is offered
	slots uint32
}

// show makes it seen. Called with mu held, after each change.
func (o *owner) show() {
	s := &sight{p: o.p, boxed: o.boxed}
	if o.set.On {
		s.price, s.slots = uint64(o.set.Config.Price), o.set.Config.Slots
	}
	o.seen.Store(s)
}

func (o *owner) sight() sight {
	if s := o.seen.Load(); s != nil {
		return *s
	}
	return sight{}
}

// used is the processor time of this process and of all attempts so far.
func (s sight) used() time.Duration {
	total := host.OwnTime()
	if s.boxed != nil {
		total += s.boxed.CPU()
	}
	return total
}

// again offers what the policy leaves, after it has changed.
func (o *owner) again(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.p == nil || !o.set.On {
		return
	}
	c := o.n.guard.caps(o.set.Config)
	pol, err := o.policy(ctx, c)
	if err != nil {
		o.n.c.Log.Warn("the policy's caps cannot be kept", "error", err)
		return
	}
	o.limit(c)
	o.boxes.describe(&pol)
	o.boxed.LendGPUs(o.offerGPUs(&pol, c.GPUs))
	o.p.SetPolicy(pol)
}

// notices say what has become of strangers' work, and what of the policy has no effect.
func (g *guard) notices() (all []string) {
	if g.n.owner.sight().p == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.state; s.Action != will.Run {
		all = append(all, fmt.Sprintf("strangers' work %s since %s: %s", map[will.Action]string{
			will.Rest: "takes nothing new", will.Drain: "goes elsewhere", will.Freeze: "stands still", will.Evict: "has been ended",
		}[s.Action], s.Since.Format("15:04:05"), s.Why))
	}
	return append(all, g.policy.Notices(g.seen.Presence)...)
}

// powerPrice is the least price that pays for the power, as of the last look.
func (g *guard) powerPrice() artel.Price {
	g.mu.Lock()
	defer g.mu.Unlock()
	return artel.Price(g.seen.Cost)
}
