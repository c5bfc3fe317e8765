//go:build unix

package sqlite

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/keeper/keepertest"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
	sqlite3 "modernc.org/sqlite/lib"
)

var seeds = flag.Int("sqlite.seeds", 8, "number of seeds of the power cut tests")

// settings are Open's, but for how much is synced and how often the log is
// folded into the database: at Open's own 1000 pages a short life would rarely
// see it.
func settings(vfs, synchronous string, checkpoint int) url.Values {
	q := url.Values{"_pragma": {
		"journal_mode(WAL)", "synchronous(" + synchronous + ")", "busy_timeout(10000)", "foreign_keys(1)",
		"cache_size(-4000)", "mmap_size(0)", fmt.Sprintf("wal_autocheckpoint(%d)", checkpoint), "journal_size_limit(16777216)",
	}, "_txlock": {"immediate"}}
	if vfs != "" {
		q.Set("vfs", vfs)
	}
	return q
}

// TestSettingsAreOpens: what the power cuts are tried with is what Open asks for.
func TestSettingsAreOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "artel.db")
	d := open(t, path)
	for _, p := range []string{"journal_mode", "synchronous", "foreign_keys", "cache_size", "mmap_size", "wal_autocheckpoint", "journal_size_limit"} {
		var a, b string
		if err := d.db.QueryRow("PRAGMA " + p).Scan(&a); err != nil {
			t.Fatal(err)
		}
		o, err := openWith(t.Context(), path, settings("", "FULL", 1000))
		if err != nil {
			t.Fatal(err)
		}
		if err := o.db.QueryRow("PRAGMA " + p).Scan(&b); err != nil || a != b {
			t.Errorf("%s is %s, and %s in the tests of power cuts, %v", p, a, b, err)
		}
		o.Close()
	}
}

// life makes random changes, such as the actors store.
type life struct {
	rng *rand.Rand
	n   uint64 // changes so far, over all lives
}

func (l *life) hash() artel.Hash { return artel.Hash{byte(l.rng.IntN(12)), 1} }

func (l *life) pad() []byte {
	b := make([]byte, l.rng.IntN(6)*l.rng.IntN(4000))
	for i := range b {
		b[i] = byte(l.rng.Uint32())
	}
	return b
}

// save stores one change that touches several tables or pages.
func (l *life) save(ctx context.Context, d *DB) error {
	l.n++
	n := artel.Units(l.n)
	book := lease.Book{Key: lease.Key{Number: uint64(l.rng.IntN(5))}, Accrued: artel.AccrualOf(n), Voucher: n}
	tx := chain.Tx{ID: fmt.Sprint(l.n), Call: chain.RequestExit{Amount: n}}
	switch l.rng.IntN(8) {
	case 0, 1:
		return d.Provider().Save(ctx, provider.Change{
			Lanes:       []provider.LaneRow{{Book: book}},
			Leases:      []provider.LeaseRow{{Sold: lease.Sold{ID: l.hash()}, TermsRaw: l.pad()}},
			Events:      []provider.EventRow{{Lease: l.hash(), Key: l.pad(), Event: wire.Event{Seq: l.n}}},
			Forget:      []provider.Forget{{Lease: l.hash(), Through: l.n - min(l.n, 10)}},
			DropLeases:  []artel.Hash{l.hash()},
			Generations: map[provider.Controller]uint64{{Renter: artel.Address{1}}: l.n},
			Outbox:      []chain.Tx{tx}, Sent: []string{fmt.Sprint(l.n - min(l.n, 5))},
		})
	case 2, 3:
		id := l.hash()
		return d.Renter().Save(ctx, renter.Change{
			Meta: &renter.Meta{Lane: uint32(l.n)}, Books: []lease.Book{book},
			Jobs:   []job.Job{{ID: id, Created: int64(l.n), Spec: artel.JobSpec{Args: []string{string(l.pad())}}}},
			Tasks:  map[artel.Hash][]job.Task{id: {{Index: uint64(l.rng.IntN(50))}, {Index: l.n % 7}}},
			Outbox: []chain.Tx{tx}, Sent: []string{fmt.Sprint(l.n - min(l.n, 5))},
		})
	case 4:
		e := chain.Event{Block: chain.Head{Number: l.n}, Fact: chain.Deposited{Amount: n}}
		return d.ApplyEvents(ctx, []chain.Event{e, {Block: e.Block, Index: 1, Fact: e.Fact}}, e.Block)
	case 5, 6:
		t := keepertest.Task(byte(l.rng.IntN(3)), byte(l.rng.IntN(4)), l.rng.IntN(4))
		t.Seen = l.n
		return d.Keeper().Save(ctx, []keeper.Task{t, keepertest.Task(7, byte(l.n), 1)}, []keeper.ID{keepertest.Task(7, byte(l.n-min(l.n, 9)), 0).ID()})
	default:
		return d.PutCall(ctx, fmt.Sprint(l.n%9), l.rng.IntN(2) == 0, l.pad())
	}
}

// dump is a digest of all that the database holds.
func (d *DB) dump(ctx context.Context) ([32]byte, error) {
	h := sha256.New()
	var names []string
	err := d.rows(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name", func(vs []any) { names = append(names, vs[0].(string)) })
	for _, name := range names {
		fmt.Fprintln(h, name)
		if err == nil {
			err = d.rows(ctx, "SELECT * FROM "+name+" ORDER BY 1, 2", func(vs []any) { fmt.Fprintf(h, "%q\n", vs) })
		}
	}
	return [32]byte(h.Sum(nil)), err
}

func (d *DB) rows(ctx context.Context, query string, f func([]any)) error {
	rows, err := d.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	cols, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		vs, to := make([]any, len(cols)), make([]any, len(cols))
		for i := range vs {
			to[i] = &vs[i]
		}
		if err := rows.Scan(to...); err != nil {
			return err
		}
		f(vs)
	}
	return rows.Err()
}

// What a power cut may show that it must not.
var (
	errLost = errors.New("a promised change is lost")
	errTorn = errors.New("not what any change left")
)

// story is what happened to a database in one life: the notes, and what it held
// after each change.
type story struct {
	start image
	rec   *recorder
	held  [][32]byte // after the opening, and after each change
}

// live opens the database that an image holds, makes changes, and closes it.
func (l *life) live(t *testing.T, start image, synchronous string, checkpoint, changes int) *story {
	t.Helper()
	dir := quickDir(t)
	start.lay(t, dir)
	s := &story{start: start, rec: record(t, dir)}
	newDisk(start, s.rec) // for the numbers of its inodes
	d, err := openWith(t.Context(), filepath.Join(dir, "artel.db"), settings(s.rec.name, synchronous, checkpoint))
	if err != nil {
		t.Fatalf("open what the last power cut left: %v", err)
	}
	look := func() {
		h, err := d.dump(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.held = append(s.held, h)
	}
	look()
	for range changes {
		s.rec.note(note{op: opSaving})
		if err := l.save(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		s.rec.note(note{op: opSaved})
		look()
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

// cuts cuts the power n times after each note whose number when picks, and tells
// what was found. It returns one of the images.
func (s *story) cuts(t *testing.T, rng *rand.Rand, n int, when func(int) bool, found func(error)) (one image) {
	t.Helper()
	d := newDisk(s.start, &recorder{inos: map[string]int{}})
	saving, saved, seen := 0, 0, 0
	for at, x := range s.rec.notes {
		switch x.op {
		case opSaving:
			saving++
		case opSaved:
			saved++
		default:
			d.apply(x)
		}
		if !when(at) {
			continue
		}
		for range n {
			im := d.cut(rng)
			if seen++; rng.IntN(seen) == 0 {
				one = im
			}
			if err := s.check(t, im, rng, saved, saving); err != nil {
				found(fmt.Errorf("power cut after note %d of %d, %d changes promised: %w", at, len(s.rec.notes), saved, err))
			}
		}
	}
	return one
}

// quickDir is a directory in memory where the system has one: what is synced is
// noted, and need not be done.
func quickDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "artel-sqlite")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// check opens an image as a daemon would after the power came back. It must
// hold what was promised, and of the change that was under way all or nothing.
func (s *story) check(t *testing.T, im image, rng *rand.Rand, saved, saving int) error {
	t.Helper()
	dir := quickDir(t)
	defer os.RemoveAll(dir)
	im.lay(t, dir)
	if rng.IntN(3) == 0 { // the index of the log is shared memory: anything may be left of it
		junk := make([]byte, 32<<10)
		for i := range junk {
			junk[i] = byte(rng.Uint32())
		}
		image{"artel.db-shm": junk}.lay(t, dir)
	}
	d, err := Open(t.Context(), filepath.Join(dir, "artel.db"))
	if err != nil {
		return fmt.Errorf("%w: %w", errTorn, err)
	}
	defer d.Close()
	got, err := d.dump(t.Context())
	if err != nil {
		return fmt.Errorf("%w: %w", errTorn, err)
	}
	var healthy string
	if err := d.db.QueryRow("PRAGMA integrity_check").Scan(&healthy); err != nil || healthy != "ok" {
		return fmt.Errorf("%w: %s, %v", errTorn, healthy, err)
	}
	if got != s.held[saved] && got != s.held[saving] {
		for i := range saved {
			if got == s.held[i] {
				return fmt.Errorf("%w: it holds what it held after %d changes", errLost, i)
			}
		}
		return errTorn
	}
	if err := d.SetSetting(t.Context(), "on", "it goes"); err != nil {
		return fmt.Errorf("%w: %w", errTorn, err)
	}
	return nil
}

// some picks about one note in n.
func some(rng *rand.Rand, n int) func(int) bool {
	return func(int) bool { return rng.IntN(n) == 0 }
}

// TestPowerCut cuts the power at random moments, each of which leaves another
// disk; each disk must hold what was promised. The database goes on with one of
// them, and again.
func TestPowerCut(t *testing.T) {
	for seed := range *seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			l := &life{rng: rng}
			im := image{}
			for round := range 4 {
				s := l.live(t, im, "FULL", []int{8, 40, 1000}[rng.IntN(3)], 1+rng.IntN(40))
				im = s.cuts(t, rng, 1, some(rng, 1+len(s.rec.notes)/20), func(err error) { t.Fatalf("round %d: %v", round, err) })
			}
		})
	}
}

// TestPowerCutAtEverySync cuts the power around every sync of a short life, from
// the making of the file to its closing.
func TestPowerCutAtEverySync(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 2))
	l := &life{rng: rng}
	s := l.live(t, image{}, "FULL", 8, 12)
	n, folded := 0, 0
	syncs := func(at int) bool {
		return at < len(s.rec.notes) && (s.rec.notes[at].op == opSync || s.rec.notes[at].op == opSyncDir)
	}
	at := func(at int) bool {
		if !syncs(at) && !syncs(at+1) && s.rec.notes[at].op != opSaved {
			return false
		}
		n++
		if x := s.rec.notes[at]; x.op == opSync && x.ino == 1 {
			folded++
		}
		return true
	}
	s.cuts(t, rng, 2, at, func(err error) { t.Fatal(err) })
	t.Logf("%d moments; the log was folded into the database %d times", n, folded)
	if n < 3*12 || folded < 2 {
		t.Errorf("only %d moments, the log folded %d times: this life is too quiet to prove anything", n, folded)
	}
}

// TestSynchronousIsWhatHolds: with any less than synchronous=FULL, power cuts
// lose what was promised, and with none of it they tear the file; the tests
// above would see both.
func TestSynchronousIsWhatHolds(t *testing.T) {
	for _, c := range []struct {
		synchronous string
		tears       bool
	}{{"NORMAL", false}, {"OFF", true}} {
		lost, torn := 0, 0
		for seed := range *seeds {
			rng := rand.New(rand.NewPCG(uint64(seed), 3))
			l := &life{rng: rng}
			s := l.live(t, image{}, c.synchronous, 8, 25)
			s.cuts(t, rng, 1, some(rng, 1+len(s.rec.notes)/15), func(err error) {
				if errors.Is(err, errTorn) {
					torn++
				} else {
					lost++
				}
			})
		}
		t.Logf("synchronous=%s: %d times lost, %d times torn", c.synchronous, lost, torn)
		if lost == 0 || c.tears != (torn > 0) {
			t.Errorf("synchronous=%s: %d times lost, %d times torn", c.synchronous, lost, torn)
		}
	}
}

// TestFullDisk fails writes as a full or dying disk does. What fails says so and
// shows nothing, what was promised stays, and once there is room the same
// database goes on. And then the power goes.
func TestFullDisk(t *testing.T) {
	for seed := range *seeds {
		rng := rand.New(rand.NewPCG(uint64(seed), 4))
		fault := []int32{sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}[seed%3]
		l, dir := &life{rng: rng}, quickDir(t)
		s := &story{start: image{}, rec: record(t, dir)}
		d, err := openWith(t.Context(), filepath.Join(dir, "artel.db"), settings(s.rec.name, "FULL", 8))
		if err != nil {
			t.Fatal(err)
		}
		look := func() [32]byte {
			t.Helper()
			h, err := d.dump(t.Context())
			if err != nil {
				t.Fatalf("seed %d: read: %v", seed, err)
			}
			return h
		}
		held, failed := look(), 0
		full := rand.New(rand.NewPCG(uint64(seed), 5))
		for range 60 {
			left := full.IntN(12) // changes until the disk is full, for a while
			s.rec.fault = func(o op) int32 {
				if left--; left >= 0 || (o == opSync) != (fault == sqlite3.SQLITE_IOERR_FSYNC) {
					return sqlite3.SQLITE_OK
				}
				return fault
			}
			err := l.save(t.Context(), d)
			s.rec.fault = nil
			now := look()
			switch {
			case err == nil:
				held = now
			case !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "; hint: "):
				t.Fatalf("seed %d: %v", seed, err)
			case now != held:
				t.Fatalf("seed %d: a change that failed with %v is there", seed, err)
			default:
				failed++
			}
		}
		if failed < 5 {
			t.Fatalf("seed %d: only %d changes failed", seed, failed)
		}
		// A change that no sync brought to the disk may be there after all, whole;
		// the next one takes its place.
		if err := l.save(t.Context(), d); err != nil {
			t.Fatalf("seed %d: with room again: %v", seed, err)
		}
		s.rec.note(note{op: opSaving})
		s.rec.note(note{op: opSaved})
		s.held = [][32]byte{held, look()}
		s.cuts(t, rng, 3, func(at int) bool { return at == len(s.rec.notes)-1 }, func(err error) { t.Fatalf("seed %d: %v", seed, err) })
		d.Close()
	}
}
