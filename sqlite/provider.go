package sqlite

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/provider"
)

// Provider returns the provider's view of the database.
func (d *DB) Provider() provider.Store { return providerStore{d} }

type providerStore struct{ *DB }

func (s providerStore) Load(ctx context.Context) (st provider.State, err error) {
	fail := func(what string, err error) (provider.State, error) {
		return st, fmt.Errorf("load provider's %s: %w", what, err)
	}
	if st.Lanes, err = all[provider.LaneRow](ctx, s.DB, "SELECT row FROM provider_lane"); err != nil {
		return fail("lanes", err)
	}
	if st.Leases, err = all[provider.LeaseRow](ctx, s.DB, "SELECT row FROM provider_lease"); err != nil {
		return fail("leases", err)
	}
	if st.Events, err = all[provider.EventRow](ctx, s.DB, "SELECT row FROM provider_event ORDER BY lease, seq"); err != nil {
		return fail("events", err)
	}
	if st.Outbox, err = all[chain.Tx](ctx, s.DB, "SELECT row FROM provider_outbox ORDER BY id"); err != nil {
		return fail("calls", err)
	}
	st.Generations = map[artel.Address]uint64{}
	rows, err := s.db.QueryContext(ctx, "SELECT renter, gen FROM provider_gen")
	if err != nil {
		return fail("generations", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a []byte
		var g int64
		if err := rows.Scan(&a, &g); err != nil {
			return fail("generations", err)
		}
		if len(a) == len(artel.Address{}) {
			st.Generations[artel.Address(a)] = uint64(g)
		}
	}
	return st, rows.Err()
}

func (s providerStore) Save(ctx context.Context, c provider.Change) error {
	return s.save(ctx, func(w *writer) {
		for _, k := range c.DropLanes {
			w.exec("DELETE FROM provider_lane WHERE key = ?", laneKey(k))
		}
		for _, a := range c.DropGenerations {
			w.exec("DELETE FROM provider_gen WHERE renter = ?", a[:])
		}
		for _, b := range c.Lanes {
			w.exec("INSERT INTO provider_lane VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row", laneKey(b.Key), w.json(b))
		}
		for _, r := range c.Leases {
			w.exec("INSERT INTO provider_lease VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row", r.Sold.ID[:], w.json(r))
		}
		for _, e := range c.Events {
			// Never replaced: one receipt per attempt, for ever.
			w.exec("INSERT INTO provider_event VALUES (?, ?, ?)", e.Lease[:], int64(e.Event.Seq), w.json(e))
		}
		for _, f := range c.Forget {
			w.exec("DELETE FROM provider_event WHERE lease = ? AND seq <= ?", f.Lease[:], int64(f.Through))
		}
		for _, id := range c.DropLeases {
			w.exec("DELETE FROM provider_lease WHERE id = ?", id[:])
			w.exec("DELETE FROM provider_event WHERE lease = ?", id[:])
		}
		for a, g := range c.Generations {
			w.exec("INSERT INTO provider_gen VALUES (?, ?) ON CONFLICT (renter) DO UPDATE SET gen = excluded.gen", a[:], int64(g))
		}
		for _, x := range c.Outbox {
			w.exec("INSERT INTO provider_outbox VALUES (?, ?) ON CONFLICT (id) DO NOTHING", x.ID, w.json(x))
		}
		for _, id := range c.Sent {
			w.exec("DELETE FROM provider_outbox WHERE id = ?", id)
		}
	})
}

func laneKey(k lease.Key) string {
	return fmt.Sprintf("%s/%s/%016x", k.Renter, k.Provider, k.Number)
}
