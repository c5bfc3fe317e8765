package wasm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// startWithin is how long a worker may take until it is ready.
const startWithin = 30 * time.Second

// worker is the box's side of a worker process.
type worker struct {
	cmd     *exec.Cmd
	in      *os.File // its stdin
	out     *bufio.Reader
	stdout  *os.File // what out reads
	stderr  *tail
	exited  chan struct{} // closed when the process is gone
	applied confine.Applied

	tasks     int
	keys      []string // programs it should have in memory, most recent first
	idleSince time.Time
	cpu       int64 // processor time of its start and its finished tasks, in ms
}

// spawn asks the spawner to start a process.
type spawn struct {
	cmd  *exec.Cmd
	done chan error
}

// spawner starts all processes, from one thread that lives until the box is closed:
// Linux kills a worker when the thread that started it ends (see tieToParent), and
// threads of the Go runtime come and go.
func (b *Box) spawner() {
	defer b.wg.Done()
	runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
	for {
		select {
		case s := <-b.spawns:
			s.done <- s.cmd.Start()
		case <-b.done:
			// Not before the last worker: b.wg also counts them, so wait for the map.
			b.mu.Lock()
			left := make([]*worker, 0, len(b.workers))
			for w := range b.workers {
				left = append(left, w)
			}
			b.mu.Unlock()
			for _, w := range left {
				<-w.exited
			}
			return
		}
	}
}

// launch starts a worker and waits until it is ready.
func (b *Box) launch(ctx context.Context) (*worker, error) {
	w, err := b.start()
	if err != nil {
		return nil, fmt.Errorf("start wasm worker: %w", err)
	}
	stop := context.AfterFunc(ctx, w.kill)
	slow := time.AfterFunc(startWithin, w.kill)
	err = w.greet(config{Cache: b.opt.Cache, Root: b.opt.Root, MaxMemory: b.opt.MaxMemory, Keep: b.opt.Keep, Interpret: b.opt.Interpret})
	slow.Stop()
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		w.kill()
		<-w.exited
		w.closePipes()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("start wasm worker %s: it ended before it was ready: %w; it said %q", b.opt.Command[0], err, w.stderr)
	}
	return w, nil
}

func (b *Box) start() (*worker, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		_ = errors.Join(inR.Close(), inW.Close())
		return nil, err
	}
	w := &worker{in: inW, stdout: outR, out: bufio.NewReaderSize(outR, 64<<10), stderr: &tail{}, exited: make(chan struct{})}
	w.cmd = exec.Command(b.opt.Command[0], b.opt.Command[1:]...)
	w.cmd.Env = []string{}
	w.cmd.Dir = b.opt.Root
	w.cmd.Stdin, w.cmd.Stdout, w.cmd.Stderr = inR, outW, w.stderr
	w.cmd.WaitDelay = time.Second // a worker has no children; if it does, they do not hold the box up
	tieToParent(w.cmd)

	b.once.Do(func() {
		b.wg.Add(1)
		go b.spawner()
	})
	s := spawn{cmd: w.cmd, done: make(chan error, 1)}
	select {
	case b.spawns <- s:
		err = <-s.done
	case <-b.done:
		err = sandbox.ErrClosed
	}
	_ = errors.Join(inR.Close(), outW.Close())
	if err != nil {
		_ = errors.Join(inW.Close(), outR.Close())
		return nil, err
	}
	err = b.adopt(w)
	if err != nil {
		_ = w.cmd.Process.Kill()
	}
	b.wg.Add(1)
	go func() {
		defer b.wg.Done()
		_ = w.cmd.Wait()
		close(w.exited)
		b.disown(w)
	}()
	if err != nil {
		<-w.exited
		w.closePipes()
		return nil, err
	}
	return w, nil
}

func (w *worker) greet(cfg config) error {
	if err := putJSON(w.in, frameConfig, cfg); err != nil {
		return err
	}
	var buf []byte
	kind, b, err := getFrame(w.out, &buf)
	if err != nil {
		return err
	}
	if kind != frameReady {
		return fmt.Errorf("frame %q where it should say that it is ready", kind)
	}
	var r ready
	err = json.Unmarshal(b, &r)
	w.applied, w.cpu = r.Applied, max(r.CPUMillis, 0)
	return err
}

// kill ends the process at once.
func (w *worker) kill() { _ = w.cmd.Process.Kill() }

// retire ends a worker that has no task.
func (w *worker) retire() {
	w.kill()
	w.closePipes()
}

// closePipes is for who holds the worker, when nothing more is to be read from it.
func (w *worker) closePipes() { _ = errors.Join(w.in.Close(), w.stdout.Close()) }

func (w *worker) dead() bool {
	select {
	case <-w.exited:
		return true
	default:
		return false
	}
}

// has notes that the worker now holds the program of this key.
func (w *worker) has(key string, keep int) {
	for i, k := range w.keys {
		if k == key {
			w.keys = append(w.keys[:i], w.keys[i+1:]...)
			break
		}
	}
	w.keys = append([]string{key}, w.keys...)
	w.keys = w.keys[:min(len(w.keys), keep)]
}

// tail keeps the end of what a worker says on stderr.
type tail struct {
	mu sync.Mutex
	b  []byte
}

// tailBytes holds the first lines of a Go crash as well: those with the reason.
const tailBytes = 8 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := tailBytes - len(t.b); room > 0 {
		t.b = append(t.b, b[:min(len(b), room)]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}
