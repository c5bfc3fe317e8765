package sqlite

import (
	"context"
	"fmt"
	"slices"

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
	st.Generations = map[provider.Controller]uint64{}
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
		switch one := len(artel.Address{}); len(a) {
		case one:
			st.Generations[provider.Controller{Renter: artel.Address(a), Signer: artel.Address(a)}] = uint64(g)
		case 2 * one:
			st.Generations[provider.Controller{Renter: artel.Address(a[:one]), Signer: artel.Address(a[one:])}] = uint64(g)
		}
	}
	return st, rows.Err()
}

func (s providerStore) Save(ctx context.Context, c provider.Change) error {
	return s.save(ctx, func(w *writer) {
		for _, k := range c.DropLanes {
			w.exec("DELETE FROM provider_lane WHERE key = ?", laneKey(k))
		}
		for _, x := range c.DropGenerations {
			w.exec("DELETE FROM provider_gen WHERE renter = ?", genKey(x))
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
		for x, g := range c.Generations {
			w.exec("INSERT INTO provider_gen VALUES (?, ?) ON CONFLICT (renter) DO UPDATE SET gen = excluded.gen", genKey(x), int64(g))
		}
		for _, x := range c.Outbox {
			w.exec("INSERT INTO provider_outbox VALUES (?, ?) ON CONFLICT (id) DO NOTHING", x.ID, w.json(x))
		}
		for _, id := range c.Sent {
			w.exec("DELETE FROM provider_outbox WHERE id = ?", id)
		}
	})
}

// genKey is under what a controller's generation is stored: an account's own by its
// address alone, as before session signers had theirs; a session signer's by both.
func genKey(c provider.Controller) []byte {
	if c.Renter == c.Signer {
		return c.Renter[:]
	}
	return slices.Concat(c.Renter[:], c.Signer[:])
}

func laneKey(k lease.Key) string {
	return fmt.Sprintf("%s/%s/%016x", k.Renter, k.Provider, k.Number)
}
