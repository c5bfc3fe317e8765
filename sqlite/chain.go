package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/artel-network/artel/chain"
)

// Cursor implements chain.EventStore.
func (d *DB) Cursor(ctx context.Context) (chain.Head, error) {
	hs, err := all[chain.Head](ctx, d, "SELECT row FROM chain_cursor")
	if err != nil {
		return chain.Head{}, fmt.Errorf("read chain cursor: %w", err)
	}
	if len(hs) == 0 {
		return chain.Head{}, nil
	}
	return hs[0], nil
}

// ApplyEvents implements chain.EventStore: events and cursor in one transaction.
func (d *DB) ApplyEvents(ctx context.Context, events []chain.Event, cursor chain.Head) error {
	err := d.save(ctx, func(w *writer) {
		for _, e := range events {
			w.exec("INSERT INTO chain_event VALUES (?, ?, ?, ?)", int64(e.Block.Number), e.Index, e.Fact.Kind(), w.json(e))
		}
		w.exec("INSERT INTO chain_cursor VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row", w.json(cursor))
	})
	if err != nil {
		return fmt.Errorf("store %d events up to block %d: %w", len(events), cursor.Number, err)
	}
	return nil
}

// Events lists the stored events of the given kinds, oldest first; of all kinds
// if none is given.
func (d *DB) Events(ctx context.Context, kinds ...string) ([]chain.Event, error) {
	if len(kinds) == 0 {
		return all[chain.Event](ctx, d, "SELECT row FROM chain_event ORDER BY block, idx")
	}
	var out []chain.Event
	for _, k := range kinds {
		es, err := all[chain.Event](ctx, d, "SELECT row FROM chain_event WHERE kind = ? ORDER BY block, idx", k)
		if err != nil {
			return nil, fmt.Errorf("read %s events: %w", k, err)
		}
		out = append(out, es...)
	}
	return out, nil
}

// PutCall stores what is known of a submitted call, under its id. The order of
// first storing is kept.
func (d *DB) PutCall(ctx context.Context, id string, final bool, row []byte) error {
	err := d.save(ctx, func(w *writer) {
		w.exec(`INSERT INTO chain_tx (id, seq, final, row) VALUES (?, (SELECT COALESCE(MAX(seq), 0) + 1 FROM chain_tx), ?, ?)
			ON CONFLICT (id) DO UPDATE SET final = excluded.final, row = excluded.row`, id, final, row)
	})
	if err != nil {
		return fmt.Errorf("store call %s: %w", id, err)
	}
	return nil
}

// GetCall returns a stored call; false if there is none.
func (d *DB) GetCall(ctx context.Context, id string) (row []byte, ok bool, err error) {
	switch err := d.db.QueryRowContext(ctx, "SELECT row FROM chain_tx WHERE id = ?", id).Scan(&row); err {
	case nil:
		return row, true, nil
	case sql.ErrNoRows:
		return nil, false, nil
	default:
		return nil, false, fmt.Errorf("read call %s: %w", id, err)
	}
}

// OpenCalls returns the calls whose outcome is not final, in the order in which
// they were first stored.
func (d *DB) OpenCalls(ctx context.Context) (rows [][]byte, err error) {
	r, err := d.db.QueryContext(ctx, "SELECT row FROM chain_tx WHERE final = 0 ORDER BY seq")
	if err != nil {
		return nil, fmt.Errorf("read open calls: %w", err)
	}
	defer r.Close()
	for r.Next() {
		var row []byte
		if err := r.Scan(&row); err != nil {
			return nil, fmt.Errorf("read open calls: %w", err)
		}
		rows = append(rows, row)
	}
	return rows, r.Err()
}
