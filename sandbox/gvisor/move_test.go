//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/gvisor/internal/snapshot"
)

// begun starts an attempt and waits for a word of its log.
func begun(t testing.TB, box sandbox.Box, id, word string, s sandbox.Spec) sandbox.Movable {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := box.Start(ctx, id, s)
	if err != nil {
		t.Fatal(err)
	}
	said(t, s, word)
	return r.(sandbox.Movable)
}

func said(t testing.TB, s sandbox.Spec, word string) {
	t.Helper()
	until(t, "the program says "+word, func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), word) })
}

func ended(t testing.TB, r sandbox.Run) sandbox.Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	exit, err := r.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

func taken(t testing.TB, r sandbox.Movable) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir := t.TempDir()
	if _, err := r.Checkpoint(ctx, dir, sandbox.CheckpointOptions{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// again is a Spec that goes on with what was taken.
func again(t testing.TB, was sandbox.Spec, from string) sandbox.Spec {
	t.Helper()
	s := specOf(t)
	s.Args, s.Limits, s.Network, s.User, s.Restore = was.Args, was.Limits, was.Network, was.User, from
	return s
}

// wentOn takes up a checkpoint, and returns when the program has said more than it had
// when that was taken.
func wentOn(t testing.TB, box *gvisor.Box, s sandbox.Spec) sandbox.Movable {
	t.Helper()
	c, err := box.Inspect(s.Restore, s)
	if err != nil {
		t.Fatal(err)
	}
	r, err := box.Start(t.Context(), "moved", s)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it goes on", func() bool { info, err := os.Stat(s.Log); return err == nil && info.Size() > c.LogBytes })
	return r.(sandbox.Movable)
}

// edit changes the facts of a checkpoint.
func edit(t testing.TB, dir string, change func(*snapshot.Facts)) {
	t.Helper()
	f, err := snapshot.ReadFacts(dir)
	if err != nil {
		t.Fatal(err)
	}
	change(&f)
	b, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, snapshot.FactsFile), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// forge makes the facts fit what the files have become.
func forge(t testing.TB, dir string, facts snapshot.Facts) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if _, err := snapshot.Seal(root, facts); err != nil {
		t.Fatal(err)
	}
}

// TestMoveForged takes up checkpoints that are damaged by accident, or on purpose by who
// knows the format. Each ends, in an error or an Exit, and leaves nothing.
func TestMoveForged(t *testing.T) {
	needs(t)
	before := traces(t)
	root := t.TempDir()
	box := newBox(t, root, nil)
	was := specOf(t, "journey", "1000000")
	was.Limits.WallMillis = 10_000
	r := begun(t, box, "source", "step 0\n", was)
	good := taken(t, r)
	r.Kill()
	ended(t, r)
	facts, err := snapshot.ReadFacts(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, b []byte) func(testing.TB, string) {
		return func(t testing.TB, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	rewrite := func(name string, change func([]byte) []byte) func(testing.TB, string) {
		return func(t testing.TB, dir string) {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			write(name, change(b))(t, dir)
		}
	}
	facted := func(change func(*snapshot.Facts)) func(testing.TB, string) {
		return func(t testing.TB, dir string) { edit(t, dir, change) }
	}
	flip := func(n int, seed uint64) func([]byte) []byte {
		return func(b []byte) []byte {
			rnd := rand.New(rand.NewPCG(seed, 1))
			for range n {
				if len(b) > 0 {
					b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
				}
			}
			return b
		}
	}
	noise := func(b []byte) []byte {
		rnd := rand.New(rand.NewPCG(7, 7))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		return b
	}
	type row struct {
		name    string
		change  func(testing.TB, string)
		forged  bool // the facts are made to fit
		refused bool // at once, with ErrMismatch
		ends    bool // for any reason: nobody can see that it is forged
	}
	rows := []row{
		{name: "a feature that is not here", refused: true, change: facted(func(f *snapshot.Facts) {
			f.Needs.CPU.Features = append(f.Needs.CPU.Features, "zzz_not_made_yet")
		})},
		{name: "another vendor", refused: true, change: facted(func(f *snapshot.Facts) { f.Needs.CPU.Vendor = "Elbrus" })},
		{name: "another architecture", refused: true, change: facted(func(f *snapshot.Facts) { f.Needs.CPU.Arch = "arm64" })},
		{name: "another version", refused: true, change: facted(func(f *snapshot.Facts) { f.Needs.Version = "gvisor-v0.0.0-2019/1" })},
		{name: "more descriptors than here", refused: true, change: facted(func(f *snapshot.Facts) { f.Descriptors = 1 << 40 })},
		{name: "a longer log", refused: true, change: facted(func(f *snapshot.Facts) { f.LogBytes = -1 })},
		{name: "facts that are none", refused: true, change: write(snapshot.FactsFile, []byte("{"))},
		{name: "facts without end", refused: true, change: write(snapshot.FactsFile, make([]byte, 1<<20))},
		{name: "an empty kernel", forged: true, change: rewrite(snapshot.StateFile, func([]byte) []byte { return []byte("x") })},
		{name: "a kernel of noise", forged: true, change: rewrite(snapshot.StateFile, noise)},
		{name: "half a kernel", forged: true, change: rewrite(snapshot.StateFile, func(b []byte) []byte { return b[:len(b)/2] })},
		{name: "half a page table", forged: true, change: rewrite(snapshot.PagesMetaFile, func(b []byte) []byte { return b[:len(b)/2] })},
		{name: "a page table of noise", forged: true, change: rewrite(snapshot.PagesMetaFile, noise)},
		{name: "half the pages", forged: true, change: rewrite(snapshot.PagesFile, func(b []byte) []byte { return b[:len(b)/2&^4095] })},
		{name: "no pages", forged: true, change: rewrite(snapshot.PagesFile, func([]byte) []byte { return nil })},
		{name: "pages of noise", forged: true, ends: true, change: rewrite(snapshot.PagesFile, noise)},
		{name: "files of another tree", forged: true, change: write(snapshot.IndexFile, []byte(`{"t":1,"p":0,"n":"YQ==","k":"d"}`+"\n"))},
		{name: "a file above /out", forged: true, change: write(snapshot.IndexFile, []byte(`{"t":0,"p":0,"n":"Li4vZXZpbA==","k":"d"}`+"\n"))},
		{name: "files that are missing", forged: true, change: func(t testing.TB, dir string) {
			write(snapshot.IndexFile, nil)(t, dir)
			write(snapshot.ContentFile, nil)(t, dir)
		}},
	}
	for _, name := range append([]string{snapshot.FactsFile}, snapshot.Images...) {
		rows = append(rows,
			row{name: "no " + name, refused: true, change: func(t testing.TB, dir string) {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}},
			row{name: "a fifo for " + name, refused: true, change: func(t testing.TB, dir string) {
				if err := errors.Join(os.Remove(filepath.Join(dir, name)), syscall.Mkfifo(filepath.Join(dir, name), 0o600)); err != nil {
					t.Fatal(err)
				}
			}})
		if name == snapshot.FactsFile {
			continue
		}
		rows = append(rows, row{name: "a byte less of " + name, refused: true, change: rewrite(name, func(b []byte) []byte { return b[:len(b)-1] })})
		if name != snapshot.LogFile {
			rows = append(rows, row{name: "a bit of " + name, change: rewrite(name, flip(1, 3))})
		}
	}
	for seed := range uint64(8) {
		rows = append(rows, row{name: fmt.Sprintf("forged bits of the kernel, seed %d", seed), forged: true, ends: true, change: rewrite(snapshot.StateFile, flip(3, seed))})
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			row.change(t, dir)
			if row.forged {
				forge(t, dir, facts)
			}
			s := again(t, was, dir)
			run, err := box.Start(t.Context(), "forged", s)
			if row.refused {
				if !errors.Is(err, sandbox.ErrMismatch) {
					t.Errorf("start: %v, want ErrMismatch", err)
				}
				if err == nil {
					run.Kill()
					ended(t, run)
				} else {
					t.Log(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			exit := ended(t, run)
			t.Log(exit)
			if !row.ends && exit.Reason != sandbox.BadCheckpoint {
				t.Errorf("%v; want %s", exit, sandbox.BadCheckpoint)
			}
		})
	}
	m := wentOn(t, box, again(t, was, good)) // nothing is stuck
	m.Kill()
	ended(t, m)
	if err := box.Close(); err != nil {
		t.Error(err)
	}
	sameTraces(t, before)
	if left, err := filepath.Glob(filepath.Join(root, "state", "*")); err != nil || len(left) > 0 {
		t.Errorf("left in the state: %v, %v", left, err)
	}
}

// TestMoveSupervisorDies kills who takes the checkpoint in the midst of it.
func TestMoveSupervisorDies(t *testing.T) {
	needs(t)
	before := traces(t)
	for _, victim := range []string{gvisor.SuperviseArg, "runsc-sandbox"} {
		root := t.TempDir()
		box := newBox(t, root, nil)
		s := specOf(t, "gaps", "200")
		r := begun(t, box, "victim", "measuring", s)
		pid, dir := child(t, victim, root), t.TempDir()
		var once sync.Once
		failed := make(chan error, 1)
		go func() {
			_, err := r.Checkpoint(t.Context(), dir, sandbox.CheckpointOptions{})
			failed <- err
		}()
		until(t, "pages are written", func() bool {
			info, err := os.Stat(filepath.Join(dir, snapshot.PagesFile))
			if err == nil && info.Size() > 0 {
				once.Do(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
			}
			return err == nil && info.Size() > 0
		})
		if err := <-failed; err == nil {
			t.Errorf("killing %s: there is a checkpoint", victim)
		}
		if exit := ended(t, r); exit.Reason != sandbox.Lost {
			t.Errorf("killing %s: %v", victim, exit)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("killing %s left %v", victim, left)
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}
	sameTraces(t, before)
}

// TestMoveHolders: freezing and checkpoints do not care who holds the attempt.
func TestMoveHolders(t *testing.T) {
	needs(t)
	before := traces(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	root := t.TempDir()
	adopt := func(was *gvisor.Box) (*gvisor.Box, sandbox.Movable) {
		t.Helper()
		if err := was.Detach(); err != nil {
			t.Fatal(err)
		}
		box := newBox(t, root, nil)
		runs, err := box.Live(ctx)
		if err != nil || len(runs) != 1 {
			t.Fatalf("live %v, %v", runs, err)
		}
		return box, runs[0].(sandbox.Movable)
	}
	box := newBox(t, root, nil)
	s := specOf(t, "journey", "1000000")
	r := begun(t, box, "held", "step 0\n", s)
	if err := r.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	box, r = adopt(box)
	dir := taken(t, r)
	box, r = adopt(box)
	log, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Thaw(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "it goes on", func() bool { b, _ := os.ReadFile(s.Log); return len(b) > len(log) })
	if err := r.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if err := box.Detach(); err != nil {
		t.Fatal(err)
	}
	// A power cut for the state, while it is frozen.
	if err := syscall.Kill(child(t, gvisor.SuperviseArg, root), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	box = newBox(t, root, nil)
	runs, err := box.Live(ctx)
	if err != nil || len(runs) != 1 {
		t.Fatalf("live %v, %v", runs, err)
	}
	if exit := ended(t, runs[0]); exit.Reason != sandbox.Lost {
		t.Errorf("%v", exit)
	}
	moved := wentOn(t, box, again(t, s, dir))
	if err := moved.Freeze(ctx); err != nil { // and one whose supervisor dies while it is held
		t.Fatal(err)
	}
	if err := syscall.Kill(child(t, gvisor.SuperviseArg, root), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if exit := ended(t, moved); exit.Reason != sandbox.Lost {
		t.Errorf("%v", exit)
	}
	if err := box.Close(); err != nil {
		t.Error(err)
	}
	sameTraces(t, before)
}

// TestMoveLimits: limits and meter of who goes on begin anew; the program's own clocks do
// not stand still in between.
func TestMoveLimits(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	was := specOf(t, "gaps", "1")
	r := begun(t, box, "source", "measuring", was)
	until(t, "it has run for a while", func() bool {
		u, err := r.(sandbox.Interactive).Usage(t.Context())
		return err == nil && u.WallMillis > 1200
	})
	dir := taken(t, r)
	at := time.Now()
	r.Kill()
	ended(t, r)
	s := again(t, was, dir)
	s.Limits.WallMillis = 1000
	m, err := box.Start(t.Context(), "moved", s)
	if err != nil {
		t.Fatal(err)
	}
	up := time.Since(at)
	exit := ended(t, m)
	if exit.Reason != sandbox.OutOfTime || exit.WallMillis < 1000 || exit.CPUMillis < 1 || exit.MemoryBytes < 1 || exit.PrepareMillis < 1 {
		t.Errorf("%+v", exit)
	}
	log, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(string(log[strings.LastIndex(string(log), "gap "):]), " ")
	if gap, err := strconv.Atoi(strings.TrimSpace(last)); err != nil || int64(gap) < up.Milliseconds() {
		t.Errorf("its clock jumped by %q ms over %v; log\n%s", last, up, log)
	}
}

// TestMoveCompany: who was in the box by Exec stays where he was.
func TestMoveCompany(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "journey", "1000000")
	r := begun(t, box, "source", "step 0\n", s)
	defer func() { r.Kill(); ended(t, r) }()
	in, typed := io.Pipe()
	defer typed.Close()
	out, said := io.Pipe()
	p, err := r.(sandbox.Interactive).Exec(t.Context(), sandbox.Command{Args: []string{"/program", "companion"}, Stdin: in, Stdout: said})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(want string) {
		t.Helper()
		if _, err := typed.Write([]byte("20\n")); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(want))
		if _, err := io.ReadFull(out, b); err != nil || string(b) != want {
			t.Errorf("%q, %v; want %q", b, err, want)
		}
	}
	ask("20\n")
	dir := taken(t, r)
	ask("40\n")
	p.Kill()
	m := wentOn(t, box, again(t, s, dir))
	until(t, "the companion from outside is gone", func() bool {
		u, err := m.(sandbox.Interactive).Usage(t.Context())
		return err == nil && u.Processes == 2
	})
	m.Kill()
	ended(t, m)
}

// TestMoveConnections: with a connection to the world a program is not moved; it can make
// new ones where it goes on.
func TestMoveConnections(t *testing.T) {
	needs(t)
	own := ownAddr(t)
	l, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	permit := func(o *gvisor.Options) { o.Egress.Permit = []netip.Prefix{netip.PrefixFrom(own, 32)} }
	box := newBox(t, t.TempDir(), permit)
	if !box.Capabilities().Network {
		t.Skip(box.Limited())
	}
	s := specOf(t, "caller", l.Addr().String())
	s.Network, s.User = &sandbox.Network{Allow: []string{l.Addr().String()}}, "1000"
	r := begun(t, box, "caller", "connected", s)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := r.Checkpoint(t.Context(), dir, sandbox.CheckpointOptions{}); !errors.Is(err, sandbox.ErrNotMovable) || !strings.Contains(err.Error(), "connection") {
		t.Errorf("with a connection: %v, want ErrNotMovable", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
	_ = l.Close()
	_ = c.Close()
	said(t, s, "refused")
	until(t, "there is none any more", func() bool {
		_, err := r.Checkpoint(t.Context(), dir, sandbox.CheckpointOptions{Stop: true})
		if err != nil && !errors.Is(err, sandbox.ErrNotMovable) {
			t.Fatal(err)
		}
		return err == nil
	})
	if exit := ended(t, r); exit.Reason != sandbox.Checkpointed {
		t.Errorf("%v", exit)
	}
	if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	m := again(t, s, dir)
	moved, err := newBox(t, t.TempDir(), permit).Start(t.Context(), "moved", m)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	until(t, "it has called again", func() bool { b, _ := os.ReadFile(m.Log); return strings.Count(string(b), "connected") == 2 })
	moved.Kill()
	ended(t, moved)
}

// TestMoveLayerLimit: the limit of what is above the image is gVisor's, and in its image.
// One that was forged there is enforced all the same.
func TestMoveLayerLimit(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	was := specOf(t, "waiter", "/in/go", "/tmp", fmt.Sprint(400<<20))
	loose := begun(t, box, "loose", "waiting", was)
	dir := taken(t, loose)
	loose.Kill()
	ended(t, loose)
	tight := specOf(t, was.Args[1:]...)
	tight.Limits.LayerBytes = 8 << 20
	r := begun(t, box, "tight", "waiting", tight)
	honest := taken(t, r)
	r.Kill()
	ended(t, r)
	facts, err := snapshot.ReadFacts(honest)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(f *snapshot.Facts) { f.Needs.Spec = facts.Needs.Spec })
	in := t.TempDir()
	if err := os.WriteFile(filepath.Join(in, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]sandbox.Reason{honest: sandbox.Exited, dir: sandbox.BadCheckpoint} {
		s := again(t, tight, from)
		s.In = in
		exit, log := run(t, box, s)
		if exit.Reason != want || exit.OK() || want == sandbox.Exited && !strings.Contains(log, "no space left") {
			t.Errorf("%+v; want %s; log %s", exit, want, log)
		}
	}
}

// TestMoveFull: a program that has nearly all the memory it may have is written down too.
func TestMoveFull(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "journey", "1000000", "220")
	s.Limits.MemoryBytes = 256 << 20
	r := begun(t, box, "full", "step 0\n", s)
	dir := taken(t, r)
	dir2 := taken(t, r)
	r.Kill()
	if exit := ended(t, r); exit.Reason != sandbox.Killed {
		t.Errorf("%+v", exit)
	}
	for _, d := range []string{dir, dir2} {
		m := wentOn(t, box, again(t, s, d))
		m.Kill()
		if exit := ended(t, m); exit.Reason != sandbox.Killed {
			t.Errorf("%+v", exit)
		}
	}
}

// TestVersion: what checkpoints are held against is the gVisor that is linked in.
func TestVersion(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", "gvisor.dev/gvisor").Output()
	if err != nil {
		t.Fatal(err)
	}
	box, err := gvisor.New(gvisor.Options{Command: []string{"none"}, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if have := box.Needs().Version; !strings.HasPrefix(have, "gvisor-"+strings.TrimSpace(string(out))+"/") {
		t.Errorf("version %s, and go.mod has %s", have, out)
	}
}

// TestMovePacked lets the room that seals and dedupes checkpoints carry two generations,
// and goes on from the second.
func TestMovePacked(t *testing.T) {
	needs(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	box := newBox(t, t.TempDir(), nil)
	was := specOf(t, "journey", "1500", "30")
	r := begun(t, box, "source", "step 100\n", was)
	store := mem.New(1 << 30)
	key, err := checkpoint.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	var last *checkpoint.Manifest
	for i, step := range []string{"step 100\n", "step 500\n"} {
		said(t, was, step)
		if err := r.(sandbox.Freezer).Freeze(ctx); err != nil { // or it might have ended by the second
			t.Fatal(err)
		}
		m, stats, err := checkpoint.Save(ctx, store, key, taken(t, r), last, checkpoint.Meta{Task: artel.Hash{1}}, checkpoint.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.(sandbox.Freezer).Thaw(ctx); err != nil {
			t.Fatal(err)
		}
		t.Logf("generation %d: %+v", i+1, stats)
		if i > 0 && stats.Changed > stats.Bytes/4 {
			t.Errorf("generation 2 shares little with the first: %+v", stats)
		}
		last = m
	}
	exit := ended(t, r)
	dir := t.TempDir()
	if _, err := checkpoint.Restore(ctx, store, key, last.Root, checkpoint.Want{Task: artel.Hash{1}, Generation: 2}, dir, checkpoint.Options{}); err != nil {
		t.Fatal(err)
	}
	s := again(t, was, dir)
	moved, log := run(t, box, s)
	want, err := os.ReadFile(was.Log)
	if err != nil {
		t.Fatal(err)
	}
	if !exit.OK() || !moved.OK() || log != string(want) {
		t.Errorf("%v; moved: %v; log\n%s\nwant\n%s", exit, moved, log, want)
	}
}

// TestMoveInBetween: what comes while a checkpoint is written, its caller's change of mind
// or a freeze, is obeyed, and the program is none the worse.
func TestMoveInBetween(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "journey", "1000000", "200")
	r := begun(t, box, "source", "step 0\n", s)
	begin := func(ctx context.Context, o sandbox.CheckpointOptions) (string, chan error) {
		t.Helper()
		dir, done := t.TempDir(), make(chan error, 1)
		go func() {
			_, err := r.Checkpoint(ctx, dir, o)
			done <- err
		}()
		until(t, "pages are written", func() bool {
			info, err := os.Stat(filepath.Join(dir, snapshot.PagesFile))
			return err == nil && info.Size() > 0
		})
		return dir, done
	}
	for _, stop := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		dir, done := begin(ctx, sandbox.CheckpointOptions{Stop: stop})
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("given up (stop %v): %v", stop, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("given up, and left %v", left)
		}
	}
	dir, done := begin(t.Context(), sandbox.CheckpointOptions{})
	if err := r.Freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wall := func() int64 {
		u, err := r.(sandbox.Interactive).Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return u.WallMillis
	}
	log, at := fileSize(t, s.Log), wall()
	run(t, box, specOf(t, "ok"))
	if fileSize(t, s.Log) != log || wall() != at {
		t.Error("it is not frozen any more")
	}
	if err := r.Thaw(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "it goes on", func() bool { return fileSize(t, s.Log) > log })
	m := wentOn(t, box, again(t, s, dir))
	for _, x := range []sandbox.Run{r, m} {
		x.Kill()
		if exit := ended(t, x); exit.Reason != sandbox.Killed {
			t.Errorf("%+v", exit)
		}
	}
}

func fileSize(t testing.TB, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
