//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/control/client"
	glog "gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/runsc/boot"
	"gvisor.dev/gvisor/runsc/config"
	"gvisor.dev/gvisor/runsc/container"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/outfs"
)

// Files of an attempt's directory.
const (
	specFile  = "spec.json"
	exitFile  = "exit.json"
	sockFile  = "sock"
	panicFile = "panic.log"
)

// task is what a supervisor is given, as specFile.
type task struct {
	ID      string
	Spec    sandbox.Spec // with defaults filled in
	Cgroups cgroups
	Group   string
	Orphan  time.Duration
	Silence time.Duration
	Egress  Egress
	GPUs    *lent // what goes with Spec.GPUs
}

// supervisor owns one attempt.
type supervisor struct {
	dir  string
	err  *os.File // the host's view of what went wrong
	task task
	log  *sandbox.Log
	conf *config.Config
	grp  *group // nil without cgroups
	net  *network

	unwatch     func()     // of an attempt that goes on from a checkpoint: ends watchLayer
	descriptors uint64     // the program's limit of open files
	logs        *os.File   // the near end of the program's output
	logging     sync.Mutex // one reader at a time
	moving      sync.Mutex // one checkpoint at a time
	freezing    sync.Mutex // one freeze or thaw at a time
	telling     sync.Mutex // one Terminate at a time, and none while told is read
	told        bool       // the program was told to end
	halted      chan error // of a frozen program: that gVisor has stopped it; nil: it was not asked to

	logged chan struct{} // closed once log is set
	up     chan struct{} // closed once the program runs
	ended  chan struct{} // closed once exit is set and stored
	exit   sandbox.Exit

	mu      sync.Mutex
	cause   sandbox.Reason
	running *container.Container // from its creation to its end
	begun   time.Time            // the program's first instruction
	own     time.Duration        // what this process had used by then
	clock   sandbox.Clock        // of the wall limit
	frozen  bool
	saving  bool // gVisor writes a checkpoint, and is not to be frozen
	holders int
	orphan  *time.Timer
	peak    int64 // of memory, where no cgroup counts it
}

// supervise is the process that was started with SuperviseArg.
func supervise(dir string) int {
	// gVisor enters the box's network on the thread that calls it, and gives that thread
	// back; but the way out of there is closed to an ordinary user. So all of it is called
	// on this thread, which nobody else gets: what dials for the box stays in the network of
	// the host. (The sandbox would also die with the thread that started it.)
	runtime.LockOSThread()
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	glog.SetTarget(&glog.Writer{Next: quiet{os.Stderr}})
	glog.SetLevel(glog.Warning)
	f := os.NewFile(3, "listener")
	l, err := net.FileListener(f)
	_ = f.Close()
	if err != nil {
		return fail(fmt.Errorf("take over the socket: %w", err))
	}
	s := &supervisor{dir: dir, err: os.Stderr, logged: make(chan struct{}), up: make(chan struct{}), ended: make(chan struct{})}
	if err := readJSON(filepath.Join(dir, specFile), &s.task); err != nil {
		return fail(err)
	}
	s.orphan = time.AfterFunc(s.task.Orphan, func() { s.stop(orphaned) })
	var conns sync.WaitGroup
	go s.serve(l.(*net.UnixListener), &conns)
	exit := s.run()
	s.mu.Lock()
	orphan := s.holders == 0
	s.mu.Unlock()
	// A holder hears of it at once, and finds the file should it die before it has stored what
	// it heard; that a power cut takes both, as it takes attempts that run, costs nothing but
	// the wait for the disk. An orphan's end nobody else has.
	if err := storeJSON(filepath.Join(dir, exitFile), exit, orphan); err != nil {
		fmt.Fprintln(s.err, err)
	}
	s.exit = exit
	close(s.ended)
	_ = l.Close()
	conns.Wait()
	if orphan { // nobody else may ever do it
		s.task.Cgroups.remove()
	}
	return 0
}

var errCgo = errors.New("this binary was built with cgo, and gVisor executes it where there are no libraries; hint: build it with CGO_ENABLED=0")

// quiet keeps gVisor's advice to install further programs out of the log.
type quiet struct{ io.Writer }

func (q quiet) Write(b []byte) (int, error) {
	if bytes.HasPrefix(b, []byte("Sidecar ")) {
		return len(b), nil
	}
	return q.Writer.Write(b)
}

// orphaned, outOfPrepare, silent are causes of this package.
const (
	orphaned     sandbox.Reason = "orphaned"
	outOfPrepare sandbox.Reason = "out of time to prepare"
	silent       sandbox.Reason = "silent"
)

// stop kills the program for the given reason; the first reason stands.
func (s *supervisor) stop(cause sandbox.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == "" {
		s.cause = cause
	}
	if s.running != nil {
		s.melt()
		if pid := s.running.SandboxPid(); pid > 1 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
}

// stopped is the reason of stop, or "".
func (s *supervisor) stopped() sandbox.Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// hold counts those who look after the attempt; the last one that goes starts the
// orphan's clock.
func (s *supervisor) hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.holders += n; s.holders > 0 {
		s.orphan.Stop()
	} else {
		s.orphan.Reset(s.task.Orphan)
	}
}

// run is the attempt, from its preparation to its exit.
func (s *supervisor) run() sandbox.Exit {
	start := time.Now()
	lim := s.task.Spec.Limits
	limit := time.AfterFunc(millis(lim.PrepareMillis), func() { s.stop(outOfPrepare) })
	defer func() { limit.Stop() }()
	lost := func(err error) sandbox.Exit {
		fmt.Fprintln(s.err, err)
		return sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: "The host could not make a sandbox. Run it on another machine."}
	}
	if config.CgoEnabled {
		return lost(errCgo)
	}
	var err error
	if s.log, err = sandbox.CreateLog(s.task.Spec.Log, lim.LogBytes); err != nil {
		return lost(err)
	}
	defer s.log.Close()
	close(s.logged)
	if err := ownView(); err != nil {
		return lost(err)
	}
	if err := os.Chdir(s.dir); err != nil {
		return lost(err)
	}
	if !s.task.Cgroups.none() {
		s.grp = s.task.Cgroups.group(s.task.Group)
		if err := s.grp.make(lim); err != nil {
			return lost(err)
		}
		defer func() {
			if err := s.grp.destroy(); err != nil {
				fmt.Fprintln(s.err, err)
			}
		}()
	}
	exit := s.contain(start, limit, lost)
	exit.Told = s.wasTold()
	exit.LogBytes, exit.LogKept = s.log.Counts()
	if err := s.log.Close(); err != nil && exit.Reason == sandbox.Exited {
		exit.Code, exit.Reason = -1, sandbox.Lost
		exit.Message = "The host could not keep the log; its disk may be full. Run it on another machine."
	}
	// Nothing of the program lives any more: what it left is still.
	if note := s.collect(&exit); note != "" && exit.Reason == sandbox.Exited {
		exit.Message = note
	}
	return exit
}

// contain makes the box, runs the program in it and takes the box down.
func (s *supervisor) contain(start time.Time, limit *time.Timer, lost func(error) sandbox.Exit) (exit sandbox.Exit) {
	spec := s.task.Spec
	bundle := filepath.Join(s.dir, "bundle")
	over, logw, logDone, err := s.build(bundle)
	if s.net != nil {
		defer s.net.close()
	}
	if errors.Is(err, errStopped) {
		exit = s.verdict(0, nil)
		exit.PrepareMillis = ceilMillis(time.Since(start))
		return exit
	}
	if bad := (badCheckpoint{}); errors.As(err, &bad) {
		return s.unrestorable(err)
	}
	if at := mountError(""); errors.As(err, &at) {
		return sandbox.Exit{Code: -1, Reason: sandbox.BadProgram, Message: "The image cannot be run: its /" + string(at) + " is not a directory, and one has to be there. Remove it from the image."}
	}
	if errors.As(err, new(imageError)) {
		return sandbox.Exit{Code: -1, Reason: sandbox.BadProgram, Message: "A GPU cannot be shown in this image: " + quote(err.Error()) + ". Its /dev and /usr/local have to be directories within it."}
	}
	if err != nil {
		return lost(err)
	}
	defer over.Close()
	watched := make(chan struct{})
	go func() { defer close(watched); s.watchOutput(over) }()

	args := container.Args{ID: "box", BundleDir: bundle, Attached: true}
	if args.Spec, err = readSpec(bundle, s.conf); err != nil {
		return lost(err)
	}
	c, err := container.New(s.conf, args)
	_ = logw.Close()
	if err != nil {
		<-logDone
		return lost(err)
	}
	defer func() {
		cpu, peak := s.meter()
		s.mu.Lock()
		s.running = nil
		s.melt()
		s.mu.Unlock()
		if s.unwatch != nil {
			s.unwatch()
		}
		if err := c.Destroy(); err != nil {
			fmt.Fprintln(s.err, err)
		}
		<-logDone
		if s.grp == nil { // what a process had at most is known now that they are gone
			peak = max(peak, largestProcess())
		}
		exit.CPUMillis, exit.MemoryBytes = ceilMillis(cpu), min(peak, spec.Limits.MemoryBytes)
		now := time.Now()
		if s.begun.IsZero() {
			exit.PrepareMillis = ceilMillis(now.Sub(start))
		} else {
			exit.PrepareMillis, exit.WallMillis = ceilMillis(s.begun.Sub(start)), max(exit.WallMillis, 1)
		}
	}()
	s.mu.Lock()
	s.running = c
	s.mu.Unlock()
	if s.grp != nil {
		// The program has not begun, so nothing forks that could slip through.
		if err := s.enclose(); err != nil {
			return lost(err)
		}
		unwatch, err := s.grp.watch(func() { s.stop(sandbox.OutOfMemory) })
		if err != nil {
			return lost(err)
		}
		defer unwatch()
	} else {
		defer s.sample()()
	}
	if cause := s.stopped(); cause != "" {
		s.stop(cause) // it came before there was a process to kill
	}
	if err := s.launch(c); err != nil {
		if s.stopped() != "" {
			return s.verdict(0, nil)
		}
		if bad := (badCheckpoint{}); errors.As(err, &bad) {
			return s.unrestorable(err)
		}
		return s.refused(err, lost)
	}
	s.mu.Lock()
	s.begun, s.own = time.Now(), ownTime()
	s.clock = sandbox.Clock{Limit: millis(spec.Limits.WallMillis), End: func() { s.stop(sandbox.OutOfTime) }}
	s.clock.Start()
	s.mu.Unlock()
	close(s.up)
	limit.Stop()
	ws, err := await(c)
	_, _ = over.WriteString("\n") // behind all that the file server has said
	<-watched
	s.mu.Lock()
	s.clock.Stop()
	wallTime := s.clock.Read()
	s.mu.Unlock()
	exit = s.verdict(ws, err)
	exit.WallMillis = ceilMillis(wallTime)
	return exit
}

// await waits for the program. An error means that the box around it has died.
func await(c *container.Container) (ws unix.WaitStatus, err error) {
	if conn, err := client.ConnectTo(c.Sandbox.GetControlSocketPath()); err == nil {
		err = conn.Call(boot.ContMgrWait, &c.ID, &ws)
		_ = conn.Close()
		if err == nil {
			return ws, nil
		}
	}
	// The box ends right after its program, perhaps before it has answered; then it has
	// the program's exit code. It never ends by a signal of the program's.
	if ws, err = c.Wait(); err == nil && ws.Signaled() {
		err = fmt.Errorf("the sandbox died of signal %d", ws.Signal())
	}
	return ws, err
}

// build writes the bundle and opens what connects the box with this process.
func (s *supervisor) build(bundle string) (over, logw *os.File, logDone chan struct{}, err error) {
	spec := s.task.Spec
	layer, empty := filepath.Join(s.dir, "layer"), filepath.Join(s.dir, "empty")
	for _, d := range []string{bundle, layer, empty} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, nil, nil, err
		}
	}
	if err := mountPoints(spec.Root, spec.Checkpoint != "", spec.Network != nil); err != nil {
		return nil, nil, nil, err
	}
	net, err := connect(s.dir, spec.Network, s.task.Egress, spec.Limits.CPUMillis)
	if err != nil {
		return nil, nil, nil, err
	}
	s.mu.Lock()
	s.net = net
	s.mu.Unlock()
	if s.descriptors, err = ownDescriptors(); err != nil {
		return nil, nil, nil, err
	}
	if spec.Restore != "" {
		if err := s.prepare(); err != nil {
			return nil, nil, nil, err
		}
	}
	netns := s.net.path()
	oci, box, err := ociSpec(spec, empty, netns, s.descriptors)
	if err != nil {
		return nil, nil, nil, err
	}
	if s.net.resolv != "" {
		oci.Mounts = append(oci.Mounts, specs.Mount{Destination: "/etc/resolv.conf", Type: "bind", Source: s.net.resolv, Options: []string{"bind", "ro"}})
	}
	if s.task.GPUs != nil {
		if err := s.task.GPUs.lend(s.dir, spec.Root, oci); err != nil {
			return nil, nil, nil, err
		}
	}
	if s.conf, err = runscConfig("/proc/self/cwd/run", layer, filepath.Join(s.dir, panicFile), netns, s.task); err != nil {
		return nil, nil, nil, err
	}
	fifo := filepath.Join(bundle, overFifo)
	if err := errors.Join(writeJSON(filepath.Join(bundle, "config.json"), oci), writeJSON(filepath.Join(bundle, boxFile), box), unix.Mkfifo(fifo, 0o600)); err != nil {
		return nil, nil, nil, err
	}
	// For reading and writing: so it opens at once, and never ends.
	if over, err = os.OpenFile(fifo, os.O_RDWR, 0); err != nil {
		return nil, nil, nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, nil, err
	}
	logr, logw, err := os.Pipe()
	if err != nil {
		return nil, nil, nil, err
	}
	// gVisor hands this process' own streams on to the program.
	os.Stdin, os.Stdout, os.Stderr = null, logw, logw
	logDone = make(chan struct{})
	s.logs = logr
	go func() {
		defer close(logDone)
		defer logr.Close()
		s.copyLog()
	}()
	return over, logw, logDone, nil
}

// copyLog fills the log until the last writer has gone.
func (s *supervisor) copyLog() {
	if conn, err := s.logs.SyscallConn(); err == nil {
		_ = conn.Read(func(fd uintptr) bool { return s.takeLog(int(fd)) })
	}
}

// drain brings what the program has written so far into the log.
func (s *supervisor) drain() {
	if conn, err := s.logs.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { s.takeLog(int(fd)) })
	}
}

// takeLog reads the pipe until it is empty (false) or ended (true).
func (s *supervisor) takeLog(fd int) (ended bool) {
	s.logging.Lock()
	defer s.logging.Unlock()
	flood := s.task.Spec.Limits.LogBytes * sandbox.FloodFactor
	buf := make([]byte, 64<<10)
	for {
		total, _ := s.log.Counts()
		piece := buf
		if total <= flood { // no more than shows that it is too much: LogBytes says where it was stopped
			piece = buf[:min(int64(len(buf)), flood-total+1)]
		}
		n, err := unix.Read(fd, piece)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false
		case err != nil || n == 0:
			return true
		case s.stopped() != sandbox.LogFlood:
			_, _ = s.log.Write(piece[:n])
			if total+int64(n) > flood {
				s.stop(sandbox.LogFlood)
			}
		}
	}
}

// watchOutput stops the program once the file server says that a limit was hit. It ends
// at an empty line, which is our own.
func (s *supervisor) watchOutput(over *os.File) {
	for lines := bufio.NewScanner(over); lines.Scan() && lines.Text() != ""; {
		name, deep := strings.CutPrefix(lines.Text(), deepMark)
		if !deep {
			s.stop(sandbox.OutputLimit)
			continue
		}
		s.logging.Lock()
		_, _ = fmt.Fprintf(s.log, "artel: a directory in /%s was refused: no more than %d may lie within one another, so that they can be kept\n", name, outfs.MaxDepth)
		s.logging.Unlock()
	}
}

// enclose moves every process below this one into the group.
func (s *supervisor) enclose() error {
	for moved := map[string]bool{}; ; {
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return fmt.Errorf("find the sandbox's processes: %w", err)
		}
		fresh := false
		for _, e := range entries {
			name := e.Name()
			if name[0] < '0' || name[0] > '9' || name == "1" || moved[name] {
				continue
			}
			pid := 0
			if _, err := fmt.Sscan(name, &pid); err != nil {
				continue
			}
			if err := s.grp.add(pid); err != nil {
				return err
			}
			moved[name], fresh = true, true
		}
		if !fresh {
			return nil
		}
	}
}

// meter reads what the attempt has used, from the host's side. This process works for
// the program where that has a network: its packets end here.
func (s *supervisor) meter() (cpu time.Duration, peak int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.net != nil && s.net.out != nil && !s.begun.IsZero() {
		cpu = ownTime() - s.own
	}
	if s.grp != nil {
		return cpu + s.grp.cpu(), s.grp.memoryPeak()
	}
	return cpu + processTime(), s.peak
}

// answerIn is how long gVisor's kernel is waited for before the host counts by itself.
const answerIn = time.Second

// sample stands in for a memory cgroup: it asks the sandbox again and again what it
// has, and stops it above the limit. The returned function ends it. Of one that does
// not answer the host counts the pages; after task.Silence it is stopped.
func (s *supervisor) sample() (stop func()) {
	type answer struct {
		used int64
		err  error
	}
	var asked time.Time // when it was asked what it has not answered
	answers := make(chan answer, 1)
	return every(25*time.Millisecond, func() {
		s.mu.Lock()
		c, quiet := s.running, s.frozen || s.saving || s.begun.IsZero()
		frozen := s.frozen
		s.mu.Unlock()
		if c == nil || c.Sandbox == nil || frozen {
			asked = later(asked)
			return
		}
		if asked.IsZero() {
			asked = time.Now()
			go func() {
				u, err := c.Sandbox.Usage(false)
				answers <- answer{int64(u.Total), err}
			}()
		}
		patience := time.NewTimer(answerIn)
		defer patience.Stop()
		var used int64
		select {
		case a := <-answers:
			if asked = (time.Time{}); a.err != nil {
				return
			}
			used = a.used
		case <-patience.C:
			used = heldMemory() - headroom
			if quiet {
				asked = later(asked)
			} else if time.Since(asked) > s.task.Silence {
				defer s.stop(silent) // unless it has too much
			}
		}
		s.mu.Lock()
		s.peak = max(s.peak, used)
		s.mu.Unlock()
		if used > s.task.Spec.Limits.MemoryBytes {
			s.stop(sandbox.OutOfMemory)
		}
	})
}

// later is the time from which a silence counts that has a good reason until now.
func later(asked time.Time) time.Time {
	if asked.IsZero() {
		return asked
	}
	return time.Now()
}

// every calls look again and again, until stop, which waits for the last call.
func every(d time.Duration, look func()) (stop func()) {
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(d)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
				look()
			}
		}
	}()
	return func() { close(end); <-done }
}
