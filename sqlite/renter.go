package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/renter"
)

// Renter returns the renter's view of the database.
func (d *DB) Renter() renter.Store { return renterStore{d} }

type renterStore struct{ *DB }

func (s renterStore) Load(ctx context.Context) (st renter.State, err error) {
	fail := func(what string, err error) (renter.State, error) {
		return st, fmt.Errorf("load renter's %s: %w", what, err)
	}
	metas, err := all[renter.Meta](ctx, s.DB, "SELECT row FROM renter_meta")
	if err != nil {
		return fail("meta", err)
	}
	if len(metas) == 1 {
		st.Meta = metas[0]
	}
	if st.Books, err = all[lease.Book](ctx, s.DB, "SELECT row FROM renter_book"); err != nil {
		return fail("lanes", err)
	}
	if st.Leases, err = all[renter.LeaseRow](ctx, s.DB, "SELECT row FROM renter_lease"); err != nil {
		return fail("leases", err)
	}
	if st.Jobs, err = all[job.Job](ctx, s.DB, "SELECT row FROM renter_job WHERE active = 1 ORDER BY created"); err != nil {
		return fail("jobs", err)
	}
	st.Tasks = map[artel.Hash][]job.Task{}
	for _, j := range st.Jobs {
		if st.Tasks[j.ID], err = s.tasks(ctx, j.ID); err != nil {
			return fail("tasks", err)
		}
	}
	if st.Outbox, err = all[chain.Tx](ctx, s.DB, "SELECT row FROM renter_outbox ORDER BY id"); err != nil {
		return fail("calls", err)
	}
	if st.Nodes, err = all[renter.NodeRow](ctx, s.DB, "SELECT row FROM renter_node"); err != nil {
		return fail("nodes", err)
	}
	return st, nil
}

func (s renterStore) tasks(ctx context.Context, id artel.Hash) ([]job.Task, error) {
	return all[job.Task](ctx, s.DB, "SELECT row FROM renter_task WHERE job = ? ORDER BY idx", id[:])
}

func (s renterStore) Save(ctx context.Context, c renter.Change) error {
	return s.save(ctx, func(w *writer) {
		if c.Meta != nil {
			w.exec("INSERT INTO renter_meta VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row", w.json(c.Meta))
		}
		for _, b := range c.Books {
			w.exec("INSERT INTO renter_book VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row", laneKey(b.Key), w.json(b))
		}
		for _, r := range c.Leases {
			w.exec("INSERT INTO renter_lease VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row", r.Bought.ID[:], w.json(r))
		}
		for _, id := range c.DropLeases {
			w.exec("DELETE FROM renter_lease WHERE id = ?", id[:])
		}
		for _, j := range c.Jobs {
			w.exec("INSERT INTO renter_job VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET active = excluded.active, row = excluded.row",
				j.ID[:], j.Created, j.Phase == job.Active, w.json(j))
		}
		for _, id := range c.DropJobs {
			w.exec("DELETE FROM renter_job WHERE id = ?", id[:])
			w.exec("DELETE FROM renter_task WHERE job = ?", id[:])
		}
		for id, ts := range c.Tasks {
			for _, t := range ts {
				w.exec("INSERT INTO renter_task VALUES (?, ?, ?) ON CONFLICT (job, idx) DO UPDATE SET row = excluded.row", id[:], int64(t.Index), w.json(t))
			}
		}
		for _, x := range c.Outbox {
			w.exec("INSERT INTO renter_outbox VALUES (?, ?) ON CONFLICT (id) DO NOTHING", x.ID, w.json(x))
		}
		for _, n := range c.Nodes {
			w.exec("INSERT INTO renter_node VALUES (?, ?) ON CONFLICT (node) DO UPDATE SET row = excluded.row", n.Node[:], w.json(n))
		}
		for _, id := range c.Sent {
			w.exec("DELETE FROM renter_outbox WHERE id = ?", id)
		}
	})
}

func (s renterStore) Job(ctx context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	var raw []byte
	var j job.Job
	switch err := s.db.QueryRowContext(ctx, "SELECT row FROM renter_job WHERE id = ?", id[:]).Scan(&raw); err {
	case nil:
	case sql.ErrNoRows:
		return j, nil, renter.ErrNoJob
	default:
		return j, nil, fmt.Errorf("read job %s: %w", id.Short(), err)
	}
	if err := json.Unmarshal(raw, &j); err != nil {
		return j, nil, fmt.Errorf("read job %s: %w", id.Short(), err)
	}
	ts, err := s.tasks(ctx, id)
	if err != nil {
		return j, nil, fmt.Errorf("read tasks of job %s: %w", id.Short(), err)
	}
	return j, ts, nil
}

func (s renterStore) Jobs(ctx context.Context, n int) ([]job.Job, error) {
	js, err := all[job.Job](ctx, s.DB, "SELECT row FROM renter_job ORDER BY created DESC LIMIT ?", n)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return js, nil
}
