package renter

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/wire"
)

// When a host is gone, the last checkpoint that its keepers have confirmed may be
// newer than the last that the renter has heard of. It asks them while the next
// machine is sought.

// A search among the keepers of a task.
type search struct {
	until int64 // unix ms; then the task does not wait any longer
	left  int   // keepers that have not answered
}

type taskID struct {
	job   artel.Hash
	index uint64
}

// searchFor is how long a task waits for its keepers at most; it is less where a
// renter is in a hurry.
const searchFor = 2 * time.Second

// seek asks the keepers of a task for a newer checkpoint of an attempt whose host is
// gone.
func (r *Renter) seek(t *tx, b *bought, w Work) {
	a := r.jobs[w.Job]
	if a == nil || b.Terms.Risk == 0 || a.Phase != job.Active {
		return
	}
	task := a.tasks[w.Index]
	if task.State != job.Waiting && task.State != job.Out {
		return
	}
	var at job.Attempt
	for _, x := range task.Attempts {
		if x.N == w.Try {
			at = x
		}
	}
	keepers := slices.Clone(task.Safe.Keepers)
	if !at.Ran.Keeps || len(keepers) == 0 {
		return
	}
	id, name, class := taskID{w.Job, w.Index}, r.taskName(w.Job, w.Index), b.class
	wait := min(searchFor.Milliseconds(), int64(a.Spec.Failover.Replace/6))
	r.searches[id] = &search{until: t.now + wait, left: len(keepers)}
	for _, k := range keepers {
		t.after = append(t.after, func() {
			r.loop.Go(func() {
				ctx, cancel := context.WithTimeout(t.ctx, callFor)
				defer cancel()
				resp, err := r.askKept(ctx, k, wire.KeptRequest{Tasks: []artel.Hash{name}})
				r.post(func(t *tx) {
					if s := r.searches[id]; s != nil {
						if s.left--; s.left <= 0 {
							delete(r.searches, id)
						}
					}
					if err == nil {
						r.found(t, id, name, at, k, class, resp.Holdings)
					}
				})
			})
		})
	}
}

// searching reports whether a task should wait for what its keepers say.
func (r *Renter) searching(id artel.Hash, index uint64, now int64) bool {
	k := taskID{id, index}
	s := r.searches[k]
	if s != nil && (now >= s.until || s.until > now+searchFor.Milliseconds()) {
		delete(r.searches, k)
		s = nil
	}
	return s != nil
}

// found takes what a keeper says it holds. Its word is that of a stranger: it counts
// where the attempt's own node has signed the checkpoint, and the keeper that it
// holds it.
func (r *Renter) found(t *tx, id taskID, name artel.Hash, at job.Attempt, from artel.Keeper, class artel.Class, hs []wire.Holding) {
	a := r.jobs[id.job]
	if a == nil {
		return
	}
	for _, h := range hs {
		s := h.Segment.Saved
		if h.Grant.Task != name || s.Task != name || s.Lease != at.Lease || s.Attempt != at.N || s.Root.IsZero() || s.Generation == 0 {
			continue
		}
		if seen := uint64(max(0, t.now-at.Sent)); s.Wall > seen {
			continue
		}
		holders, err := h.Segment.Check(r.domain, at.Node, []artel.Keeper{from}, 1)
		if err != nil {
			r.c.Log.Info("keeper's word", "keeper", from.Node.Short(), "error", err)
			continue
		}
		task, ok := a.tasks[id.index].Found(at.N, h.Segment, holders, class, t.now)
		a.tasks[id.index] = task
		t.mark(id.job, id.index)
		if ok {
			r.c.Log.Info("a keeper has a newer checkpoint", "job", id.job.Short(), "task", a.Spec.First+id.index, "keeper", from.Node.Short(), "generation", s.Generation)
		}
	}
}

// askKept asks a keeper, this node itself among them.
func (r *Renter) askKept(ctx context.Context, k artel.Keeper, m wire.KeptRequest) (wire.KeptResponse, error) {
	if k.Node == r.c.Key.NodeID() {
		if r.c.Own == nil {
			return wire.KeptResponse{}, nil
		}
		return r.c.Own.Kept(ctx, m)
	}
	for _, addr := range k.Addrs {
		if r.c.Host.Connect(ctx, addr) == nil {
			break
		}
	}
	raw, err := r.c.Host.Call(ctx, k.Node, wire.MethodKept, m.Marshal(), wire.MaxKept)
	if err != nil {
		return wire.KeptResponse{}, err
	}
	return wire.UnmarshalKeptResponse(raw)
}

// Bounds of letting go.
const (
	dropEvery = 5 * time.Second
	dropFor   = 12 * time.Hour // then what is held has expired, or will soon
	maxDrops  = 100_000        // tasks that wait for a keeper to be told
)

// drop is what a keeper is still to be told to let go.
type drop struct {
	keeper  artel.Keeper
	tasks   []artel.Hash
	telling int       // how many of them it is being told of
	since   time.Time // when the first was noted, or when it was last reached
	not     time.Time // not before
	busy    bool
}

// letGo notes for their keepers the tasks that are over. Whom nobody can reach until
// this daemon ends lets go when the grant has expired.
func (r *Renter) letGo(a *active, i uint64, now int64) {
	task := &a.tasks[i]
	over := task.State == job.Done || task.State == job.Failed || a.Phase != job.Active
	if !over || len(task.Safe.Keepers) == 0 {
		return
	}
	name := r.taskName(a.ID, i)
	if least := int64(a.Spec.Survival.Min); !slices.ContainsFunc(task.Attempts, func(x job.Attempt) bool {
		// The last word of a host may not have come, nor when it has stopped.
		return x.Ran.Gen > 0 || x.Ended == 0 || x.Ended-x.Sent >= least
	}) {
		task.Safe.Keepers = nil // it was over before anything of it could be saved
	}
	for _, k := range task.Safe.Keepers {
		r.letDrop(k, name, now)
	}
	task.Safe.Keepers, task.Safe.Saved = nil, nil
}

// letDrop notes that a keeper is to be told to let go of what it knows by a name.
func (r *Renter) letDrop(k artel.Keeper, name artel.Hash, now int64) {
	d := r.drops[k.Node]
	if d == nil {
		d = &drop{since: time.UnixMilli(now)}
		r.drops[k.Node] = d
	}
	d.keeper = k
	if len(d.tasks) < maxDrops {
		d.tasks = append(d.tasks, name)
	}
}

// dropLoop tells keepers to let go.
func (r *Renter) dropLoop(ctx context.Context) {
	for core.Every(ctx, dropEvery) {
		type call struct {
			*drop
			to    artel.Keeper
			tasks []artel.Hash
		}
		var due []call
		if r.do(ctx, func(t *tx) {
			now := time.UnixMilli(t.now)
			for _, n := range slices.SortedFunc(maps.Keys(r.drops), func(a, b artel.NodeID) int { return bytes.Compare(a[:], b[:]) }) {
				d := r.drops[n]
				if now.Sub(d.since) > dropFor {
					delete(r.drops, n)
				} else if !d.busy && !now.Before(d.not) && len(due) < 32 {
					d.busy, d.telling = true, min(len(d.tasks), wire.MaxTasks)
					due = append(due, call{d, d.keeper, slices.Clone(d.tasks[:d.telling])})
				}
			}
		}) != nil {
			return
		}
		for _, d := range due {
			r.loop.Go(func() {
				cctx, cancel := context.WithTimeout(ctx, callFor)
				defer cancel()
				_, err := r.askKept(cctx, d.to, wire.KeptRequest{Tasks: d.tasks, Drop: true})
				r.post(func(t *tx) {
					d.busy, d.telling, d.not = false, 0, time.UnixMilli(t.now).Add(time.Minute)
					if err != nil {
						return
					}
					r.letGone(t, d.to.Node, d.tasks)
					d.drop.tasks, d.not, d.since = d.drop.tasks[len(d.tasks):], time.Time{}, time.UnixMilli(t.now)
					if len(d.drop.tasks) == 0 {
						delete(r.drops, d.to.Node)
					}
				})
			})
		}
	}
}
