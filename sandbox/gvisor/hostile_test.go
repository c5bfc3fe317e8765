//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
)

const patience = 2 * time.Minute

func specOf(t testing.TB, args ...string) sandbox.Spec {
	t.Helper()
	dir := t.TempDir()
	s := sandbox.Spec{Root: built.root, Args: append([]string{"/program"}, args...), Out: filepath.Join(dir, "out"), Log: filepath.Join(dir, "log")}
	if err := os.Mkdir(s.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t testing.TB, box sandbox.Box, s sandbox.Spec) (sandbox.Exit, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := box.Start(ctx, t.Name(), s)
	if err != nil {
		t.Fatal(err)
	}
	exit, err := r.Wait(ctx)
	if err != nil {
		r.Kill()
		t.Fatal(err)
	}
	log, err := os.ReadFile(s.Log)
	if err != nil {
		t.Fatal(err)
	}
	return exit, string(log)
}

func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never: %s", what)
		}
	}
}

// TestAllocation asks for terabytes by fallocate, which no watcher could follow.
func TestAllocation(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "fallocate")
	s.Limits.OutputBytes = 1 << 20
	exit, log := run(t, box, s)
	if exit.Reason != sandbox.OutputLimit {
		t.Errorf("%v; log %s", exit, log)
	}
	var used int64
	_ = filepath.WalkDir(s.Out, func(path string, d fs.DirEntry, err error) error {
		var st syscall.Stat_t
		if err == nil && syscall.Lstat(path, &st) == nil {
			used += st.Blocks * 512
		}
		return nil
	})
	if used > 1<<20+64<<10 {
		t.Errorf("%d bytes of disk are used", used)
	}
}

// TestDeeper: a tree that is moved to the bottom of another does not get deeper than one
// that is made there. (Whoever collects it holds a descriptor for each level.)
func TestDeeper(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "deeper", "50")
	exit, log := run(t, box, s)
	if exit.Reason != sandbox.Exited || exit.OK() || !strings.Contains(log, "stopped at round 2") {
		t.Errorf("%v; log %s", exit, log)
	}
	deepest := 0
	_ = filepath.WalkDir(s.Out, func(path string, _ fs.DirEntry, _ error) error {
		deepest = max(deepest, strings.Count(strings.TrimPrefix(path, s.Out), "/"))
		return nil
	})
	if deepest > 64 || deepest < 60 {
		t.Errorf("directories are nested %d deep", deepest)
	}
}

// TestDeepIsKept: as deep as a program may write, its output can be kept; and the log
// says why it may go no deeper.
func TestDeepIsKept(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "deep", "1000")
	exit, log := run(t, box, s)
	if exit.Reason != sandbox.Exited || exit.OK() || !strings.Contains(log, "stopped at depth 64 mkdir") || !strings.Contains(log, "file name too long") {
		t.Errorf("%v; log %s", exit, log)
	}
	if strings.Count(log, "artel: a directory in /out was refused: no more than 64") != 1 {
		t.Errorf("the log does not say why: %s", log)
	}
	if err := os.WriteFile(s.Out+strings.Repeat("/d", 64)+"/file", []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.AddDir(t.Context(), mem.New(0), s.Out, blob.Limits{}); err != nil {
		t.Error(err)
	}
}

// TestLayerBeyondMemory: what is written above the image is on disk, not in memory.
func TestLayerBeyondMemory(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	s := specOf(t, "fill", "/tmp", fmt.Sprint(400<<20))
	s.Limits.MemoryBytes = 64 << 20
	if exit, log := run(t, box, s); !exit.OK() {
		t.Errorf("%v; log %s", exit, log)
	}
}

// TestHostPorts: what listens on the host, on whatever address, is out of reach.
func TestHostPorts(t *testing.T) {
	needs(t)
	box := newBox(t, t.TempDir(), nil)
	args := []string{"reach"}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, _, err := net.ParseCIDR(a.String())
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", net.JoinHostPort(ip.String(), "0"))
		if err != nil {
			continue // an address that is not ready
		}
		defer l.Close()
		args = append(args, l.Addr().String())
	}
	exit, log := run(t, box, specOf(t, args...))
	if !exit.OK() || strings.Count(log, "dial refused true") != len(args)-1 || len(args) < 2 {
		t.Errorf("%v; reached one of %v:\n%s", exit, args[1:], log)
	}
}

// ownAddr is an address of the host, but not of its loopback: the box has one of its own.
func ownAddr(t testing.TB) (own netip.Addr) {
	t.Helper()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() {
			own = p.Addr()
		}
	}
	if !own.IsValid() {
		t.Skip("this machine has no address but loopback")
	}
	return own
}

// TestNetwork: what the list has and the owner lets is reached, and nothing beside it.
func TestNetwork(t *testing.T) {
	needs(t)
	own := ownAddr(t)
	listen := func() net.Listener {
		l, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	good, bad := listen(), listen()
	box := newBox(t, t.TempDir(), func(o *gvisor.Options) {
		o.Egress.Permit = []netip.Prefix{netip.PrefixFrom(own, 32)}
	})
	if !box.Capabilities().Network {
		s := specOf(t, "ok")
		s.Network = &sandbox.Network{Allow: []string{"example.org"}}
		if _, err := box.Start(t.Context(), "net", s); !errors.Is(err, sandbox.ErrSpec) {
			t.Errorf("a network where there is none: %v, want ErrSpec", err)
		}
		t.Skip(box.Limited())
	}
	const times = 8 // each dials on whatever thread is free
	dials := append(slices.Repeat([]string{good.Addr().String()}, times), bad.Addr().String(), "169.254.169.254:80", "192.168.0.1:80")
	s := specOf(t, append([]string{"reach"}, dials...)...)
	s.Network = &sandbox.Network{Allow: []string{good.Addr().String()}}
	s.User = "1000"
	exit, log := run(t, box, s)
	if want := strings.Repeat("dial refused false\n", times) + strings.Repeat("dial refused true\n", 3); !exit.OK() || log != want {
		t.Errorf("%v; log\n%swant\n%s", exit, log, want)
	}
	// Bytes both ways, more than any buffer has, and an answer to a query.
	echoing := listen()
	go func() {
		for {
			c, err := echoing.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	s = specOf(t, "exchange", echoing.Addr().String(), strconv.Itoa(24<<20))
	s.Network = &sandbox.Network{Allow: []string{echoing.Addr().String()}}
	exit, log = run(t, box, s)
	if want := "exchanged 25165824 true <nil>\nno such name true\n"; !exit.OK() || log != want {
		t.Errorf("%v; log\n%swant\n%s", exit, log, want)
	}
	s = specOf(t, "ok")
	s.Network = &sandbox.Network{Allow: []string{"mail.example.org:25"}}
	if _, err := box.Start(t.Context(), "mail", s); !errors.Is(err, sandbox.ErrSpec) {
		t.Errorf("mail: %v, want ErrSpec", err)
	}
}

// TestNetworkIsMetered: what the host spends on a program's packets is in the
// program's processor time.
func TestNetworkIsMetered(t *testing.T) {
	needs(t)
	own := ownAddr(t)
	l, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _, _ = io.Copy(c, c) }()
		}
	}()
	root := t.TempDir()
	box := newBox(t, root, func(o *gvisor.Options) { o.Egress.Permit = []netip.Prefix{netip.PrefixFrom(own, 32)} })
	if !box.Capabilities().Network || !box.Capabilities().CPU {
		t.Skip(box.Limited())
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := specOf(t, "sit")
	s.Network = &sandbox.Network{Allow: []string{l.Addr().String()}}
	r, err := box.Start(ctx, "talks", s)
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	p, err := r.(sandbox.Interactive).Exec(ctx, sandbox.Command{Args: []string{"/program", "exchange", l.Addr().String(), strconv.Itoa(24 << 20)}, Stdout: &said})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := p.Wait(ctx); code != 0 || err != nil || !strings.Contains(said.String(), "exchanged 25165824 true") {
		t.Fatalf("%d, %v: %s", code, err, said.String())
	}
	u, err := r.(sandbox.Interactive).Usage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// Read after that, when the program only sits, the cgroup has at least what it had then.
	alone := groupTime(t, filepath.Join(root, "state"))
	if time.Duration(u.CPUMillis)*time.Millisecond <= alone+time.Millisecond {
		t.Errorf("%d ms were metered, and the box alone has used %s", u.CPUMillis, alone)
	}
	r.Kill()
	if exit, err := r.Wait(ctx); err != nil || exit.CPUMillis < u.CPUMillis {
		t.Errorf("%d ms, then %+v, %v", u.CPUMillis, exit, err)
	}
}

// groupTime is the processor time of the one attempt of the box with its state in dir.
func groupTime(t testing.TB, dir string) time.Duration {
	t.Helper()
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"/sys/fs/cgroup/*/%s/attempt-*/cpuacct.usage", "/sys/fs/cgroup/%s/attempt-*/cpu.stat", "/sys/fs/cgroup/*/*/*/*/%s/attempt-*/cpu.stat", "/sys/fs/cgroup/*/*/%s/attempt-*/cpu.stat"} {
		found, _ := filepath.Glob(fmt.Sprintf(f, gvisor.GroupName(dir)))
		for _, name := range found {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var n time.Duration
			if _, err := fmt.Sscanf(string(b), "usage_usec %d", &n); err == nil {
				return n * time.Microsecond
			}
			if _, err := fmt.Sscan(string(b), &n); err == nil {
				return n
			}
		}
	}
	t.Skip("the box's cgroup is not found")
	return 0
}

// traces is what this user's sandboxes could leave behind: processes of ours, mounts,
// cgroups, network namespaces, sockets in public places.
func traces(t testing.TB) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if exe, err := os.Readlink(p + "/exe"); err == nil && strings.HasPrefix(exe, built.main) {
			if status, err := os.ReadFile(p + "/status"); err == nil && strings.Contains(string(status), "State:\tZ") {
				continue // ended; its parent has not looked yet
			}
			cmd, _ := os.ReadFile(p + "/cmdline")
			found["process "+p+" "+strings.ReplaceAll(string(cmd), "\x00", " ")] = true
		}
		for _, ns := range []string{"net", "mnt", "pid", "user"} {
			if id, err := os.Readlink(p + "/ns/" + ns); err == nil {
				if exe, err := os.Readlink(p + "/exe"); err == nil && strings.HasPrefix(exe, built.main) {
					found["namespace "+id] = true
				}
			}
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(mounts), "\n") {
		if f := strings.Fields(l); len(f) > 4 {
			found["mount "+f[4]] = true
		}
	}
	// Of v1, of v2 for root, of v2 in a service of the system and in one of a user's.
	for _, pattern := range []string{"/sys/fs/cgroup/*/artel-*", "/sys/fs/cgroup/artel-*", "/sys/fs/cgroup/*/artel-*/*", "/sys/fs/cgroup/*/*/artel-*", "/sys/fs/cgroup/*/*/*/*/artel-*", "/run/runsc*", "/tmp/runsc*"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			info, err := os.Stat(f)
			if err != nil {
				continue
			}
			if group := regexp.MustCompile("artel-[0-9a-f]+").FindString(f); strings.HasPrefix(f, "/sys") {
				if _, ours := groups.Load(group); !ours || !info.IsDir() {
					continue
				}
			}
			found["file "+f] = true
		}
	}
	_ = filepath.WalkDir(built.root, func(path string, d fs.DirEntry, err error) error {
		found["image "+path] = err == nil
		return nil
	})
	return found
}

func sameTraces(t testing.TB, before map[string]bool) {
	t.Helper()
	var more []string
	left := func() bool {
		more = nil
		for what := range traces(t) {
			if !before[what] {
				more = append(more, what)
			}
		}
		return len(more) == 0
	}
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); !left(); <-tick.C {
		if time.Now().After(deadline) {
			slices.Sort(more)
			t.Fatalf("left behind:\n%s", strings.Join(more, "\n"))
		}
	}
}

// child finds the process of ours with the mark in its command line.
func child(t testing.TB, mark, dir string) int {
	t.Helper()
	pid := 0
	until(t, "there is a process "+mark, func() bool {
		procs, _ := filepath.Glob("/proc/[0-9]*")
		for _, p := range procs {
			cmd, err := os.ReadFile(p + "/cmdline")
			if err == nil && strings.Contains(string(cmd), mark) && strings.Contains(string(cmd), dir) {
				pid, _ = strconv.Atoi(filepath.Base(p))
				return true
			}
		}
		return false
	})
	return pid
}

// TestNothingIsLeft compares the machine before and after, however things end.
func TestNothingIsLeft(t *testing.T) {
	needs(t)
	before := traces(t)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	begin := func(t *testing.T, box sandbox.Box) (sandbox.Run, sandbox.Spec) {
		s := specOf(t, "forkbomb") // leaves children to the box
		s.Limits.Processes = 32
		s.Args[1] = "sit"
		r, err := box.Start(ctx, "victim", s)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
		seen := map[string]bool{}
		for what := range traces(t) {
			kind, rest, _ := strings.Cut(what, " ")
			seen[kind] = seen[kind] || !before[what] && (kind != "file" || strings.HasPrefix(rest, "/sys/fs/cgroup"))
		}
		if !seen["process"] || !seen["namespace"] || seen["file"] != box.Capabilities().CPU {
			t.Errorf("while it runs there is %v to be seen of it", seen)
		}
		return r, s
	}
	empty := func(t *testing.T, dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > 0 {
			t.Errorf("left in the state: %v, %v", entries, err)
		}
	}
	for _, row := range []struct {
		name, kill string
		want       sandbox.Reason
	}{{"Killed", "", sandbox.Killed}, {"SupervisorDies", gvisor.SuperviseArg, sandbox.Lost}, {"SandboxDies", "runsc-sandbox", sandbox.Lost}} {
		t.Run(row.name, func(t *testing.T) {
			root := t.TempDir()
			box := newBox(t, root, nil)
			r, _ := begin(t, box)
			if row.kill == "" {
				r.Kill()
			} else if err := syscall.Kill(child(t, row.kill, root), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			exit, err := r.Wait(ctx)
			if err != nil || exit.Reason != row.want {
				t.Errorf("%v, %v; want %s", exit, err, row.want)
			}
			empty(t, filepath.Join(root, "state"))
			if err := box.Close(); err != nil {
				t.Error(err)
			}
			sameTraces(t, before)
		})
	}
	t.Run("HolderDies", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		s := specOf(t, "sit")
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		holder := exec.Command(built.main, "hold", dir, string(b))
		out, err := holder.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := holder.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started\n" {
			t.Fatalf("%q, %v", line, err)
		}
		until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
		_ = holder.Process.Kill()
		_ = holder.Wait()
		grouped(t, dir)
		box, err := gvisor.New(gvisor.Options{Command: []string{built.main}, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		runs, err := box.Live(ctx)
		if err != nil || len(runs) != 1 || runs[0].ID() != "held" {
			t.Fatalf("live %v, %v", runs, err)
		}
		if u, err := runs[0].(sandbox.Interactive).Usage(ctx); err != nil || u.Processes != 1 {
			t.Errorf("usage %+v, %v", u, err)
		}
		runs[0].Kill()
		if exit, err := runs[0].Wait(ctx); err != nil || exit.Reason != sandbox.Killed {
			t.Errorf("%v, %v", exit, err)
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
		empty(t, dir)
		sameTraces(t, before)
	})
	t.Run("AllDie", func(t *testing.T) { // holder and supervisor at once: a power cut, for the state
		root := t.TempDir()
		box := newBox(t, root, nil)
		_, _ = begin(t, box)
		if err := box.Detach(); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(child(t, gvisor.SuperviseArg, root), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		next := newBox(t, root, nil)
		runs, err := next.Live(ctx) // whose exit nobody collects
		if err != nil || len(runs) != 1 {
			t.Fatalf("live %v, %v", runs, err)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
		empty(t, filepath.Join(root, "state"))
		sameTraces(t, before)
	})
	t.Run("Orphaned", func(t *testing.T) {
		root := t.TempDir()
		box := newBox(t, root, func(o *gvisor.Options) { o.OrphanMax = 300 * time.Millisecond })
		_, _ = begin(t, box)
		if err := box.Detach(); err != nil {
			t.Fatal(err)
		}
		exits, _ := filepath.Glob(filepath.Join(root, "state/*/exit.json"))
		until(t, "the orphan ends", func() bool {
			exits, _ = filepath.Glob(filepath.Join(root, "state/*/exit.json"))
			return len(exits) == 1
		})
		until(t, "the orphan's cgroups are gone, with nobody there to remove them", func() bool {
			for what := range traces(t) {
				if strings.HasPrefix(what, "file /sys/fs/cgroup") && !before[what] {
					return false
				}
			}
			return true
		})
		next := newBox(t, root, nil)
		runs, err := next.Live(ctx)
		if err != nil || len(runs) != 1 {
			t.Fatalf("live %v, %v", runs, err)
		}
		if exit, err := runs[0].Wait(ctx); err != nil || exit.Reason != sandbox.Killed || !strings.Contains(exit.Message, "looked after") {
			t.Errorf("%v, %v", exit, err)
		}
		if err := next.Close(); err != nil {
			t.Error(err)
		}
		empty(t, filepath.Join(root, "state"))
		sameTraces(t, before)
	})
}

// TestCloseOfAHang: a supervisor that does not answer holds up Close for so long and no
// longer, and nothing of it is left.
func TestCloseOfAHang(t *testing.T) {
	needs(t)
	before := traces(t)
	root := t.TempDir()
	var said []string
	box, err := gvisor.New(gvisor.Options{Command: []string{built.main}, Dir: filepath.Join(root, "state"), CloseMax: 300 * time.Millisecond,
		Crashed: func(_, detail string) { said = append(said, detail) }})
	if err != nil {
		t.Fatal(err)
	}
	grouped(t, filepath.Join(root, "state"))
	s := specOf(t, "sit")
	r, err := box.Start(t.Context(), "hangs", s)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
	pid := child(t, gvisor.SuperviseArg, root)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if exit, err := r.Wait(t.Context()); err != nil || exit.Reason != sandbox.Lost {
		t.Errorf("%v, %v", exit, err)
	}
	if len(said) == 0 || !strings.Contains(said[0], fmt.Sprintf("process %d, did not end", pid)) {
		t.Errorf("the owner was told %q", said)
	}
	sameTraces(t, before)
}

// TestPanicAgain: the sandbox's kernel may die of its host's doing once. The program with
// which it dies again has brought it about.
func TestPanicAgain(t *testing.T) {
	needs(t)
	root := t.TempDir()
	box := newBox(t, root, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	die := func(args ...string) sandbox.Exit {
		t.Helper()
		s := specOf(t, args...)
		r, err := box.Start(ctx, "panics", s)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
		// Go's runtime in it finds no memory any more, and panics.
		none := unix.Rlimit{Cur: 1 << 20, Max: 1 << 20}
		if err := unix.Prlimit(child(t, "runsc-sandbox", root), unix.RLIMIT_AS, &none, nil); err != nil {
			t.Fatal(err)
		}
		go func() { // work for it
			for ctx.Err() == nil {
				p, err := r.(sandbox.Interactive).Exec(ctx, sandbox.Command{Args: []string{"/program", "fill", "/tmp", "10000000"}, Stdout: io.Discard})
				if err != nil {
					return
				}
				_, _ = p.Wait(ctx)
			}
		}()
		exit, err := r.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return exit
	}
	for _, c := range []struct {
		args []string
		want sandbox.Reason
	}{{[]string{"sit"}, sandbox.Lost}, {[]string{"sit", "otherwise"}, sandbox.Lost}, {[]string{"sit"}, sandbox.Trapped}, {[]string{"sit"}, sandbox.Trapped}} {
		exit := die(c.args...)
		if exit.Reason != c.want || (c.want == sandbox.Trapped) != strings.Contains(exit.Message, "twice") {
			t.Errorf("%v: %+v, want %s", c.args, exit, c.want)
		}
	}
	// An end from outside is nobody's doing but the host's, however often.
	for range 2 {
		s := specOf(t, "sit", "killed")
		r, err := box.Start(ctx, "killed", s)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
		if err := syscall.Kill(child(t, "runsc-sandbox", root), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if exit, err := r.Wait(ctx); err != nil || exit.Reason != sandbox.Lost {
			t.Errorf("%+v, %v", exit, err)
		}
	}
}

// TestSilence: where no cgroup counts memory, a sandbox that does not say any more how
// much it has is stopped: it is not the program's fault.
func TestSilence(t *testing.T) {
	needs(t)
	root := t.TempDir()
	box := newBox(t, root, func(o *gvisor.Options) { o.SilenceMax = 2 * time.Second })
	if box.Capabilities().CPU {
		t.Skip("a cgroup counts memory here")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s := specOf(t, "sit")
	r, err := box.Start(ctx, "silent", s)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it runs", func() bool { b, _ := os.ReadFile(s.Log); return strings.Contains(string(b), "sitting") })
	if err := syscall.Kill(child(t, "runsc-sandbox", root), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	exit, err := r.Wait(ctx)
	if err != nil || exit.Reason != sandbox.Lost || !strings.Contains(exit.Message, "did not answer for 2s") {
		t.Errorf("%+v, %v", exit, err)
	}
}

// TestOrdinaryUser runs the suite again as a user with no rights.
func TestOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 || os.Getenv(rerun) != "" {
		t.Skip("only root can become another user")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("there is no setpriv (util-linux)")
	}
	needs(t)
	dir, err := os.MkdirTemp(filepath.Dir(built.main), "user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	test := filepath.Join(dir, "test")
	const uid = 54321
	if err := errors.Join(os.WriteFile(test, self, 0o755), os.Chmod(dir, 0o755), os.Chown(dir, uid, uid), filepath.WalkDir(built.root, func(p string, _ fs.DirEntry, err error) error {
		return err
	})); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(setpriv, fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--clear-groups", "--bounding-set=-all",
		test, "-test.run", "TestConformance|TestAllocation|TestHostPorts|TestNetwork|TestNothingIsLeft|TestCloseOfAHang|TestSilence|TestProgram|TestMove", "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "TMPDIR=" + dir, rerun + "=" + built.main + ":" + built.root}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	} else if !strings.Contains(string(out), "--- PASS: TestConformance ") {
		t.Skipf("as an ordinary user:\n%s", out)
	}
}
