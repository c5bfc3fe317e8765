// Package sqlite keeps a node's facts: one file, one writer, every commit on
// the disk before it returns (synchronous=FULL). It implements provider.Store,
// renter.Store, keeper.Store and what the chain room stores.
//
// Rows hold the actors' own values as JSON beside the columns that are searched
// by: the rules own their shape, the schema owns the keys. A schema change is a
// numbered migration; a file of a newer schema is refused.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"

	driver "modernc.org/sqlite" // registers itself
	code "modernc.org/sqlite/lib"
)

// ErrDisk is a change that the disk does not take. All that was stored before is
// there. Of the change nothing is seen; after a sync that failed, the next start
// may find it whole.
var ErrDisk = errors.New("the disk takes no more")

// DB is a node's database. It is safe for use by many goroutines; writes take
// turns.
type DB struct {
	db   *sql.DB
	path string

	// writing is held by the one writer: writers queue here rather than spin on
	// the file's lock.
	writing sync.Mutex

	mu       sync.Mutex
	prepared map[string]*sql.Stmt // by query; parsing costs more than running them
}

// migrations bring a database from version i to i+1. They are never edited
// once released.
var migrations = []string{`
CREATE TABLE provider_lane   (key TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE provider_lease  (id BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE provider_event  (lease BLOB, seq INTEGER, row BLOB NOT NULL, PRIMARY KEY (lease, seq)) WITHOUT ROWID;
CREATE TABLE provider_gen    (renter BLOB PRIMARY KEY, gen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE provider_outbox (id TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE renter_meta     (id INTEGER PRIMARY KEY CHECK (id = 1), row BLOB NOT NULL);
CREATE TABLE renter_book     (key TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE renter_lease    (id BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE renter_job      (id BLOB PRIMARY KEY, created INTEGER NOT NULL, active INTEGER NOT NULL, row BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX renter_job_created ON renter_job (created);
CREATE INDEX renter_job_active  ON renter_job (active) WHERE active = 1;
CREATE TABLE renter_task     (job BLOB, idx INTEGER, row BLOB NOT NULL, PRIMARY KEY (job, idx)) WITHOUT ROWID;
CREATE TABLE renter_outbox   (id TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE chain_cursor    (id INTEGER PRIMARY KEY CHECK (id = 1), row BLOB NOT NULL);
CREATE TABLE chain_event     (block INTEGER, idx INTEGER, kind TEXT NOT NULL, row BLOB NOT NULL, PRIMARY KEY (block, idx)) WITHOUT ROWID;
CREATE TABLE chain_tx        (id TEXT PRIMARY KEY, seq INTEGER NOT NULL, final INTEGER NOT NULL, row BLOB NOT NULL);
CREATE INDEX chain_tx_open   ON chain_tx (seq) WHERE final = 0;
CREATE TABLE setting         (name TEXT PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
`, `
CREATE TABLE renter_node     (node BLOB PRIMARY KEY, row BLOB NOT NULL) WITHOUT ROWID;
`, `
CREATE TABLE keeper_task     (renter BLOB, task BLOB, row BLOB NOT NULL, PRIMARY KEY (renter, task)) WITHOUT ROWID;
`}

// Open opens or makes the database at path and brings its schema up to date.
func Open(ctx context.Context, path string) (*DB, error) {
	return openWith(ctx, path, url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)",
		"cache_size(-4000)", "mmap_size(0)", "wal_autocheckpoint(1000)", "journal_size_limit(16777216)",
	}, "_txlock": {"immediate"}})
}

// openWith is Open with SQLite's settings.
func openWith(ctx context.Context, path string, q url.Values) (*DB, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	db.SetMaxOpenConns(3) // one writes, two read
	d := &DB{db: db, path: path, prepared: map[string]*sql.Stmt{}}
	if err := d.migrate(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open database %s: %w", path, d.explain(err))
	}
	return d, nil
}

// Close flushes and closes the file.
func (d *DB) Close() error { return d.db.Close() }

func (d *DB) migrate(ctx context.Context) error {
	var have int
	if err := d.db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have); err != nil {
		return err
	}
	if have > len(migrations) {
		return fmt.Errorf("schema version %d is newer than this program's %d; hint: use the newer artel that wrote it", have, len(migrations))
	}
	for v := have; v < len(migrations); v++ {
		if err := d.tx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, migrations[v]); err != nil {
				return err
			}
			_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", v+1))
			return err
		}); err != nil {
			return fmt.Errorf("migrate schema to version %d: %w", v+1, err)
		}
	}
	return nil
}

// tx runs f in one transaction that is on the disk when tx returns nil. Errors:
// ErrDisk, what f returns.
func (d *DB) tx(ctx context.Context, f func(*sql.Tx) error) error {
	d.writing.Lock()
	defer d.writing.Unlock()
	t, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return d.explain(err)
	}
	if err := f(t); err != nil {
		t.Rollback()
		return d.explain(err)
	}
	return d.explain(t.Commit())
}

// explain makes ErrDisk of what SQLite says when the disk is full or fails.
func (d *DB) explain(err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // the rest of the code is detail
	case code.SQLITE_FULL:
		return fmt.Errorf("%w: %w; hint: free space on the disk of %s and start again; what was stored before is there", ErrDisk, err, d.path)
	case code.SQLITE_IOERR:
		return fmt.Errorf("%w: %w; hint: see that the disk of %s has space and is healthy, and start again; what was stored before is there", ErrDisk, err, d.path)
	}
	return err
}

// writer executes statements of one transaction and keeps the first error.
type writer struct {
	ctx context.Context
	db  *DB
	tx  *sql.Tx
	err error
}

func (w *writer) exec(query string, args ...any) {
	if w.err != nil {
		return
	}
	stmt, err := w.db.statement(w.ctx, query)
	if err != nil {
		w.err = err
		return
	}
	_, w.err = w.tx.StmtContext(w.ctx, stmt).ExecContext(w.ctx, args...)
}

// statement returns a query prepared once. There are as many as there are
// literals in this package.
func (d *DB) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.prepared[query]; ok {
		return s, nil
	}
	s, err := d.db.PrepareContext(ctx, query)
	if err == nil {
		d.prepared[query] = s
	}
	return s, err
}

func (w *writer) json(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil && w.err == nil {
		w.err = err
	}
	return b
}

// save runs f with a writer in one transaction. It does not stop half-way when
// ctx ends: what an actor decided is stored or the actor stops.
func (d *DB) save(ctx context.Context, f func(*writer)) error {
	ctx = context.WithoutCancel(ctx)
	return d.tx(ctx, func(tx *sql.Tx) error {
		w := &writer{ctx: ctx, db: d, tx: tx}
		f(w)
		return w.err
	})
}

// each decodes the row column of a query's results.
func each[T any](ctx context.Context, d *DB, query string, args []any, f func(T) error) error {
	stmt, err := d.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var raw sql.RawBytes
		if err := rows.Scan(&raw); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return fmt.Errorf("decode row: %w", err)
		}
		if err := f(v); err != nil {
			return err
		}
	}
	return rows.Err()
}

func all[T any](ctx context.Context, d *DB, query string, args ...any) (out []T, err error) {
	err = each(ctx, d, query, args, func(v T) error { out = append(out, v); return nil })
	return out, err
}

// Setting reads a named value into v; ok is false where there is none.
func (d *DB) Setting(ctx context.Context, name string, v any) (ok bool, err error) {
	var raw []byte
	switch err := d.db.QueryRowContext(ctx, "SELECT row FROM setting WHERE name = ?", name).Scan(&raw); err {
	case nil:
	case sql.ErrNoRows:
		return false, nil
	default:
		return false, fmt.Errorf("read setting %s: %w", name, err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, fmt.Errorf("read setting %s: %w", name, err)
	}
	return true, nil
}

// SetSetting stores a named value.
func (d *DB) SetSetting(ctx context.Context, name string, v any) error {
	err := d.save(ctx, func(w *writer) {
		w.exec("INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET row = excluded.row", name, w.json(v))
	})
	if err != nil {
		return fmt.Errorf("store setting %s: %w", name, err)
	}
	return nil
}
