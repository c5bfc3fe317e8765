package sqlite

import (
	"context"
	"fmt"

	"github.com/artel-network/artel/keeper"
)

// Keeper returns the keeper's view of the database.
func (d *DB) Keeper() keeper.Store { return keeperStore{d} }

type keeperStore struct{ *DB }

func (s keeperStore) Load(ctx context.Context) ([]keeper.Task, error) {
	ts, err := all[keeper.Task](ctx, s.DB, "SELECT row FROM keeper_task ORDER BY renter, task")
	if err != nil {
		return nil, fmt.Errorf("load keeper's tasks: %w", err)
	}
	return ts, nil
}

func (s keeperStore) Save(ctx context.Context, put []keeper.Task, drop []keeper.ID) error {
	return s.save(ctx, func(w *writer) {
		for _, id := range drop {
			w.exec("DELETE FROM keeper_task WHERE renter = ? AND task = ?", id.Renter[:], id.Task[:])
		}
		for _, t := range put {
			id := t.ID()
			w.exec("INSERT INTO keeper_task VALUES (?, ?, ?) ON CONFLICT (renter, task) DO UPDATE SET row = excluded.row", id.Renter[:], id.Task[:], w.json(t))
		}
	})
}
