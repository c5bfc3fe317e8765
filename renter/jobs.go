package renter

import (
	"context"
	"errors"
	"slices"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/wire"
)

// Submit stores a job; from then on it goes on by itself. The same id again
// does nothing, so that who got no answer may ask again. The program and the
// input must be in the blob store.
func (r *Renter) Submit(ctx context.Context, id artel.Hash, spec artel.JobSpec) error {
	now := r.loop.Now().UnixMilli()
	if !spec.Service.IsZero() && r.c.Probe == nil {
		return artel.Invalid("this renter cannot check services")
	}
	j, tasks, err := job.New(id, spec, now)
	if err != nil {
		return err
	}
	if _, _, err := r.c.Store.Job(ctx, id); !errors.Is(err, ErrNoJob) {
		return err
	}
	if spec.Deadline != 0 && spec.Deadline <= now {
		return artel.Invalid("the job's deadline has passed already; hint: a later --deadline")
	}
	return r.do(ctx, func(t *tx) {
		if r.jobs[id] != nil {
			return
		}
		a := &active{Job: j, tasks: tasks, waiting: make([]uint64, len(tasks))}
		t.jobs[id] = true
		t.tasks[id] = make(map[uint64]bool, len(tasks))
		for i := range tasks {
			a.waiting[i] = uint64(i)
			t.tasks[id][uint64(i)] = true
		}
		r.jobs[id] = a
		r.order = append(r.order, id)
	})
}

// Job returns a job with its tasks as of now; ErrNoJob for none.
func (r *Renter) Job(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	var j job.Job
	var ts []job.Task
	if err := r.do(ctx, func(*tx) {
		if a := r.jobs[id]; a != nil {
			j, ts = a.Job, slices.Clone(a.tasks)
		}
	}); err != nil {
		return j, nil, err
	}
	if ts != nil {
		return j, ts, nil
	}
	return r.c.Store.Job(ctx, id)
}

// Jobs lists the newest jobs first, at most n.
func (r *Renter) Jobs(ctx context.Context, n int) ([]job.Job, error) { return r.c.Store.Jobs(ctx, n) }

// News returns a channel that is closed after the next change of any job.
func (r *Renter) News() <-chan struct{} {
	r.newsMu.Lock()
	defer r.newsMu.Unlock()
	return r.news
}

// Wait returns the job when it is over.
func (r *Renter) Wait(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	for {
		news := r.News()
		j, ts, err := r.Job(ctx, id)
		if err != nil || j.Phase != job.Active {
			return j, ts, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return j, ts, ctx.Err()
		case <-r.loop.Closed():
			return j, ts, errStopped
		}
	}
}

// Cancel ends a job. What runs is told to stop; what was delivered is paid.
func (r *Renter) Cancel(ctx context.Context, id artel.Hash, why string) error {
	found := false
	if err := r.do(ctx, func(t *tx) {
		a := r.jobs[id]
		if a == nil {
			return
		}
		found = true
		r.end(t, a, artel.ReasonCancelled, why)
	}); err != nil {
		return err
	}
	if found {
		return nil
	}
	_, _, err := r.c.Store.Job(ctx, id)
	return err
}

// Remove forgets a job that is over, with what its tasks left. ErrNoJob where there is
// none, ErrJobOpen where it runs, or its machines still have to be paid.
func (r *Renter) Remove(ctx context.Context, id artel.Hash) error {
	if _, _, err := r.c.Store.Job(ctx, id); err != nil {
		return err
	}
	open := false
	if err := r.do(ctx, func(t *tx) {
		if open = r.jobs[id] != nil || !r.quiet(id); !open {
			t.change.DropJobs = append(t.change.DropJobs, id)
		}
	}); err != nil {
		return err
	}
	if open {
		return ErrJobOpen
	}
	return nil
}

// end cancels a job at once: what runs for it is told to stop.
func (r *Renter) end(t *tx, a *active, why artel.Reason, msg string) {
	a.Job = a.Job.Cancel(why, msg, t.now)
	t.jobs[a.ID] = true
	r.stop(t, a)
}

// stop tells what runs for a job to stop.
func (r *Renter) stop(t *tx, a *active) {
	for _, b := range r.ordered() {
		var ks []wire.TaskKey
		for _, k := range b.keys() {
			if w := b.work[k]; w.Job == a.ID && !w.Receipt {
				ks = append(ks, wire.TaskKey(k))
			}
		}
		if len(ks) > 0 {
			r.tellCancel(t, b, ks)
		}
	}
}
