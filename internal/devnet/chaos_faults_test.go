//go:build linux

package devnet_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
)

// fault is one thing that goes wrong.
type fault struct {
	at    time.Duration // since the beginning
	kind  string
	who   int
	lasts time.Duration
	n     uint64 // what else it draws from
}

// kind is how a fault is made and mended, and whom it may strike.
type kind struct {
	weight int
	least  time.Duration // how long it lasts
	most   time.Duration
	on     func(*member) bool
	do     func(*storm, *member, fault) error
	apart  bool // it needs a network or mounts of its own
}

func anyNode(m *member) bool  { return m.node != nil }
func provider(m *member) bool { return m.provides }
func renter(m *member) bool   { return strings.HasPrefix(m.name, "renter") }
func theChain(m *member) bool { return m.chain }

// kinds are the faults by name.
var kinds = map[string]kind{
	"the daemon is killed":            {4, 0, 8 * time.Second, provider, (*storm).kill, false},
	"power cut":                       {6, 0, 15 * time.Second, provider, (*storm).cut, false},
	"the daemon is stopped":           {2, 0, 5 * time.Second, provider, (*storm).stopped, false},
	"the daemon stands still":         {3, time.Second, 20 * time.Second, provider, (*storm).frozen, false},
	"the machine stands still":        {4, time.Second, 25 * time.Second, provider, (*storm).asleep, false},
	"the owner withdraws":             {2, time.Second, 10 * time.Second, provider, (*storm).withdrawn, false},
	"the renter is killed":            {3, 0, 10 * time.Second, renter, (*storm).kill, false},
	"the renter stands still":         {2, time.Second, 20 * time.Second, renter, (*storm).frozen, false},
	"the chain is killed":             {2, 0, 8 * time.Second, theChain, (*storm).kill, false},
	"the chain stands still":          {2, time.Second, 12 * time.Second, theChain, (*storm).frozen, false},
	"what it keeps is spoilt":         {4, 0, time.Second, anyNode, (*storm).spoilt, false},
	"what it keeps is spoilt, down":   {3, 0, 5 * time.Second, provider, (*storm).spoiltDown, false},
	"what it sends to keepers is bad": {3, 2 * time.Second, 10 * time.Second, provider, (*storm).forged, false},
	"its clock is wrong":              {1, 2 * time.Second, 10 * time.Second, provider, (*storm).misled, false},
	"nobody reaches it":               {3, time.Second, 20 * time.Second, anyNode, (*storm).cutOff, true},
	"what it says is lost":            {2, time.Second, 15 * time.Second, anyNode, (*storm).cutOff, true},
	"what it is told is lost":         {2, time.Second, 15 * time.Second, anyNode, (*storm).cutOff, true},
	"its disk is full":                {2, time.Second, 15 * time.Second, provider, (*storm).full, true},
}

// schedule draws the faults of a span of time.
func schedule(seed uint64, span time.Duration, apart bool) (plan []fault) {
	draw := rand.New(rand.NewPCG(seed, 0))
	between := 5 * time.Second
	if span <= shortChaos {
		between = 3 * time.Second
	}
	var urn []string
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if kinds[name].apart && !apart {
			continue
		}
		for range kinds[name].weight {
			urn = append(urn, name)
		}
	}
	within := func(least, most time.Duration) time.Duration {
		return least + time.Duration(draw.Int64N(int64(most-least)+1)).Round(100*time.Millisecond)
	}
	at := 2 * time.Second // something has begun
	for at += within(0, 2*between); at < span; at += within(0, 2*between) {
		f := fault{at: at, kind: urn[draw.IntN(len(urn))], who: draw.IntN(1 << 20), n: draw.Uint64()}
		k := kinds[f.kind]
		f.lasts = within(k.least, k.most)
		if span <= shortChaos {
			f.lasts = min(f.lasts, 6*time.Second)
		}
		plan = append(plan, f)
	}
	return plan
}

// lull waits for d; the storm's end does not cut it short, a hang does.
func (s *storm) lull(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

// again starts what is down.
func (s *storm) again(m *member) error {
	if m.chain {
		p, err := s.net.StartValidator(s.ctx, m.validator)
		m.set(nil, p)
		return err
	}
	n, err := s.net.StartNode(s.ctx, m.name, 0)
	if err != nil {
		return err
	}
	m.set(n, n.Proc)
	return nil
}

// kill: SIGKILL, of the daemon alone. Containers go on without it.
func (s *storm) kill(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil)
	p.Kill()
	s.lull(f.lasts)
	return s.again(m)
}

// cut: the daemon and all that it runs are gone at once.
func (s *storm) cut(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil)
	if err := p.KillAll(); err != nil {
		return err
	}
	s.lull(f.lasts)
	return s.again(m)
}

// stopped: SIGTERM.
func (s *storm) stopped(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil)
	p.Stop()
	s.lull(f.lasts)
	return s.again(m)
}

// frozen: SIGSTOP, of the daemon alone.
func (s *storm) frozen(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil) // nobody waits for it
	defer m.set(m.node, p)
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		return err
	}
	s.lull(f.lasts)
	return syscall.Kill(p.PID(), syscall.SIGCONT)
}

// asleep: SIGSTOP of the daemon and of all that it runs, as of a laptop that is shut.
func (s *storm) asleep(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil)
	defer m.set(m.node, p)
	if err := syscall.Kill(p.PID(), syscall.SIGSTOP); err != nil {
		return err
	}
	all, err := below(p.PID())
	if err != nil {
		return err
	}
	for _, pid := range all {
		syscall.Kill(pid, syscall.SIGSTOP) // one that has ended already is fine
	}
	s.lull(f.lasts)
	for _, pid := range slices.Backward(all) {
		syscall.Kill(pid, syscall.SIGCONT)
	}
	return syscall.Kill(p.PID(), syscall.SIGCONT)
}

// below lists the processes that descend from pid, itself first.
func below(pid int) ([]int, error) {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil {
			return nil, err
		}
		for _, file := range tasks {
			b, err := os.ReadFile(file)
			if err != nil {
				continue // it has ended
			}
			for _, w := range strings.Fields(string(b)) {
				if n, err := strconv.Atoi(w); err == nil {
					all = append(all, n)
				}
			}
		}
	}
	return all, nil
}

// withdrawn: the owner takes the machine back, at once or when its tasks have left, and
// offers it again.
func (s *storm) withdrawn(m *member, f fault) error {
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	set, err := m.node.API.ProvideStatus(ctx)
	if err != nil {
		return err
	}
	if _, err := m.node.API.StopProviding(ctx, f.n%2 == 0); err != nil {
		return err
	}
	s.lull(f.lasts)
	// While the last tasks leave, nothing new may be offered.
	for {
		_, err := m.node.API.Provide(ctx, set.Config)
		if err == nil {
			return nil
		}
		if e := api.AsError(err); e.Code == api.CodeInvalid || ctx.Err() != nil {
			return err
		}
		s.lull(500 * time.Millisecond)
	}
}

// spoilt damages checkpoints that a node holds, under its hands.
func (s *storm) spoilt(m *member, f fault) error {
	return s.spoil(filepath.Join(datadir.At(m.node.Dir).Kept(), "blocks"), f.n)
}

// spoiltDown does it while the node is off.
func (s *storm) spoiltDown(m *member, f fault) error {
	p := m.proc
	m.set(m.node, nil)
	p.Kill()
	err := s.spoil(filepath.Join(datadir.At(m.node.Dir).Kept(), "blocks"), f.n)
	s.lull(f.lasts)
	return errors.Join(err, s.again(m))
}

// forged damages what is on its way to keepers, as soon as it is there.
func (s *storm) forged(m *member, f fault) error {
	dir := filepath.Join(datadir.At(m.node.Dir).Work(), "saves", "blocks")
	for until := time.Now().Add(f.lasts); time.Now().Before(until); s.lull(20 * time.Millisecond) {
		if err := s.spoil(dir, f.n); err != nil {
			return err
		}
	}
	return nil
}

// spoil damages, cuts short or removes blocks, some or all of them.
func (s *storm) spoil(dir string, n uint64) error {
	draw := rand.New(rand.NewPCG(n, 0))
	blocks, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		return err
	}
	all := draw.IntN(2) == 0
	for _, path := range blocks {
		if !all && draw.IntN(3) > 0 {
			continue
		}
		if err := damage(path, draw); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

func damage(path string, draw *rand.Rand) error {
	how := draw.IntN(3)
	if how == 0 {
		return os.Remove(path)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 {
		return err
	}
	if how == 1 {
		return os.Truncate(path, draw.Int64N(info.Size()))
	}
	h, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer h.Close()
	one := make([]byte, 1)
	at := draw.Int64N(info.Size())
	if _, err := h.ReadAt(one, at); err != nil {
		return err
	}
	one[0] ^= 1 << draw.IntN(8)
	_, err = h.WriteAt(one, at)
	return err
}

// misled: a clock that is wrong by minutes, until its owner sets it and starts again.
func (s *storm) misled(m *member, f fault) error {
	minutes := 2 + int32(f.n%28)
	if f.n>>32%2 == 0 {
		minutes = -minutes
	}
	s.note("%s: its clock is wrong by %d minutes", m.name, minutes)
	p := m.proc
	s.shiftClock(s.t, p.PID(), 60*minutes)
	s.lull(f.lasts)
	m.set(m.node, nil)
	p.Stop()
	return s.again(m)
}
