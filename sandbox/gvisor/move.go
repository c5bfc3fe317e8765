//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/cpuid"
	"gvisor.dev/gvisor/pkg/state/statefile"
	"gvisor.dev/gvisor/runsc/boot"
	"gvisor.dev/gvisor/runsc/container"
	runsc "gvisor.dev/gvisor/runsc/sandbox"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/snapshot"
)

// version names the gVisor that is linked in (go.mod's), and after the slash our layout
// of checkpoints. gVisor reads only what the same gVisor has written.
const version = "gvisor-v0.0.0-20260905035102-160fafc42237/1"

// movable says why checkpoints are not taken here, or nil.
func movable() error {
	switch {
	case goarch != "amd64":
		return errors.New("gVisor cannot restore programs on " + goarch + " (its issue 13542)")
	case os.Getpagesize() != snapshot.Page:
		return fmt.Errorf("gVisor writes pages of %d bytes alone, and this kernel has pages of %d", snapshot.Page, os.Getpagesize())
	}
	return nil
}

// processor is the class of this machine's processor, as far as gVisor knows it: what
// it compares before it restores. The names are the kernel's.
func processor() artel.CPU {
	c := artel.CPU{Arch: goarch}
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return c
	}
	cpuid.Initialize()
	have := cpuid.HostFeatureSet()
	for s := bufio.NewScanner(bytes.NewReader(b)); s.Scan() && s.Text() != ""; {
		k, v, _ := strings.Cut(s.Text(), ":")
		switch v = strings.TrimSpace(v); strings.TrimSpace(k) {
		case "vendor_id", "CPU implementer":
			c.Vendor = v
		case "flags", "Features":
			for _, name := range strings.Fields(v) {
				if f, ok := cpuid.FeatureFromString(name); ok && have.HasFeature(f) {
					c.Features = append(c.Features, name)
				}
			}
		}
	}
	slices.Sort(c.Features)
	c.Features = slices.Compact(c.Features)
	return c
}

// Needs is sandbox.Mover's.
func (b *Box) Needs() sandbox.Needs { return sandbox.Needs{CPU: b.cpu, Version: version} }

// specDigest is of what a checkpoint holds in itself or gVisor compares: nothing of it can
// change by moving.
func specDigest(s sandbox.Spec) string {
	l := s.Limits.WithDefaults()
	b, err := json.Marshal(struct {
		Args                                                            []string
		Dir, User                                                       string
		Checkpoint, Network                                             bool
		GPUs                                                            int
		Memory, CPUs, Processes, Layer, LayerFiles, Output, Files, Logs int64
	}{s.Args, s.Dir, s.User, s.Checkpoint != "", s.Network != nil, len(s.GPUs), l.MemoryBytes, cpus(l), l.Processes, l.LayerBytes, l.LayerFiles,
		l.OutputBytes, l.OutputFiles, l.LogBytes})
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Inspect is sandbox.Mover's.
func (b *Box) Inspect(dir string, spec sandbox.Spec) (sandbox.Checkpoint, error) {
	facts, err := b.inspect(dir, spec)
	if err != nil {
		return facts.Checkpoint, fmt.Errorf("inspect checkpoint: %w", err)
	}
	return facts.Checkpoint, nil
}

func (b *Box) inspect(dir string, spec sandbox.Spec) (snapshot.Facts, error) {
	if b.noMove != nil {
		return snapshot.Facts{}, fmt.Errorf("%w: %w", sandbox.ErrMismatch, b.noMove)
	}
	facts, err := snapshot.ReadFacts(dir)
	if errors.Is(err, snapshot.ErrDamaged) {
		return facts, fmt.Errorf("%w: %w", sandbox.ErrMismatch, err)
	} else if err != nil {
		return facts, err
	}
	if err := facts.Needs.MetBy(sandbox.Needs{CPU: b.cpu, Version: version, Spec: specDigest(spec)}); err != nil {
		return facts, err
	}
	if have, err := ownDescriptors(); err != nil {
		return facts, err
	} else if facts.Descriptors > have || facts.Descriptors < 3 {
		return facts, fmt.Errorf("%w: its program may open %d files, and here %d are possible; hint: raise the limit of open files (ulimit -n) for artel",
			sandbox.ErrMismatch, facts.Descriptors, have)
	}
	for name, most := range largest(spec.Limits.WithDefaults()) {
		if n := facts.Files[name].Bytes; n > most {
			return facts, fmt.Errorf("%w: its %s has %d bytes, and a program with these limits at most %d", sandbox.ErrMismatch, name, n, most)
		}
	}
	if left := spec.Limits.WithDefaults().LogBytes; facts.Files[snapshot.LogFile].Bytes > left {
		return facts, fmt.Errorf("%w: its log is longer than the limit", sandbox.ErrMismatch)
	}
	return facts, nil
}

// largest is what the files of a checkpoint have at most, in bytes, of a program with
// these limits: they are read whole before it goes on, and a hole is as long as its writer says.
func largest(l sandbox.Limits) map[string]int64 {
	const most = int64(1) << 44 // so that sums do not overflow
	memory := min(l.MemoryBytes, most) + headroom
	return map[string]int64{
		snapshot.StateFile:     memory,
		snapshot.PagesMetaFile: memory,
		snapshot.PagesFile:     2*memory + min(l.LayerBytes, most) + layerSlack,
		snapshot.IndexFile:     2 * min(l.OutputFiles, most>>16) << 14,
		snapshot.ContentFile:   2 * (min(l.OutputBytes, most) + min(l.OutputFiles, most>>16)*snapshot.Page),
	}
}

// ownDescriptors is how many files a program may open here.
func ownDescriptors() (uint64, error) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 0, fmt.Errorf("ask for the limit of open files: %w", err)
	}
	return descriptors(files.Max), nil
}

// trees are the directories that belong to a checkpoint, in the order of its layout.
func trees(s sandbox.Spec) []snapshot.Tree {
	return []snapshot.Tree{
		{Dir: s.Out, Bytes: s.Limits.OutputBytes, Entries: s.Limits.OutputFiles},
		{Dir: s.Checkpoint, Bytes: s.Limits.OutputBytes, Entries: s.Limits.OutputFiles},
	}
}

// unmovable is why a program cannot be moved at the moment, for its reader.
type unmovable string

func (u unmovable) Error() string { return string(u) }

// checkpoint is sandbox.Movable's, into an open directory. When gone is closed, nobody waits
// for it any more.
func (s *supervisor) checkpoint(dir *os.File, stop bool, gone <-chan struct{}) response {
	var done sandbox.Checkpoint
	resp := s.try(func(box *container.Container) error {
		s.moving.Lock()
		defer s.moving.Unlock()
		root, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", dir.Fd()))
		if err != nil {
			return err
		}
		defer root.Close()
		if done, err = s.save(box, root, dir, stop, gone); err != nil {
			snapshot.Clear(root)
		}
		return err
	})
	if resp.err() == nil {
		resp.Checkpoint = &done
	}
	return resp
}

// save does it. s.moving is held.
func (s *supervisor) save(box *container.Container, root *os.Root, dir *os.File, stop bool, gone <-chan struct{}) (done sandbox.Checkpoint, err error) {
	still := func() error {
		select {
		case <-gone:
			return context.Canceled
		default:
			return nil
		}
	}
	fail := func(err error) (sandbox.Checkpoint, error) { return sandbox.Checkpoint{}, err }
	if err := movable(); err != nil {
		return fail(unmovable(err.Error()))
	}
	spec := s.task.Spec
	if len(spec.GPUs) > 0 {
		return fail(unmovable("it has a GPU, whose state cannot be written down"))
	}
	if err := s.warm(true); err != nil {
		return fail(err)
	}
	began := time.Now()
	if err := box.Sandbox.Pause(box.ID); err != nil {
		return fail(errors.Join(err, s.warm(false)))
	}
	var paused time.Duration
	resume := func() error {
		paused = time.Since(began)
		err := box.Sandbox.Resume(box.ID)
		if err != nil {
			if err = s.ending(box, err); !errors.Is(err, sandbox.ErrEnded) {
				s.stop(sandbox.Lost) // nothing else would end it
			}
		}
		return errors.Join(err, s.warm(false))
	}
	facts, err := s.record(box, root, dir, still)
	if err == nil {
		err = still()
	}
	if err != nil || !stop {
		err = errors.Join(err, resume())
	}
	if err != nil {
		return fail(err)
	}
	if stop {
		paused = time.Since(began)
	}
	facts.PauseMillis = ceilMillis(paused)
	if facts, err = snapshot.Seal(root, facts); err == nil {
		err = still()
	}
	if stop && err == nil {
		s.stop(sandbox.Checkpointed)
	} else if stop {
		err = errors.Join(err, resume())
	}
	return facts.Checkpoint, err
}

// warm lets gVisor run while the program of a frozen box stands still for it, or ends that.
func (s *supervisor) warm(begin bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saving = begin
	if !s.frozen || !s.grp.freezer() || s.running == nil || s.cause != "" {
		return nil
	}
	return s.grp.set(!begin)
}

// record writes all but the facts. The program stands still.
func (s *supervisor) record(box *container.Container, root *os.Root, dir *os.File, still func() error) (snapshot.Facts, error) {
	spec := s.task.Spec
	facts := snapshot.Facts{Descriptors: s.descriptors}
	if s.net != nil && s.net.out != nil {
		if n := s.net.out.Usage().Conns; n > 0 {
			return facts, unmovable(fmt.Sprintf("it has %d connections to the world, which would break", n))
		}
	}
	if err := still(); err != nil {
		return facts, err
	}
	err := box.Sandbox.Checkpoint(s.conf, box.ID, fmt.Sprintf("/proc/self/fd/%d", dir.Fd()), runsc.CheckpointOpts{Compression: statefile.CompressionLevelNone, Resume: true})
	if err != nil {
		return facts, err
	}
	if err := snapshot.SaveTrees(root, trees(spec), still); err != nil {
		return facts, err
	}
	s.drain()
	kept, total, err := s.log.Kept()
	if err != nil {
		return facts, err
	}
	if err := root.WriteFile(snapshot.LogFile, kept, 0o600); err != nil {
		return facts, err
	}
	cpu, _ := s.meter()
	s.mu.Lock()
	wall := s.clock.Read()
	s.mu.Unlock()
	facts.Checkpoint = sandbox.Checkpoint{
		Needs:     sandbox.Needs{CPU: processor(), Version: version, Spec: specDigest(spec)},
		CPUMillis: ceilMillis(cpu), WallMillis: ceilMillis(wall), LogBytes: total,
	}
	return facts, nil
}

// badCheckpoint is an error of the checkpoint's, not of the host's.
type badCheckpoint struct{ error }

func (b badCheckpoint) Unwrap() error { return b.error }

// errStopped says that an attempt was stopped before its program ran.
var errStopped = errors.New("stopped while it was prepared")

// prepare fills the directories and the log of an attempt that goes on from a checkpoint,
// unless it is stopped meanwhile.
func (s *supervisor) prepare() error {
	spec := s.task.Spec
	still := func() error {
		if s.stopped() != "" {
			return errStopped
		}
		return nil
	}
	facts, err := snapshot.ReadFacts(spec.Restore)
	if err == nil {
		err = snapshot.Verify(spec.Restore, facts, still)
	}
	if err == nil {
		err = snapshot.RestoreTrees(spec.Restore, trees(spec), still)
	}
	var kept []byte
	if err == nil {
		kept, err = readSmall(spec.Restore, snapshot.LogFile, spec.Limits.LogBytes)
	}
	if errors.Is(err, snapshot.ErrDamaged) {
		return badCheckpoint{err}
	} else if err != nil {
		return fmt.Errorf("take up a checkpoint: %w", err)
	}
	s.descriptors = facts.Descriptors
	s.log.Resume(kept, facts.LogBytes)
	return nil
}

func readSmall(dir, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil {
		return nil, err
	} else if info.Size() > limit {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", snapshot.ErrDamaged, name, limit)
	}
	return root.ReadFile(name)
}

// launch starts the program, or lets it go on from its checkpoint. The image is read by
// gVisor's kernel, within its seccomp filter, chroot and cgroup.
func (s *supervisor) launch(c *container.Container) error {
	if s.task.Spec.Restore == "" {
		return c.Start(s.conf)
	}
	// What a forged image says of the layer's limit counts for nothing.
	var err error
	if s.unwatch, err = s.watchLayer(c.SandboxPid()); err != nil {
		return err
	}
	if err := c.Restore(s.conf, s.task.Spec.Restore, false, false, nil); err != nil {
		// A box that ended before it could answer: of its image, or as its program did.
		if strings.Contains(err.Error(), `"`+boot.ContMgrRestore+`" failed: `) {
			if _, werr := c.Wait(); werr == nil && !panicked(filepath.Join(s.dir, panicFile)) {
				return nil
			}
		}
		return badCheckpoint{err}
	}
	return nil
}

// unrestorable is the exit of an attempt whose checkpoint could not be taken up.
func (s *supervisor) unrestorable(err error) sandbox.Exit {
	fmt.Fprintln(s.err, err)
	say := "This host could not go on from the checkpoint: it is damaged, or gVisor refuses it. Go on from another one, or on another machine."
	if errors.Is(err, snapshot.ErrDamaged) {
		say = "The checkpoint is damaged: what it holds is not what was written. Go on from another one."
	}
	return sandbox.Exit{Code: -1, Reason: sandbox.BadCheckpoint, Message: say}
}

// watchLayer stops a program that has more above its image than its limit. gVisor's kernel
// sees to that with a limit that an image from elsewhere brings along; this looks at the
// file behind it, which the sandbox, not yet touched by the image, has open.
func (s *supervisor) watchLayer(pid int) (stop func(), err error) {
	var layer *os.File
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	for _, fd := range fds {
		if name, err := os.Readlink(fd); err == nil && strings.Contains(name, "/runsc-filestore-") {
			if layer, err = os.Open(fd); err != nil {
				return nil, fmt.Errorf("watch the layer: %w", err)
			}
		}
	}
	if layer == nil {
		return nil, fmt.Errorf("watch the layer: none of the sandbox's %d files is it", len(fds))
	}
	limit := s.task.Spec.Limits.LayerBytes + layerSlack
	end := every(100*time.Millisecond, func() {
		if info, err := layer.Stat(); err == nil && info.Sys().(*syscall.Stat_t).Blocks*512 > limit {
			s.stop(sandbox.BadCheckpoint)
		}
	})
	return func() { end(); layer.Close() }, nil
}

// layerSlack is what a layer that keeps its limit may occupy beyond it: gVisor takes
// from the file in pieces.
const layerSlack = 64 << 20
