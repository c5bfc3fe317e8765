//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/sandbox"
)

const (
	supervisorLog = "supervisor.log"
	attemptDir    = "attempt-" // and a number, below Options.Dir
)

// Box is the sandbox.Adopter. See New.
type Box struct {
	opt     Options
	cgroups cgroups
	noGroup error // why there are no cgroups
	noNet   error // why there is no network
	noMove  error // why there are no checkpoints
	cpu     artel.CPU
	noGPU   error // why there are no GPUs
	slots   chan struct{}
	done    chan struct{} // closed by Close and Detach
	wg      sync.WaitGroup

	mu     sync.Mutex
	live   map[string]*attempt   // nil while it waits for a slot
	stored map[*attempt]struct{} // those whose state is on disk
	spent  time.Duration         // processor time of those that have ended
	closed bool
	panics map[string]bool // programs under which gVisor's kernel has died
}

var _ sandbox.Adopter = (*Box)(nil)

// New makes a box. It starts nothing, and does not try whether the machine can run
// containers: Probe does.
func New(opt Options) (*Box, error) {
	if opt.Program != nil {
		opt.Command = []string{opt.Program.path()}
	}
	if len(opt.Command) == 0 || opt.Dir == "" {
		return nil, errors.New("make a gvisor box: Options.Dir, and Command or Program, are required")
	}
	if opt.Slots <= 0 {
		opt.Slots = 1
	}
	if opt.CloseMax <= 0 {
		opt.CloseMax = 20 * time.Second
	}
	if opt.OrphanMax <= 0 {
		opt.OrphanMax = 10 * time.Minute
	}
	if opt.SilenceMax <= 0 {
		opt.SilenceMax = 30 * time.Second
	}
	dir, err := filepath.Abs(opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("make a gvisor box: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a gvisor box: %w", err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, fmt.Errorf("make a gvisor box: %w", err)
	}
	if strings.ContainsAny(dir, ":,") {
		return nil, fmt.Errorf("make a gvisor box: the directory %s has a colon or a comma in its name; hint: choose another", dir)
	}
	opt.Dir = dir
	b := &Box{opt: opt, slots: make(chan struct{}, opt.Slots), done: make(chan struct{}), live: map[string]*attempt{}, stored: map[*attempt]struct{}{}, panics: map[string]bool{}}
	b.noNet, b.noMove, b.cpu = haveNet(opt.Command), movable(), processor()
	if opt.GPUs != nil {
		b.noGPU = opt.GPUs.Check()
	}
	b.cgroups, b.noGroup = findCgroups(groupName(dir))
	return b, nil
}

// groupName is the cgroup of a box that has its state in dir, a path without links.
func groupName(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return "artel-" + hex.EncodeToString(sum[:6])
}

// Capabilities is sandbox.Box's.
func (b *Box) Capabilities() sandbox.Capabilities {
	return sandbox.Capabilities{
		Kind: "gvisor", Slots: b.opt.Slots, Runs: true, Memory: true, Wall: true, Output: true, Log: true, Confined: true,
		Images: true, CPU: !b.cgroups.none(), Processes: true, Layer: true, Network: b.noNet == nil, GPUs: b.opt.GPUs != nil && b.noGPU == nil, Interactive: true, Outlives: true,
		Freezes: true, Moves: b.noMove == nil, Terminates: true,
	}
}

// Limited says what Capabilities lacks on this machine and why, or nil.
func (b *Box) Limited() error {
	var cpu, net error
	if b.cgroups.none() {
		cpu = fmt.Errorf("no limit of processor time without cgroups: %w; hint: run artel as root, or let systemd delegate cpu, memory and pids to this user", b.noGroup)
	}
	if b.noNet != nil {
		net = fmt.Errorf("no network: %w", b.noNet)
	}
	var move error
	if b.noMove != nil {
		move = fmt.Errorf("no checkpoints of running containers: %w", b.noMove)
	}
	return errors.Join(cpu, net, move, b.noGPU)
}

// maxPanics bounds what a box remembers of them. To forget costs an attempt at most.
const maxPanics = 1024

// panickedBefore notes that gVisor's kernel has died under a program, and reports whether
// it did so before. That can be the host's doing once; if it were the host's each time, a
// program that knows how to bring it about would never pay.
func (b *Box) panickedBefore(spec sandbox.Spec) bool {
	key := specDigest(spec) + spec.Root
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.panics[key]
	if !before && len(b.panics) >= maxPanics {
		clear(b.panics)
	}
	b.panics[key] = true
	return before
}

func (b *Box) crashed(id, detail string) {
	if b.opt.Crashed != nil {
		b.opt.Crashed(id, detail)
	}
}

// Start is sandbox.Box's.
func (b *Box) Start(ctx context.Context, id string, spec sandbox.Spec) (sandbox.Run, error) {
	a, err := b.begin(ctx, id, spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	return a, nil
}

func (b *Box) begin(ctx context.Context, id string, spec sandbox.Spec) (*attempt, error) {
	if err := b.check(&spec); err != nil {
		return nil, err
	}
	a := &attempt{
		box: b, ended: make(chan struct{}),
		task: task{ID: id, Spec: spec, Cgroups: b.cgroups, Orphan: b.opt.OrphanMax, Silence: b.opt.SilenceMax, Egress: b.opt.Egress},
	}
	if len(spec.GPUs) > 0 {
		a.task.GPUs = &lent{Version: b.opt.GPUs.Version, Libraries: b.opt.GPUs.Libraries, Binaries: b.opt.GPUs.Binaries}
	}
	// Each start has a directory of its own: an earlier one of this id may still be there,
	// until its exit is collected.
	var err error
	if a.dir, err = os.MkdirTemp(b.opt.Dir, attemptDir); err != nil {
		return nil, fmt.Errorf("make its state: %w", err)
	}
	a.task.Group = filepath.Base(a.dir)
	if err := b.enter(ctx, a); err != nil {
		_ = os.Remove(a.dir)
		return nil, err
	}
	if err := a.launch(b.opt.Command); err != nil {
		_ = os.RemoveAll(a.dir)
		b.mu.Lock()
		delete(b.stored, a)
		b.mu.Unlock()
		b.leave(a)
		b.wg.Done()
		return nil, err
	}
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		a.Kill()
	}
	go a.follow()
	return a, nil
}

// check looks at the Spec and its paths, and makes them whole.
func (b *Box) check(spec *sandbox.Spec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", sandbox.ErrSpec, fmt.Sprintf(format, args...))
	}
	switch {
	case spec.Root == "":
		return bad("Root is empty; a container needs an image")
	case len(spec.GPUs) > 0 && (b.opt.GPUs == nil || b.noGPU != nil):
		return bad("GPUs is set; this box has none to give")
	case spec.Dir != "" && !filepath.IsAbs(spec.Dir):
		return bad("Dir is %q; give an absolute path", spec.Dir)
	}
	for i, m := range spec.GPUs {
		if !slices.Contains(b.opt.GPUs.Minors, m) || slices.Contains(spec.GPUs[:i], m) {
			return bad("GPUs is %v; this box has each of %v once", spec.GPUs, b.opt.GPUs.Minors)
		}
	}
	if _, _, err := user(spec.User); err != nil {
		return err
	}
	if spec.Network != nil {
		if b.noNet != nil {
			return bad("Network is set, and this host has none to give: %v", b.noNet)
		}
		if err := policy(*spec.Network, b.opt.Egress).Check(); err != nil {
			return bad("Network: %v", err)
		}
	}
	spec.Limits = spec.Limits.WithDefaults()
	for _, d := range []struct {
		name string
		path *string
	}{{"Root", &spec.Root}, {"In", &spec.In}, {"Out", &spec.Out}, {"Checkpoint", &spec.Checkpoint}, {"Restore", &spec.Restore}} {
		if *d.path == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(*d.path)
		if err != nil {
			return bad("%s: %v", d.name, err)
		}
		if info, err := os.Stat(real); err != nil {
			return bad("%s: %v", d.name, err)
		} else if !info.IsDir() {
			return bad("%s: %s is not a directory", d.name, *d.path)
		}
		*d.path = real
	}
	if spec.Out == spec.Checkpoint || spec.Out == spec.In {
		return bad("Out is also In or Checkpoint")
	}
	if spec.Restore != "" {
		for _, d := range []string{spec.Out, spec.Checkpoint} {
			if entries, err := os.ReadDir(d); d != "" && (err != nil || len(entries) > 0) {
				return bad("Out and Checkpoint are to be empty: Restore fills them")
			}
		}
		if _, err := b.inspect(spec.Restore, *spec); err != nil {
			return fmt.Errorf("go on from a checkpoint: %w", err)
		}
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return bad("Log: %v", err)
	}
	return log.Close()
}

// enter claims the id and waits for a slot.
func (b *Box) enter(ctx context.Context, a *attempt) error {
	b.mu.Lock()
	_, running := b.live[a.task.ID]
	switch {
	case b.closed:
		b.mu.Unlock()
		return sandbox.ErrClosed
	case running:
		b.mu.Unlock()
		return sandbox.ErrRunning
	}
	b.live[a.task.ID] = nil
	b.wg.Add(1)
	b.mu.Unlock()
	var err error
	select {
	case b.slots <- struct{}{}:
		b.mu.Lock()
		b.live[a.task.ID], b.stored[a] = a, struct{}{}
		b.mu.Unlock()
		return nil
	case <-ctx.Done():
		err = fmt.Errorf("wait for a slot: %w", ctx.Err())
	case <-b.done:
		err = sandbox.ErrClosed
	}
	b.mu.Lock()
	delete(b.live, a.task.ID)
	b.mu.Unlock()
	b.wg.Done()
	return err
}

// leave gives the slot and the id back.
func (b *Box) leave(a *attempt) {
	b.mu.Lock()
	delete(b.live, a.task.ID)
	b.spent += millis(a.exit.CPUMillis)
	b.mu.Unlock()
	if !a.slotless {
		<-b.slots
	}
}

// launch starts the supervisor and connects to it.
func (a *attempt) launch(command []string) error {
	if err := writeJSON(filepath.Join(a.dir, specFile), a.task); err != nil {
		return err
	}
	var listener *os.File
	err := inDir(a.dir, sockFile, func(path string) error {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		l.SetUnlinkOnClose(false)
		listener, err = l.File()
		return errors.Join(err, l.Close())
	})
	if err != nil {
		return fmt.Errorf("make its socket: %w", err)
	}
	defer listener.Close()
	stderr, err := os.OpenFile(filepath.Join(a.dir, supervisorLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("make its state: %w", err)
	}
	defer stderr.Close()
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], SuperviseArg, a.dir)...)
	cmd.Stderr, cmd.ExtraFiles = stderr, []*os.File{listener}
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = supervisorAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start its supervisor: %w", explain(err))
	}
	a.wait = func() { _ = cmd.Wait() }
	if err := a.hold(); err != nil {
		_ = cmd.Process.Kill()
		a.wait()
		return fmt.Errorf("reach its supervisor: %w", err)
	}
	return nil
}

// supervisorAttr makes the supervisor outlive us, and everything below it die with it. A
// user other than root gets a user namespace in which it is one.
func supervisorAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: gid, Size: 1}}
	}
	return attr
}

// Live is sandbox.Adopter's. It also clears away what dead supervisors have left.
func (b *Box) Live(ctx context.Context) ([]sandbox.Left, error) {
	entries, err := os.ReadDir(b.opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("find attempts: %w", err)
	}
	var runs []sandbox.Left
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return runs, err
		}
		a := &attempt{box: b, dir: filepath.Join(b.opt.Dir, e.Name()), ended: make(chan struct{})}
		if err := readJSON(filepath.Join(a.dir, specFile), &a.task); err != nil {
			if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(e.Name(), attemptDir) {
				_ = os.RemoveAll(a.dir) // we died before it began
			}
			continue
		}
		b.mu.Lock()
		if _, ours := b.live[a.task.ID]; ours || b.closed {
			b.mu.Unlock()
			continue
		}
		b.live[a.task.ID], b.stored[a] = a, struct{}{}
		b.wg.Add(1)
		b.mu.Unlock()
		_ = a.hold() // a supervisor that is gone has left an exit, or nothing
		select {
		case b.slots <- struct{}{}:
		default: // there are fewer slots than before; it goes on without one
			a.slotless = true
		}
		go a.follow()
		runs = append(runs, a)
	}
	return runs, nil
}

// Detach is sandbox.Adopter's.
func (b *Box) Detach() error {
	for _, a := range b.shut() {
		a.mu.Lock()
		a.detached = true
		if a.held != nil {
			_ = a.held.Close()
		}
		a.mu.Unlock()
	}
	b.wg.Wait()
	b.cgroups.remove() // unless something runs in them; then who ends last does it
	return nil
}

// Close is sandbox.Box's.
func (b *Box) Close() error {
	all := b.shut()
	for _, a := range all {
		go a.Kill() // one that hangs does not hold up the others
	}
	if err := b.outlast(all); err != nil {
		return err
	}
	b.mu.Lock()
	left := slices.Collect(maps.Keys(b.stored))
	b.mu.Unlock()
	for _, a := range left { // nobody will ask for their exits any more
		a.mu.Lock()
		detached := a.detached
		a.mu.Unlock()
		if !detached {
			a.collected.Do(a.forget)
		}
	}
	b.cgroups.remove()
	return nil
}

// reapMax is how long what was killed may take to be gone. The kernel does it at once, and
// a machine with twenty times too much to do gets to it within seconds.
const reapMax = 20 * time.Second

// outlast waits until the attempts have ended, and ends the supervisors of those that
// do not: the kernel ends everything below them.
func (b *Box) outlast(all []*attempt) error {
	over := make(chan struct{})
	go func() { b.wg.Wait(); close(over) }()
	wait := func(most time.Duration) bool {
		t := time.NewTimer(most)
		defer t.Stop()
		select {
		case <-over:
			return true
		case <-t.C:
			return false
		}
	}
	if wait(b.opt.CloseMax) {
		return nil
	}
	hang := func() (list []*attempt) {
		for _, a := range all {
			select {
			case <-a.ended:
			default:
				list = append(list, a)
			}
		}
		return list
	}
	for _, a := range hang() {
		for _, pid := range supervisorsOf(a.dir) {
			b.crashed(a.task.ID, fmt.Sprintf("its supervisor, process %d, did not end in %s and was killed", pid, b.opt.CloseMax))
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	if wait(reapMax) {
		return nil
	}
	var left []string
	for _, a := range hang() {
		left = append(left, fmt.Sprintf("%s (processes %v, state in %s)", a.task.ID, supervisorsOf(a.dir), a.dir))
	}
	return fmt.Errorf("close the gvisor box: still there after %s: %s; hint: the kernel may be waiting for a disk; look at them with ps", b.opt.CloseMax+reapMax, strings.Join(left, ", "))
}

// supervisorsOf finds the process that was started to look after a directory.
func supervisorsOf(dir string) (pids []int) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range found {
		b, err := os.ReadFile(p)
		if err != nil {
			continue
		}
		args := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
		if n := len(args); n >= 3 && args[n-2] == SuperviseArg && args[n-1] == dir {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(p))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// shut refuses what is new and returns what lives.
func (b *Box) shut() []*attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		close(b.done)
	}
	var all []*attempt
	for _, a := range b.live {
		if a != nil {
			all = append(all, a)
		}
	}
	return all
}
