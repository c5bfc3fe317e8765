package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/wire"
)

// ownKeeper is this node's keeper to its renter.
type ownKeeper struct{ n *Node }

// Addrs implements renter.Keeper.
func (k ownKeeper) Addrs() []string { return k.n.host.Addrs() }

// Kept implements renter.Keeper.
func (k ownKeeper) Kept(ctx context.Context, m wire.KeptRequest) (wire.KeptResponse, error) {
	return k.n.keeper.Kept(ctx, m)
}

// survives fills in what a task's checkpoints are, and where.
func survives(t job.Task, a *api.Task) {
	a.Lost, a.LostPaid = t.Safe.Lost, t.Safe.Paid
	if len(t.Safe.Saved) > 0 {
		c := t.Safe.Saved[0]
		s := c.Segment.Saved
		a.Checkpoint = &api.Checkpoint{
			Kind: s.Kind, Generation: s.Generation, At: millis(c.At), Work: c.Done, Stored: s.Stored, Node: c.Node,
		}
		for _, k := range c.Holders {
			a.Checkpoint.Keepers = append(a.Checkpoint.Keepers, k.Node)
		}
	}
	for _, at := range t.Attempts {
		if at.N == a.Attempt && (at.Ran.From != 0 || at.Ran.Why != "") {
			a.From = &api.Begun{Generation: at.Ran.From, Node: at.Ran.Host, Message: at.Ran.Why}
		}
	}
}

// begunText says what an attempt began from, where that was not the beginning.
func begunText(at job.Attempt) string {
	switch {
	case at.Ran.From != 0:
		return fmt.Sprintf("goes on from checkpoint %d of %s", at.Ran.From, at.Ran.Host.Short())
	case at.Ran.Why != "":
		return at.Ran.Why
	}
	return ""
}

// maxStated is how many of the newest jobs a statement tells of.
const maxStated = 1000

// lost lists the newest jobs of which something was lost, or went on elsewhere.
func (n *Node) lost(ctx context.Context) ([]api.Lost, error) {
	js, err := n.renter.Jobs(ctx, maxStated)
	if err != nil {
		return nil, err
	}
	var out []api.Lost
	for _, j := range js {
		if !j.Spec.Survival.Wanted() {
			continue
		}
		j, ts, err := n.renter.Job(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		l := api.Lost{Job: j.ID.String(), Name: j.Spec.Name}
		for _, t := range ts {
			l.Millis += t.Safe.Lost
			l.Paid = l.Paid.Add(t.Safe.Paid)
			for _, at := range t.Attempts {
				if at.Ran.From != 0 {
					l.Moves++
				}
			}
		}
		if l.Millis != 0 || l.Moves != 0 {
			out = append(out, l)
		}
	}
	return out, nil
}

// thin says that checkpoints are in fewer places than a job wants; empty: none are.
func thin(j job.Job, ts []job.Task) string {
	least, tasks := artel.MaxKeepers+1, 0
	for _, t := range ts {
		if taskState(j, t).Ended() || len(t.Safe.Saved) == 0 {
			continue
		}
		if n := len(t.Safe.Saved[0].Holders); n < int(j.Spec.Survival.Keepers) {
			least, tasks = min(least, n), tasks+1
		}
	}
	if tasks == 0 {
		return ""
	}
	s := map[bool]string{true: "", false: "s"}
	return fmt.Sprintf("%d task%s kept on %d machine%s, wanted are %d; hint: more machines that keep checkpoints", tasks, s[tasks == 1], least, s[least == 1], j.Spec.Survival.Keepers)
}

// safeLine says what of the running jobs is safe; empty: none wants it.
func (n *Node) safeLine(ctx context.Context) (string, error) {
	js, err := n.renter.Jobs(ctx, maxListed)
	if err != nil {
		return "", err
	}
	want, have, oldest := 0, 0, time.Time{}
	for _, j := range js {
		if j.Phase != job.Active || !j.Spec.Survival.Wanted() {
			continue
		}
		_, ts, err := n.renter.Job(ctx, j.ID)
		if err != nil {
			return "", err
		}
		for _, t := range ts {
			if t.State != job.Out && len(t.Safe.Saved) == 0 {
				continue
			}
			if want++; len(t.Safe.Saved) == 0 {
				continue
			}
			have++
			if at := millis(slices.MaxFunc(t.Safe.Saved, func(a, b job.Checkpoint) int { return int(a.At - b.At) }).At); oldest.IsZero() || at.Before(oldest) {
				oldest = at
			}
		}
	}
	if want == 0 {
		return "", nil
	}
	text := fmt.Sprintf("%d of %d tasks have a checkpoint elsewhere", have, want)
	if have > 0 {
		text += fmt.Sprintf(", the oldest of %s", time.Since(oldest).Round(time.Second))
	}
	return text, nil
}
