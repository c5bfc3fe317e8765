//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// attempt is the sandbox.Interactive. It talks to its supervisor by socket, whether
// this Box has started it or found it.
type attempt struct {
	box  *Box
	dir  string
	task task

	slotless bool

	wait func() // waits for our child; nil when it is nobody's of ours

	ended     chan struct{} // closed once exit is set
	exit      sandbox.Exit
	collected sync.Once

	mu       sync.Mutex
	detached bool
	held     *net.UnixConn
}

var _ sandbox.Interactive = (*attempt)(nil)

// dial connects to the supervisor and sends a request.
func (a *attempt) dial(ctx context.Context, r request, files ...*os.File) (*net.UnixConn, error) {
	var c *net.UnixConn
	err := inDir(a.dir, sockFile, func(path string) error {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err == nil {
			c = conn.(*net.UnixConn)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := send(c, r, files...); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// call is dial with one answer.
func (a *attempt) call(ctx context.Context, r request) (response, []*os.File, error) {
	c, err := a.dial(ctx, r)
	if err != nil {
		return response{}, nil, a.gone(err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })()
	var resp response
	files, err := receive(c, &resp)
	if err != nil {
		return response{}, nil, a.gone(errors.Join(ctx.Err(), err))
	}
	if err := resp.err(); err != nil {
		closeAll(files)
		return response{}, nil, err
	}
	return resp, files, nil
}

// gone is ErrEnded where the supervisor cannot be reached because all is over.
func (a *attempt) gone(err error) error {
	select {
	case <-a.ended:
		return sandbox.ErrEnded
	default:
	}
	if errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET) {
		return sandbox.ErrEnded
	}
	return err
}

// hold connects as the one who looks after the attempt.
func (a *attempt) hold() error {
	c, err := a.dial(context.Background(), request{Op: "hold"})
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.held = c
	a.mu.Unlock()
	return nil
}

// follow stays with the attempt to its end, and cleans up after it.
func (a *attempt) follow() {
	defer a.box.wg.Done()
	a.mu.Lock()
	c := a.held
	a.mu.Unlock()
	var exit *sandbox.Exit
	if c != nil {
		var resp response
		if _, err := receive(c, &resp); err == nil {
			exit = resp.Exit
		}
		_ = c.Close()
	}
	a.mu.Lock()
	detached := a.detached
	a.mu.Unlock()
	if detached {
		return
	}
	if exit == nil { // what is frozen cannot die with its supervisor
		_ = a.task.Cgroups.group(a.task.Group).set(false)
	}
	if a.wait != nil {
		a.wait()
	}
	if exit == nil {
		exit = a.post()
	}
	if err := a.task.Cgroups.group(a.task.Group).destroy(); err != nil {
		a.box.crashed(a.task.ID, err.Error())
	}
	if exit.Reason == sandbox.Lost && panicked(filepath.Join(a.dir, panicFile)) && a.box.panickedBefore(a.task.Spec) {
		exit.Reason = sandbox.Trapped
		exit.Message = "The sandbox's kernel died under this program twice on this host, so it counts as the program's doing. Run it on another machine, or leave out what it did last."
	}
	a.exit = *exit
	a.box.leave(a)
	close(a.ended)
}

// post is the exit of an attempt whose supervisor has said nothing: what it wrote, or
// that it died.
func (a *attempt) post() *sandbox.Exit {
	var exit sandbox.Exit
	if err := readJSON(filepath.Join(a.dir, exitFile), &exit); err == nil {
		return &exit
	}
	// Without a supervisor, its pid namespace has ended, and the sandbox with it.
	exit = sandbox.Exit{Code: -1, Reason: sandbox.Lost, Message: "The process that looked after the sandbox died. Run it again, on another machine."}
	if _, err := tidy(a.task.Spec.Out); err == nil {
		exit.OutputBytes, exit.OutputFiles = measure(a.task.Spec.Out)
	}
	if a.task.Spec.Checkpoint != "" {
		_, _ = tidy(a.task.Spec.Checkpoint)
	}
	exit.LogKept = fileSize(a.task.Spec.Log)
	exit.LogBytes = exit.LogKept
	return &exit
}

// ID is sandbox.Run's.
func (a *attempt) ID() string { return a.task.ID }

// Spec is what the attempt was started with; it implements sandbox.Left.
func (a *attempt) Spec() sandbox.Spec { return a.task.Spec }

// Wait is sandbox.Run's. Who gets the Exit has collected it.
func (a *attempt) Wait(ctx context.Context) (sandbox.Exit, error) {
	select {
	case <-a.ended:
	default:
		select {
		case <-a.ended:
		case <-ctx.Done():
			return sandbox.Exit{}, ctx.Err()
		}
	}
	a.collected.Do(a.forget)
	return a.exit, nil
}

// forget removes the state, and tells the owner of a crash what is known of it.
func (a *attempt) forget() {
	if a.exit.Reason == sandbox.Lost || a.exit.Reason == sandbox.BadCheckpoint {
		detail := a.exit.Message
		for _, f := range []string{supervisorLog, panicFile} {
			if b, err := os.ReadFile(filepath.Join(a.dir, f)); err == nil && len(b) > 0 {
				detail += "\n" + string(b[:min(len(b), 16<<10)])
			}
		}
		a.box.crashed(a.task.ID, detail)
	}
	_ = os.RemoveAll(a.dir)
	a.box.mu.Lock()
	delete(a.box.stored, a)
	a.box.mu.Unlock()
}

// Kill is sandbox.Run's.
func (a *attempt) Kill() {
	c, err := a.dial(context.Background(), request{Op: "kill"})
	if err == nil {
		_ = c.Close()
	}
}

// Follow is sandbox.Run's.
func (a *attempt) Follow(ctx context.Context, w io.Writer) error {
	out := &counter{w: w}
	c, err := a.dial(ctx, request{Op: "follow"})
	if err == nil {
		stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Now()) })
		_, _ = io.Copy(out, c)
		stop()
		_ = c.Close()
		if out.err != nil {
			return fmt.Errorf("follow log: %w", out.err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// The supervisor has ended: what it did not send is in the file.
	select {
	case <-a.ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	f, err := os.Open(a.task.Spec.Log)
	if err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(out.n, io.SeekStart); err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("follow log: %w", err)
	}
	return nil
}

// counter remembers how much was written, and what the writer said.
type counter struct {
	w   io.Writer
	n   int64
	err error
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	if err != nil {
		c.err = err
	}
	return n, err
}

// Usage is sandbox.Interactive's.
func (a *attempt) Usage(ctx context.Context) (sandbox.Usage, error) {
	resp, _, err := a.call(ctx, request{Op: "usage"})
	if err != nil {
		return sandbox.Usage{}, fmt.Errorf("usage of %s: %w", a.task.ID, err)
	}
	if resp.Usage == nil {
		return sandbox.Usage{}, fmt.Errorf("usage of %s: the supervisor gave none", a.task.ID)
	}
	return *resp.Usage, nil
}

// Dial is sandbox.Interactive's.
func (a *attempt) Dial(ctx context.Context, port uint16) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, fmt.Errorf("connect to port %d of %s: %w", port, a.task.ID, err)
	}
	_, files, err := a.call(ctx, request{Op: "dial", Port: port})
	if err != nil {
		return fail(err)
	}
	defer closeAll(files)
	if len(files) != 1 {
		return fail(errors.New("the supervisor gave no stream"))
	}
	c, err := net.FileConn(files[0])
	if err != nil {
		return fail(err)
	}
	return c, nil
}
