package sqlite

import (
	"bytes"
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
)

func open(t *testing.T, path string) *DB {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestProviderComesBackAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a?b c.db")
	d := open(t, path)
	k := lease.Key{Renter: artel.Address{1}, Provider: artel.Address{2}, Number: 1<<63 + 5}
	book := lease.Book{Key: k, Accrued: artel.AccrualOf(artel.Units(7)), Voucher: artel.MaxAmount, VoucherSig: artel.Signature{9}}
	row := provider.LeaseRow{Sold: lease.Sold{ID: artel.Hash{3}, Floor: 4, Phase: lease.Open}, TermsRaw: []byte("terms")}
	event := provider.EventRow{Lease: artel.Hash{3}, Key: []byte("key"), Event: wire.Event{
		Seq: 1, Task: 1<<64 - 1, Receipt: &artel.Receipt{Result: artel.Result{ExitCode: -1}, Signature: artel.Signature{7}, Due: artel.Units(5)},
	}}
	call := chain.Tx{ID: "x", From: artel.Address{1}, Call: chain.RequestExit{Amount: artel.Units(1)}}
	err := d.Provider().Save(t.Context(), provider.Change{
		Lanes: []provider.LaneRow{{Book: book, Rested: 7, Waiving: true}}, Leases: []provider.LeaseRow{row}, Events: []provider.EventRow{event},
		Generations: map[provider.Controller]uint64{{Renter: artel.Address{1}, Signer: artel.Address{1}}: 8, {Renter: artel.Address{1}, Signer: artel.Address{2}}: 9}, Outbox: []chain.Tx{call},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()

	d = open(t, path)
	st, err := d.Provider().Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := provider.State{
		Lanes: []provider.LaneRow{{Book: book, Rested: 7, Waiving: true}}, Leases: []provider.LeaseRow{row}, Events: []provider.EventRow{event},
		Generations: map[provider.Controller]uint64{{Renter: artel.Address{1}, Signer: artel.Address{1}}: 8, {Renter: artel.Address{1}, Signer: artel.Address{2}}: 9}, Outbox: []chain.Tx{call},
	}
	if !reflect.DeepEqual(st, want) {
		t.Errorf("loaded\n%+v\nwant\n%+v", st, want)
	}
	// A second receipt under a number that is taken is refused, whole.
	err = d.Provider().Save(t.Context(), provider.Change{Events: []provider.EventRow{event}, Sent: []string{"x"}})
	if err == nil {
		t.Error("an event was replaced")
	}
	if st, _ := d.Provider().Load(t.Context()); len(st.Outbox) != 1 {
		t.Error("half of a refused change was stored")
	}
	if err := d.Provider().Save(t.Context(), provider.Change{Forget: []provider.Forget{{Lease: artel.Hash{3}, Through: 1}}, Sent: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	if st, _ := d.Provider().Load(t.Context()); len(st.Events)+len(st.Outbox) != 0 {
		t.Errorf("forgotten rows are still there: %+v", st)
	}
	// A lane that is forgotten and begins anew in one round is there.
	other := k
	other.Number = 6
	drop := provider.Change{DropLanes: []lease.Key{k, other}, DropGenerations: []provider.Controller{{Renter: artel.Address{1}, Signer: artel.Address{1}}, {Renter: artel.Address{1}, Signer: artel.Address{2}}, {Renter: artel.Address{2}}}, Lanes: []provider.LaneRow{{Book: lease.Book{Key: other}}}}
	if err := d.Provider().Save(t.Context(), drop); err != nil {
		t.Fatal(err)
	}
	if st, _ := d.Provider().Load(t.Context()); len(st.Lanes) != 1 || st.Lanes[0].Key != other || len(st.Generations) != 0 {
		t.Errorf("after lanes were dropped: %+v", st)
	}
}

func TestRenterLoadsWhatIsNotOver(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "artel.db"))
	s := d.Renter()
	j1 := job.Job{ID: artel.Hash{1}, Created: 1, Spec: artel.JobSpec{Count: 2}}
	j2 := job.Job{ID: artel.Hash{2}, Created: 2, Phase: job.Finished}
	tasks := []job.Task{{Index: 0, State: job.Done}, {Index: 1}}
	err := s.Save(t.Context(), renter.Change{
		Meta: &renter.Meta{Lane: 5, Generation: 6}, Jobs: []job.Job{j1, j2},
		Tasks: map[artel.Hash][]job.Task{j1.ID: tasks},
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Meta.Generation != 6 || len(st.Jobs) != 1 || st.Jobs[0].ID != j1.ID || !reflect.DeepEqual(st.Tasks[j1.ID], tasks) {
		t.Errorf("loaded %+v", st)
	}
	js, err := s.Jobs(t.Context(), 10)
	if err != nil || len(js) != 2 || js[0].ID != j2.ID {
		t.Errorf("jobs, newest first: %+v, %v", js, err)
	}
	if _, _, err := s.Job(t.Context(), artel.Hash{9}); err != renter.ErrNoJob {
		t.Errorf("unknown job: %v", err)
	}
	if err := s.Save(t.Context(), renter.Change{DropJobs: []artel.Hash{j1.ID, {9}}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Job(t.Context(), j1.ID); err != renter.ErrNoJob {
		t.Errorf("a dropped job: %v", err)
	}
	if left, err := d.Renter().(renterStore).tasks(t.Context(), j1.ID); err != nil || len(left) != 0 {
		t.Errorf("tasks of a dropped job: %v, %v", left, err)
	}
	if js, err := s.Jobs(t.Context(), 10); err != nil || len(js) != 1 || js[0].ID != j2.ID {
		t.Errorf("jobs, when one was dropped: %+v, %v", js, err)
	}
}

// What was seen of a node is there after the program has ended, the newest of it; and
// a database of an earlier release gets the table for it.
func TestRenterRemembersNodes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "artel.db")
	d := open(t, path)
	if _, err := d.db.Exec("DROP TABLE renter_node; DROP TABLE keeper_task; PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = open(t, path)
	var nodes []artel.NodeID
	for i := range byte(2) {
		k, err := artel.KeyFromBytes(append(make([]byte, 31), i+1))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, k.NodeID())
	}
	slices.SortFunc(nodes, func(a, b artel.NodeID) int { return bytes.Compare(a[:], b[:]) })
	rows := []renter.NodeRow{
		{Node: nodes[0], Record: market.Record{Done: 3, Speed: 900, SpeedAt: 7, Claim: 9000, Marks: 1.5, MarkedAt: 8}},
		{Node: nodes[1], Record: market.Record{Lied: 9, Evasions: 2, Held: 1 << 40, Asked: 5}},
	}
	for _, c := range [][]renter.NodeRow{{{Node: nodes[0]}}, rows} {
		if err := d.Renter().Save(t.Context(), renter.Change{Nodes: c}); err != nil {
			t.Fatal(err)
		}
	}
	d.Close()
	st, err := open(t, path).Renter().Load(t.Context())
	if err != nil || !reflect.DeepEqual(st.Nodes, rows) {
		t.Errorf("loaded %+v, %v", st.Nodes, err)
	}
}

func TestSettingsCallsAndCursor(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "artel.db"))
	var v string
	if ok, err := d.Setting(t.Context(), "n", &v); ok || err != nil {
		t.Fatalf("no setting yet: %v, %v", ok, err)
	}
	if err := d.SetSetting(t.Context(), "n", "hello"); err != nil {
		t.Fatal(err)
	}
	if ok, err := d.Setting(t.Context(), "n", &v); !ok || err != nil || v != "hello" {
		t.Fatalf("setting: %q, %v, %v", v, ok, err)
	}
	for _, id := range []string{"b", "a", "c"} {
		if err := d.PutCall(t.Context(), id, false, []byte(id)); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.PutCall(t.Context(), "a", true, []byte("a2")); err != nil {
		t.Fatal(err)
	}
	rows, err := d.OpenCalls(t.Context())
	if err != nil || len(rows) != 2 || string(rows[0]) != "b" || string(rows[1]) != "c" {
		t.Errorf("open calls: %q, %v", rows, err)
	}
	if row, ok, err := d.GetCall(t.Context(), "a"); string(row) != "a2" || !ok || err != nil {
		t.Errorf("call a: %q, %v, %v", row, ok, err)
	}
	e := chain.Event{Block: chain.Head{Number: 3}, Index: 1, Fact: chain.Deposited{Account: artel.Address{1}, Amount: artel.Units(2)}}
	if err := d.ApplyEvents(t.Context(), []chain.Event{e}, chain.Head{Number: 3}); err != nil {
		t.Fatal(err)
	}
	// The same block twice stores nothing, not even the cursor.
	if err := d.ApplyEvents(t.Context(), []chain.Event{e}, chain.Head{Number: 9}); err == nil {
		t.Error("an event was stored twice")
	}
	if c, err := d.Cursor(t.Context()); err != nil || c.Number != 3 {
		t.Errorf("cursor %+v, %v", c, err)
	}
	if es, err := d.Events(t.Context(), "deposited"); err != nil || !reflect.DeepEqual(es, []chain.Event{e}) {
		t.Errorf("events %+v, %v", es, err)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "artel.db")
	d := open(t, path)
	if _, err := d.db.Exec("PRAGMA user_version = 999"); err != nil {
		t.Fatal(err)
	}
	d.Close()
	if _, err := Open(context.Background(), path); err == nil || !strings.Contains(err.Error(), "hint") {
		t.Errorf("opened a newer schema: %v", err)
	}
}
