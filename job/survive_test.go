package job

import (
	"testing"

	"github.com/artel-network/artel"
)

func root(t *testing.T, n uint64) artel.Ref {
	t.Helper()
	r, err := artel.NewRef(artel.CodecRaw, [32]byte{byte(n), 7})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func segment(t *testing.T, kind artel.CheckpointKind, gen, wall uint64) artel.Segment {
	return artel.Segment{Saved: artel.Saved{Kind: kind, Generation: gen, Wall: wall, Root: root(t, gen)}}
}

var class = artel.Class{Moves: "1", CPU: artel.CPU{Arch: "amd64", Features: []string{"avx", "sse"}}}

// A story is what happens to one task, in a line per step.
type step struct {
	what  string // out, save, fence, lost, drained, stale, no-input, trap, done
	n     uint32 // the attempt
	gen   uint64 // of save
	wall  uint64 // of save: ms of the attempt; of fence and lost: ms that it ran
	on    int    // node of out
	from  uint64 // of out: the generation that it must begin from
	other bool   // of out: on a machine of another class
	after int64  // ms since the last step
}

func TestStories(t *testing.T) {
	const w, f = artel.CheckpointWhole, artel.CheckpointFiles
	for _, c := range []struct {
		name   string
		kind   artel.CheckpointKind
		steps  []step
		newest uint64 // generation of the newest that is remembered; 0: none
		before uint64
		lost   uint64
		paid   uint64
		state  State
	}{
		{"one checkpoint", w, []step{{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}}, 1, 0, 0, 0, Out},
		{"two are remembered", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "save", n: 1, gen: 3, wall: 300},
		}, 3, 2, 0, 0, Out},
		{"an older one comes late", w, []step{{what: "out", n: 1}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "save", n: 1, gen: 1, wall: 100}}, 2, 0, 0, 0, Out},
		{"a host dies", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "fence", n: 1, wall: 150}, {what: "out", n: 2, on: 1, from: 1},
			{what: "save", n: 2, gen: 2, wall: 80},
		}, 2, 1, 50, 0, Out},
		{"one dies before it has saved anything", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100},
			{what: "out", n: 2, on: 1, from: 1}, {what: "lost", n: 2, wall: 40}, {what: "out", n: 3, on: 2, from: 1},
		}, 1, 0, 40, 0, Out},
		{"the fenced one saves more, its successor nothing yet", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "fence", n: 1, wall: 150}, {what: "out", n: 2, on: 1, from: 1},
			{what: "save", n: 1, gen: 2, wall: 160}, {what: "lost", n: 2, wall: 30}, {what: "out", n: 3, on: 2, from: 2},
		}, 2, 1, 30, 0, Out},
		{"the fenced one saves more, its successor has too", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "fence", n: 1, wall: 150}, {what: "out", n: 2, on: 1, from: 1},
			{what: "save", n: 2, gen: 2, wall: 20}, {what: "save", n: 1, gen: 5, wall: 900}, {what: "lost", n: 2, wall: 20}, {what: "out", n: 3, on: 2, from: 2},
		}, 2, 1, 0, 0, Out},
		{"it is drained", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "drained", n: 1, wall: 100}, {what: "out", n: 2, on: 1, from: 1},
		}, 1, 0, 0, 0, Out},
		{"one machine says stale: another one tries", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "lost", n: 1, wall: 200},
			{what: "out", n: 2, on: 1, from: 2}, {what: "stale", n: 2}, {what: "out", n: 3, on: 2, from: 2},
		}, 2, 1, 0, 0, Out},
		{"one says stale and is asked again: it gets the one before", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "lost", n: 1, wall: 200},
			{what: "out", n: 2, on: 1, from: 2}, {what: "stale", n: 2}, {what: "out", n: 3, on: 1, from: 1},
		}, 2, 1, 0, 0, Out},
		{"two say stale: what it had beyond the one before is lost, and was paid for", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "lost", n: 1, wall: 200},
			{what: "out", n: 2, on: 1, from: 2}, {what: "stale", n: 2}, {what: "out", n: 3, on: 2, from: 2}, {what: "stale", n: 3},
			{what: "out", n: 4, on: 3, from: 1}, {what: "save", n: 4, gen: 2, wall: 90},
		}, 2, 1, 100, 10, Out},
		{"everything is stale", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100},
			{what: "out", n: 2, on: 1, from: 1}, {what: "stale", n: 2}, {what: "out", n: 3, on: 2, from: 1}, {what: "stale", n: 3},
			{what: "out", n: 4, on: 3, from: 0}, {what: "done", n: 4},
		}, 1, 0, 100, 10, Paying},
		{"keepers withhold it for a while", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100},
			{what: "out", n: 2, on: 1, from: 1}, {what: "no-input", n: 2}, {what: "out", n: 3, on: 2, from: 1}, {what: "no-input", n: 3},
			{what: "out", n: 4, on: 1, from: 1}, {what: "no-input", n: 4}, {what: "out", n: 5, on: 2, from: 1},
		}, 1, 0, 0, 0, Out},
		{"keepers withhold it for long", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100},
			{what: "out", n: 2, on: 1, from: 1}, {what: "no-input", n: 2}, {what: "out", n: 3, on: 2, from: 1}, {what: "no-input", n: 3},
			{what: "out", n: 4, on: 1, from: 1, after: 60_000}, {what: "no-input", n: 4}, {what: "out", n: 5, on: 2, from: 0},
		}, 1, 0, 0, 0, Out},
		{"it breaks after a checkpoint: that one is not trusted again", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "save", n: 1, gen: 2, wall: 200}, {what: "trap", n: 1, wall: 250},
			{what: "out", n: 2, on: 1, from: 1},
		}, 2, 1, 0, 0, Out},
		{"another class, too early", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100}, {what: "waits", on: 1, other: true},
			{what: "out", n: 2, on: 2, from: 1},
		}, 1, 0, 0, 0, Out},
		{"another class, after a while", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100}, {what: "out", n: 2, on: 1, other: true, after: 61_000, from: 0},
		}, 1, 0, 0, 0, Out},
		{"a wait as long as what would be lost", w, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 600_000}, {what: "lost", n: 1, wall: 600_000}, {what: "waits", on: 1, other: true, after: 599_000},
			{what: "out", n: 2, on: 1, other: true, after: 2_000, from: 0}, {what: "save", n: 2, gen: 1, wall: 5},
		}, 1, 0, 600_000, 10, Out},
		{"files go anywhere", f, []step{
			{what: "out", n: 1}, {what: "save", n: 1, gen: 1, wall: 100}, {what: "lost", n: 1, wall: 100}, {what: "out", n: 2, on: 1, other: true, from: 1},
		}, 1, 0, 0, 0, Out},
		{"the fenced one was thought lost and delivers", w, []step{
			{what: "out", n: 1}, {what: "fence", n: 1, wall: 150}, {what: "out", n: 2, on: 1}, {what: "done", n: 1},
		}, 0, 0, 0, 0, Paying},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, task := newJob(t, 0)
			j.Spec.Tries = 9
			at := now
			for i, s := range c.steps {
				at += s.after + 1
				on := class
				if s.other {
					on.CPU.Vendor = "another"
				}
				switch s.what {
				case "waits":
					if _, _, ok := task.Begin(node(s.on), on, at); ok {
						t.Fatalf("step %d: it does not wait", i)
					}
				case "out":
					from, why, ok := task.Begin(node(s.on), on, at)
					gen := uint64(0)
					if from != nil {
						gen = from.Segment.Saved.Generation
					}
					if !ok || gen != s.from {
						t.Fatalf("step %d: attempt %d goes on from %d (%q, %v), want %d: %+v", i, s.n, gen, why, ok, s.from, task.Safe.Saved)
					}
					if s.from == 0 && len(task.Safe.Saved) > 0 && why == "" {
						t.Errorf("step %d: it begins anew and does not say so", i)
					}
					task, _ = j.Dispatch(task, artel.Hash{2}, node(s.on), at)
					task = task.Begun(s.n, from, why, []artel.Keeper{{Node: node(9)}})
				case "save":
					on.Moves = "1"
					j, task, _ = j.Saved(task, s.n, segment(t, c.kind, s.gen, s.wall), []artel.Keeper{{Node: node(9)}}, on, artel.Units(10), at)
				case "fence":
					task = j.Fence(task, s.n, at).Wasted(s.n, s.wall, artel.Amount{})
				case "lost":
					task = task.Wasted(s.n, s.wall, artel.Amount{})
					j, task = j.Lost(task, s.n, artel.ReasonLost, "", at)
				case "drained":
					j, task, _, _ = j.Received(task.Wasted(s.n, s.wall, artel.Amount{}), s.n, receipt(s.n, artel.ReasonDrained, 0), artel.Amount{}, at)
				case "stale":
					j, task = j.Lost(task, s.n, artel.ReasonStale, "", at)
				case "no-input":
					j, task = j.Lost(task, s.n, artel.ReasonNoInput, "", at)
				case "trap":
					j, task, _, _ = j.Received(task, s.n, receipt(s.n, artel.ReasonTrap, 0), artel.Amount{}, at)
				case "done":
					j, task, _, _ = j.Received(task, s.n, receipt(s.n, artel.ReasonExited, 0), artel.Amount{}, at)
				}
			}
			var got [2]uint64
			for i, x := range task.Safe.Saved {
				got[i] = x.Segment.Saved.Generation
			}
			if got != [2]uint64{c.newest, c.before} {
				t.Errorf("remembers %v, want %d and %d", got, c.newest, c.before)
			}
			if task.Safe.Lost != c.lost || task.Safe.Paid != artel.Units(c.paid) {
				t.Errorf("lost %d ms that cost %s, want %d and %d", task.Safe.Lost, task.Safe.Paid, c.lost, c.paid)
			}
			if task.State != c.state {
				t.Errorf("the task is %s, want %s", task.State, c.state)
			}
		})
	}
}

// A task that saves something on each of its machines does not fail for their number;
// one that never does, fails.
func TestAttemptsThatSaveSomething(t *testing.T) {
	for _, saves := range []bool{true, false} {
		j, task := newJob(t, 0)
		at := now
		for n := uint32(1); n <= 300 && task.State == Waiting; n++ {
			at += 70_000
			from, why, _ := task.Begin(node(int(n)), class, at)
			task, _ = j.Dispatch(task, artel.Hash{2}, node(int(n)), at)
			task = task.Begun(n, from, why, []artel.Keeper{{Node: node(9)}})
			if saves {
				j, task, _ = j.Saved(task, n, segment(t, artel.CheckpointWhole, uint64(n), 100), nil, class, artel.Units(1), at)
			}
			j, task = j.Lost(task, n, artel.ReasonLost, "", at)
			if saves && task.NotUntil > at {
				t.Fatalf("attempt %d: it rests although it gets on", n)
			}
		}
		if want := map[bool]State{true: Waiting, false: Failed}[saves]; task.State != want {
			t.Errorf("saving %v: %s after %d attempts, want %s", saves, task.State, len(task.Attempts), want)
		}
		if saves && (task.Safe.Saved[0].Done != 300*100 || task.Safe.Saved[0].Paid != artel.Units(300)) {
			t.Errorf("after 300 attempts of 100 ms: %d ms, %s", task.Safe.Saved[0].Done, task.Safe.Saved[0].Paid)
		}
	}
}

// Excused ends count against nobody, and who is sent away each time rests a second.
func TestExcused(t *testing.T) {
	for _, why := range []artel.Reason{artel.ReasonDrained, artel.ReasonEvicted, artel.ReasonStale} {
		j, task := newJob(t, 0)
		at := now
		for n := uint32(1); n <= 6; n++ {
			at += 70_000
			task, _ = j.Dispatch(task, artel.Hash{2}, node(int(n)), at)
			j, task, _, _ = j.Received(task, n, receipt(n, why, 0), artel.Amount{}, at)
			most := at
			if n > 2 {
				most += 1000
			}
			if task.State != Waiting || task.Faults != 0 || task.NotUntil > most {
				t.Fatalf("%s, attempt %d: %s, %d faults, rests %d ms", why, n, task.State, task.Faults, task.NotUntil-at)
			}
		}
	}
}

// What a keeper says counts for the attempt alone that it is of, and for what is newer.
func TestFound(t *testing.T) {
	j, task := newJob(t, 1)
	task = task.Begun(1, nil, "", []artel.Keeper{{Node: node(9)}})
	j, task, _ = j.Saved(task, 1, segment(t, artel.CheckpointWhole, 3, 300), []artel.Keeper{{Node: node(8)}}, class, artel.Units(1), now)
	task = j.Fence(task, 1, now).Wasted(1, 450, artel.Amount{})
	for _, c := range []struct {
		n    uint32
		gen  uint64
		kept bool
		lost uint64
	}{{2, 4, false, 150}, {1, 2, false, 150}, {1, 3, false, 150}, {1, 4, true, 50}} {
		next, kept := task.Found(c.n, segment(t, artel.CheckpointWhole, c.gen, c.gen*100), []artel.Keeper{{Node: node(9)}}, class, now)
		if kept != c.kept || next.Safe.Lost != c.lost {
			t.Errorf("generation %d of attempt %d: kept %v, %d ms lost", c.gen, c.n, kept, next.Safe.Lost)
		}
		if c.gen == 3 && len(next.Safe.Saved[0].Holders) != 2 {
			t.Errorf("one more holder: %+v", next.Safe.Saved[0].Holders)
		}
	}
}
