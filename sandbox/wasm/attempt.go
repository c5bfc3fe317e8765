package wasm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// attempt is the sandbox.Run.
type attempt struct {
	id  string
	log *sandbox.Log

	ended chan struct{} // closed once exit is set
	exit  sandbox.Exit

	mu     sync.Mutex
	worker *worker        // nil before it has one and after it has ended
	cause  sandbox.Reason // why the worker was killed, if it was
	clock  sandbox.Clock  // of the limit that runs: to prepare, then of the program
	began  bool           // its first instruction
	frozen bool
}

var _ sandbox.Metered = (*attempt)(nil)

// Start is sandbox.Box's.
func (b *Box) Start(ctx context.Context, id string, spec sandbox.Spec) (sandbox.Run, error) {
	a, err := b.begin(ctx, id, spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", id, err)
	}
	return a, nil
}

func (b *Box) begin(ctx context.Context, id string, spec sandbox.Spec) (*attempt, error) {
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	if spec.Root != "" {
		return nil, fmt.Errorf("%w: Root is set; WebAssembly has no images, name the program by Program", sandbox.ErrSpec)
	}
	spec.Limits = spec.Limits.WithDefaults()
	if spec.Limits.MemoryBytes > b.opt.MaxMemory {
		return nil, fmt.Errorf("%w: Limits.MemoryBytes is %d; at most %d can be had here", sandbox.ErrSpec, spec.Limits.MemoryBytes, b.opt.MaxMemory)
	}
	t, err := b.task(spec)
	if err != nil {
		return nil, err
	}
	program, err := os.Open(spec.Program)
	if err != nil {
		return nil, fmt.Errorf("%w: open program: %w", sandbox.ErrSpec, err)
	}
	if t.Key == "" {
		if t.Key, err = hash(program); err != nil {
			_ = program.Close()
			return nil, err
		}
	}
	a := &attempt{id: id, ended: make(chan struct{})}
	if err := b.enter(ctx, a); err != nil {
		_ = program.Close()
		return nil, err
	}
	// From here on drive leaves, unless it is never reached.
	fail := func(err error) (*attempt, error) {
		_ = program.Close()
		b.leave(a)
		return nil, err
	}
	if a.log, err = sandbox.CreateLog(spec.Log, spec.Limits.LogBytes); err != nil {
		return fail(fmt.Errorf("%w: %w", sandbox.ErrSpec, err))
	}
	w, err := b.take(ctx, t.Key)
	if err != nil {
		_ = a.log.Close()
		return fail(err)
	}
	a.mu.Lock()
	a.worker = w
	if a.cause != "" { // closed meanwhile
		w.kill()
	}
	a.mu.Unlock()
	go b.drive(a, w, t, program)
	return a, nil
}

// task checks the directories of a Spec and turns it into what the worker needs.
func (b *Box) task(spec sandbox.Spec) (task, error) {
	t := task{Key: spec.Key, Args: spec.Args, Limits: spec.Limits, Seed: spec.Seed, Start: spec.Start}
	for _, k := range slices.Sorted(maps.Keys(spec.Env)) {
		t.Env = append(t.Env, k+"="+spec.Env[k])
	}
	for _, d := range []struct {
		name, from string
		to         *string
	}{{"In", spec.In, &t.In}, {"Out", spec.Out, &t.Out}, {"Checkpoint", spec.Checkpoint, &t.Checkpoint}} {
		if d.from == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(d.from)
		if err != nil {
			return task{}, fmt.Errorf("%w: %s: %w", sandbox.ErrSpec, d.name, err)
		}
		if info, err := os.Stat(real); err != nil {
			return task{}, fmt.Errorf("%w: %s: %w", sandbox.ErrSpec, d.name, err)
		} else if !info.IsDir() {
			return task{}, fmt.Errorf("%w: %s: %s is not a directory", sandbox.ErrSpec, d.name, d.from)
		}
		rel, err := filepath.Rel(b.opt.Root, real)
		if err != nil || !filepath.IsLocal(rel) || rel == "." {
			return task{}, fmt.Errorf("%w: %s: %s is not below the sandbox's root %s", sandbox.ErrSpec, d.name, d.from, b.opt.Root)
		}
		*d.to = real
	}
	return t, nil
}

func hash(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%w: read program: %w", sandbox.ErrSpec, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", fmt.Errorf("read program: %w", err)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

// enter claims the id and waits for a slot.
func (b *Box) enter(ctx context.Context, a *attempt) error {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return sandbox.ErrClosed
	case b.live[a.id] != nil:
		b.mu.Unlock()
		return sandbox.ErrRunning
	}
	b.live[a.id] = a
	b.wg.Add(1)
	b.mu.Unlock()
	var err error
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		err = fmt.Errorf("wait for a slot: %w", ctx.Err())
	case <-b.done:
		err = sandbox.ErrClosed
	}
	b.mu.Lock()
	delete(b.live, a.id)
	b.mu.Unlock()
	b.wg.Done()
	return err
}

// leave gives the slot and the id back.
func (b *Box) leave(a *attempt) {
	b.mu.Lock()
	delete(b.live, a.id)
	b.mu.Unlock()
	<-b.slots
	b.wg.Done()
}

// stop kills the worker for the given reason; the first reason stands.
func (a *attempt) stop(cause sandbox.Reason) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause == "" {
		a.cause = cause
	}
	if a.worker != nil {
		a.worker.kill()
	}
}

// outOfPrepare is OutOfTime before the program's first instruction.
const outOfPrepare sandbox.Reason = "out of time to prepare"

// drive stays with the attempt to its end.
func (b *Box) drive(a *attempt, w *worker, t task, program *os.File) {
	exit, crashed, silent := b.converse(a, w, t, program)
	if silent {
		// It had died while it was idle: that is no reason to lose an attempt.
		if fresh := b.replace(a, w); fresh != nil {
			w = fresh
			exit, crashed, _ = b.converse(a, w, t, program)
		}
	}
	_ = program.Close()

	a.mu.Lock()
	a.release()
	a.worker = nil // Kill has no effect on the worker's next attempt
	cause := a.cause
	a.mu.Unlock()
	if cause != "" || crashed {
		w.kill()
		<-w.exited
		w.closePipes()
		b.account(&exit, w, cause, t)
		if cause == "" && b.opt.Crashed != nil {
			b.opt.Crashed(a.id, w.stderr.String())
		}
		exit.OutputBytes, exit.OutputFiles = measure(t.Out)
	} else {
		w.tasks++
		w.cpu += exit.CPUMillis
		w.has(t.Key, b.opt.Keep)
		b.put(w)
	}
	total, kept := a.log.Counts()
	exit.LogBytes, exit.LogKept = max(exit.LogBytes, total), kept
	if err := a.log.Close(); err != nil && exit.Reason == sandbox.Exited {
		exit.Code, exit.Reason = -1, sandbox.Lost
		exit.Message = "The host could not keep the log; its disk may be full. Run it on another machine."
	}
	a.exit = exit
	b.leave(a)
	close(a.ended)
}

// replace gives the attempt a new worker in place of one that is gone, or nil if it was
// killed or there is none to be had.
func (b *Box) replace(a *attempt, gone *worker) *worker {
	a.mu.Lock()
	killed := a.cause != ""
	a.mu.Unlock()
	if killed {
		return nil
	}
	fresh, err := b.launch(context.Background()) // ends by itself within startWithin
	if err != nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cause != "" {
		fresh.retire()
		return nil
	}
	gone.retire()
	a.worker = fresh
	if a.frozen {
		_ = fresh.pause(true)
	}
	return fresh
}

// converse sends the task and listens until the worker is done or gone (crashed, and
// silent if it had not said a word). It returns what it knows of the exit.
func (b *Box) converse(a *attempt, w *worker, t task, program *os.File) (exit sandbox.Exit, crashed, silent bool) {
	a.limit(t.Limits.PrepareMillis, outOfPrepare)
	var prepared time.Duration
	started := false
	defer func() {
		ran, _ := a.limit(0, "")
		if !started {
			exit.PrepareMillis = ceilMillis(ran)
		} else {
			exit.PrepareMillis, exit.WallMillis = ceilMillis(prepared), max(ceilMillis(ran), 1)
		}
	}()
	// Until it says otherwise: -1 is what a worker that dies leaves.
	exit = sandbox.Exit{Code: -1}
	if err := putJSON(w.in, frameTask, t); err != nil {
		return exit, true, true
	}
	var buf []byte
	sent, heard := false, false
	for ; ; heard = true {
		kind, msg, err := getFrame(w.out, &buf)
		switch {
		case err != nil:
			return exit, true, !heard
		case kind == frameNeed && !sent && !started:
			sent = true
			if too, err := send(w.in, program, b.opt.MaxProgram); err != nil {
				return exit, true, false
			} else if too {
				exit.Reason = sandbox.BadProgram
				exit.Message = fmt.Sprintf("The program is larger than %d MiB. Strip it of debug data, or put data in /in.", b.opt.MaxProgram>>20)
				return exit, true, false
			}
		case kind == frameStarted && !started:
			var inTime bool
			if prepared, inTime = a.limit(t.Limits.WallMillis, sandbox.OutOfTime); !inTime {
				continue // its time to prepare is over: the pipe ends soon
			}
			started = true
		case kind == frameLog && started:
			_, _ = a.log.Write(msg)
		case kind == frameDone:
			var o outcome
			if err := json.Unmarshal(msg, &o); err != nil || !o.plausible(started) {
				return exit, true, false
			}
			exit.Code, exit.Reason, exit.Message = o.Code, o.Reason, o.Message
			exit.MemoryBytes, exit.CPUMillis = o.Memory, o.CPUMillis
			exit.OutputBytes, exit.OutputFiles, exit.LogBytes = o.OutputBytes, o.OutputFiles, o.LogBytes
			return exit, false, false
		default:
			return exit, true, false // it speaks nonsense: no worker of ours
		}
	}
}

func millis(n int64) time.Duration {
	return time.Duration(min(n, int64(1<<62)/int64(time.Millisecond))) * time.Millisecond
}

func ceilMillis(d time.Duration) int64 {
	return int64((d + time.Millisecond - 1) / time.Millisecond)
}

// send copies the program to the worker; too says that it is larger than most allows.
func send(w io.Writer, program *os.File, most int64) (too bool, err error) {
	info, err := program.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() > most {
		return true, nil
	}
	if _, err := program.Seek(0, io.SeekStart); err != nil {
		return false, err
	}
	buf := make([]byte, 256<<10)
	for {
		n, err := program.Read(buf)
		if n > 0 {
			if err := putFrame(w, frameProgram, buf[:n]); err != nil {
				return false, err
			}
		}
		if errors.Is(err, io.EOF) {
			return false, putFrame(w, frameEnd, nil)
		}
		if err != nil {
			return false, err
		}
	}
}

// plausible checks what a worker says of its program.
func (o outcome) plausible(started bool) bool {
	if min(o.Memory, o.OutputBytes, o.OutputFiles, o.LogBytes, o.CPUMillis) < 0 || len(o.Message) > 4096 {
		return false
	}
	switch o.Reason {
	case sandbox.Exited:
		return started && o.Code >= 0 && o.Message == ""
	case sandbox.BadProgram, sandbox.OutputLimit, sandbox.Lost, sandbox.OutOfMemory:
		return o.Code == -1
	case sandbox.LogFlood, sandbox.Trapped:
		return started && o.Code == -1
	}
	return false
}

// account fills in the exit of an attempt whose worker is gone.
func (b *Box) account(exit *sandbox.Exit, w *worker, cause sandbox.Reason, t task) {
	exit.Code = -1
	if s := w.cmd.ProcessState; s != nil {
		exit.CPUMillis = max(0, (s.UserTime()+s.SystemTime()).Milliseconds()-w.cpu)
	}
	began := exit.WallMillis > 0
	stderr := w.stderr.String()
	say := func(reason sandbox.Reason, format string, args ...any) {
		exit.Reason, exit.Message = reason, fmt.Sprintf(format, args...)
	}
	switch {
	case cause == sandbox.Killed:
		say(sandbox.Killed, "The attempt was stopped from outside.")
	case cause == sandbox.OutOfTime:
		say(sandbox.OutOfTime, "The program ran for its limit of %s and was stopped. Ask for more time, or give each task less to do.", millis(t.Limits.WallMillis))
	case cause == outOfPrepare && exit.CPUMillis < t.Limits.PrepareMillis/2: // to compile is all that it did
		say(sandbox.Lost, "The host had too much else to do: within %s it gave the compiler %s of its processor. Run it on another machine.", millis(t.Limits.PrepareMillis), millis(exit.CPUMillis))
	case cause == outOfPrepare:
		say(sandbox.BadProgram, "The program could not be compiled within %s. Build it smaller, or ask for more time to prepare.", millis(t.Limits.PrepareMillis))
	case exit.Reason == sandbox.BadProgram: // the box's own finding
	case strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory"):
		if began {
			say(sandbox.OutOfMemory, "The program made its host use more memory than its limit of %d MiB allows. Ask for more, or let it hold less at once.", t.Limits.MemoryBytes>>20)
		} else {
			say(sandbox.BadProgram, "The program takes too much memory to compile. Build it smaller.")
		}
	case !began && w.cmd.ProcessState != nil && w.cmd.ProcessState.Exited():
		say(sandbox.BadProgram, "The program could not be compiled: the compiler failed on it. Build it with another compiler, or without optimisation.")
	default:
		say(sandbox.Lost, "The process that ran the program died. Run it again, on another machine.")
	}
}

// measure counts what a killed program left. The worker bounded it.
func measure(dir string) (bytes, files int64) {
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return nil // what cannot be read is no result
		}
		files++
		if info, err := d.Info(); err == nil && d.Type().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, files
}

// ID is sandbox.Run's.
func (a *attempt) ID() string { return a.id }

// Kill is sandbox.Run's.
func (a *attempt) Kill() { a.stop(sandbox.Killed) }

// Wait is sandbox.Run's.
func (a *attempt) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-a.ended:
		return a.exit, nil
	default:
	}
	select {
	case <-a.ended:
		return a.exit, nil
	case <-ctx.Done():
		return sandbox.Exit{}, ctx.Err()
	}
}

// Usage is sandbox.Metered's: for how long it runs, and what it has logged.
func (a *attempt) Usage(context.Context) (sandbox.Usage, error) {
	select {
	case <-a.ended:
		return sandbox.Usage{}, fmt.Errorf("read the meter of %s: %w", a.id, sandbox.ErrEnded)
	default:
	}
	a.mu.Lock()
	var u sandbox.Usage
	if a.began {
		u.WallMillis = ceilMillis(a.clock.Read())
	}
	a.mu.Unlock()
	u.LogBytes, _ = a.log.Counts()
	return u, nil
}

// Follow is sandbox.Run's.
func (a *attempt) Follow(ctx context.Context, w io.Writer) error { return a.log.Follow(ctx, w) }
