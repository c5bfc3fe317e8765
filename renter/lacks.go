package renter

import (
	"context"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/job"
)

// A job that was taken over has its programs and inputs on the lost machine. Machines
// where it ran have them too; others get nothing of it until they are here again.

// lacksEvery is how often what is not here is looked for.
const lacksEvery = 5 * time.Second

// lacking lists what of a job is not on this machine.
func (r *Renter) lacking(ctx context.Context, spec artel.JobSpec, from []artel.NodeID) []string {
	if r.c.Lacks == nil {
		return nil
	}
	return r.c.Lacks(ctx, spec, from)
}

// has reports whether every block below a root is here.
func (r *Renter) has(ctx context.Context, root artel.Ref) bool {
	return blob.Complete(ctx, r.c.Blobs, root, blob.Limits{}) == nil
}

// Lacks says what of a job is not on this machine; nil: everything is.
func (r *Renter) Lacks(ctx context.Context, id artel.Hash) (lacks []string) {
	_ = r.do(ctx, func(*tx) {
		if a := r.jobs[id]; a != nil {
			lacks = slices.Clone(a.lacks)
		}
	})
	return lacks
}

// knows reports whether a machine may have what a job lacks: something of it ran
// there.
func (a *active) knows(node artel.NodeID) bool {
	if len(a.lacks) == 0 {
		return true
	}
	for _, t := range a.tasks {
		for _, at := range t.Attempts {
			if at.Node == node && (at.Ended == 0 || at.Ran.Saved > 0 || at.Reason == artel.ReasonExited || at.Reason == "") {
				return true
			}
		}
	}
	return false
}

// lacksLoop looks for what is not here, until it is.
func (r *Renter) lacksLoop(ctx context.Context) {
	if r.c.Lacks == nil {
		return
	}
	type look struct {
		id   artel.Hash
		spec artel.JobSpec
		from []artel.NodeID
	}
	for core.Every(ctx, lacksEvery) {
		var looks []look
		if r.do(ctx, func(t *tx) {
			for _, a := range r.jobs {
				if len(a.lacks) == 0 || a.Phase != job.Active {
					continue
				}
				l := look{id: a.ID, spec: a.Spec}
				for _, b := range r.leases {
					if a.knows(b.node) && !slices.Contains(l.from, b.node) {
						l.from = append(l.from, b.node)
					}
				}
				looks = append(looks, l)
			}
			r.forgetTaken(t)
		}) != nil {
			return
		}
		for _, l := range looks {
			lacks := r.lacking(ctx, l.spec, l.from)
			if r.do(ctx, func(t *tx) {
				if a := r.jobs[l.id]; a != nil && !slices.Equal(a.lacks, lacks) {
					a.lacks, t.news = lacks, true
					if len(lacks) == 0 {
						r.c.Log.Info("all that a job needs is here again", "job", a.ID.Short())
					}
				}
			}) != nil {
				return
			}
		}
	}
}

// forgetTaken notes jobs that lack nothing any more, or are over.
func (r *Renter) forgetTaken(t *tx) {
	left := slices.DeleteFunc(slices.Clone(r.meta.TakenOver), func(id artel.Hash) bool {
		a := r.jobs[id]
		return a == nil || a.Phase != job.Active || len(a.lacks) == 0
	})
	if len(left) == len(r.meta.TakenOver) {
		return
	}
	m := r.meta
	m.TakenOver = left
	r.setMeta(m)
	t.change.Meta = &m
}
