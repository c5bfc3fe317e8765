package provider

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/wire"
)

// Bounds of visits: each holds a program in the box, or a connection.
const (
	maxVisits     = 32 // at once, of all renters
	maxChecks     = 64 // of services, beside them: what is busy is not ill
	maxOwnChecks  = 16 // of one renter
	openVisit     = 10 * time.Second
	checkFor      = time.Minute     // the longest that a health check may take
	visitIdle     = 2 * time.Minute // a peer that takes nothing for so long is gone
	readingsEvery = 200 * time.Millisecond
)

// places counts the visits that are under way. Nobody has one who has not shown which of
// its leases it is for: strangers that open streams and say nothing, or say what they
// like, take none of it.
type places struct {
	mu     sync.Mutex
	looks  int
	checks int
	by     map[artel.NodeID]int // checks, by renter
}

// take returns the place of a visit, to be given back; nil: there is none.
func (p *places) take(of artel.NodeID, check bool) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !check {
		if p.looks == maxVisits {
			return nil
		}
		p.looks++
		return func() { p.mu.Lock(); p.looks--; p.mu.Unlock() }
	}
	if p.checks == maxChecks || p.by[of] == maxOwnChecks {
		return nil
	}
	if p.by == nil {
		p.by = map[artel.NodeID]int{}
	}
	p.checks, p.by[of] = p.checks+1, p.by[of]+1
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.checks, p.by[of] = p.checks-1, p.by[of]-1; p.by[of] == 0 {
			delete(p.by, of)
		}
	}
}

// rents reports whether a node has a lease here that is not over.
func (p *Provider) rents(ctx context.Context, node artel.NodeID) (yes bool) {
	_ = p.do(ctx, func(*tx) {
		for _, s := range p.leases {
			yes = yes || s.Terms.Renter == node && s.Phase != lease.Closed
		}
	})
	return yes
}

// visit serves wire.ProtocolVisit: a renter looks into its own running attempt.
func (p *Provider) visit(ctx context.Context, from artel.NodeID, s p2p.Stream) {
	if !p.rents(ctx, from) {
		p.refuseVisit(s, "you have no lease here that is not over")
		return
	}
	if err := s.SetDeadline(time.Now().Add(openVisit)); err != nil {
		return
	}
	kind, b, err := wire.ReadFrame(s, nil)
	if err != nil || kind != wire.FrameOpen {
		s.Reset()
		return
	}
	v, err := wire.UnmarshalVisit(b)
	if err == nil {
		err = v.Check()
	}
	if err != nil {
		p.refuseVisit(s, err.Error())
		return
	}
	started := false
	err = p.with(ctx, from, v.Lease, v.Gen, func(_ *tx, l *sold) error {
		for _, r := range l.Running {
			started = started || r.TaskKey == lease.TaskKey(v.TaskKey) && r.Started != 0
		}
		return nil
	})
	if err != nil {
		p.refuseVisit(s, said(err))
		return
	}
	leave := p.places.take(from, v.Kind == wire.VisitCheck)
	if leave == nil {
		p.refuseVisit(s, wire.VisitBusy)
		return
	}
	defer leave()
	run, live := p.c.Runner.Live(v.Lease, lease.TaskKey(v.TaskKey))
	if !started || !live {
		p.refuseVisit(s, "the task does not run yet, or not any more")
		return
	}
	in, ok := run.(sandbox.Interactive)
	if !ok {
		p.refuseVisit(s, "tasks of this kind of sandbox cannot be looked into; hint: run the program as a container image")
		return
	}
	if err := s.SetDeadline(time.Time{}); err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := &outbound{s: s}
	switch v.Kind {
	case wire.VisitExec:
		err = visitExec(ctx, in, v, s, o)
	case wire.VisitDial:
		err = visitDial(ctx, in, v, s, o, func() error { return nil })
	case wire.VisitCheck:
		defer time.AfterFunc(checkFor, func() { s.Reset() }).Stop() // its place is another renter's
		err = visitDial(ctx, in, v, s, o, func() error { return p.answered(ctx, from, v, in) })
	case wire.VisitUsage:
		err = visitUsage(ctx, in, s, o)
	}
	if err != nil {
		o.frame(wire.FrameError, []byte(clipText(said(err))))
	}
	s.Close()
}

func (p *Provider) refuseVisit(s p2p.Stream, why string) {
	s.SetDeadline(time.Now().Add(openVisit))
	wire.WriteFrame(s, wire.FrameError, []byte(clipText(why)))
	s.Close()
}

// said is what a renter may read of an error: a peer's sentence, or one that names
// nothing of the owner's.
func said(err error) string {
	var e *p2p.Error
	switch {
	case errors.As(err, &e) && e.Hint != "":
		return e.Message + "; hint: " + e.Hint
	case errors.As(err, &e):
		return e.Message
	case errors.Is(err, sandbox.ErrEnded):
		return "the task has ended"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens on that port"
	case errors.Is(err, sandbox.ErrSpec), errors.Is(err, sandbox.ErrNoProgram), errors.Is(err, sandbox.ErrNotExecutable):
		return err.Error() // about what the renter has asked for
	}
	return "the sandbox could not do it"
}

func clipText(s string) string {
	if len(s) > wire.MaxText {
		s = strings.ToValidUTF8(s[:wire.MaxText], "")
	}
	return s
}

// outbound writes frames from several sides of a visit, one at a time. A peer that
// takes nothing ends the visit.
type outbound struct {
	s  p2p.Stream
	mu sync.Mutex
}

func (o *outbound) frame(f wire.Frame, b []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.s.SetWriteDeadline(time.Now().Add(visitIdle)); err != nil {
		return err
	}
	return wire.WriteFrame(o.s, f, b)
}

// as returns a writer that sends what it is given as frames of kind f.
func (o *outbound) as(f wire.Frame) io.Writer { return frames{o, f} }

type frames struct {
	o *outbound
	f wire.Frame
}

func (w frames) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), 32<<10)]
		if err := w.o.frame(w.f, part); err != nil {
			return n, err
		}
		n, b = n+len(part), b[len(part):]
	}
	return n, nil
}

func visitExec(ctx context.Context, in sandbox.Interactive, v wire.Visit, s p2p.Stream, o *outbound) error {
	env := make(map[string]string, len(v.Env))
	for _, e := range v.Env {
		k, value, _ := strings.Cut(e, "=")
		env[k] = value
	}
	stdin, feed := io.Pipe()
	defer stdin.Close()
	c := sandbox.Command{
		Args: v.Args, Env: env, Dir: v.Dir, TTY: v.TTY, Rows: uint16(v.Rows), Cols: uint16(v.Cols),
		Stdin: stdin, Stdout: o.as(wire.FrameOut), Stderr: o.as(wire.FrameErr),
	}
	proc, err := in.Exec(ctx, c)
	if code := unstarted(err); code != 0 {
		endVisit(s, o, said(err), code)
		return nil
	}
	if err != nil {
		return err
	}
	defer proc.Kill()
	if err := o.frame(wire.FrameOpened, nil); err != nil {
		return nil
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer feed.Close()
		control(s, feed, proc)
	}()
	ended, code := make(chan struct{}), 0
	go func() {
		defer close(ended)
		code, err = proc.Wait(ctx)
	}()
	select {
	case <-ended:
	case <-gone: // whoever looked in has left
		proc.Kill()
		<-ended
	}
	if err != nil {
		return err
	}
	o.exit(code)
	s.CloseWrite()
	return nil
}

// unstarted is the exit code of a program that could not be started for a reason of its
// own, as shells and docker have it; 0: it was another's.
func unstarted(err error) int {
	switch {
	case errors.Is(err, sandbox.ErrNoProgram):
		return wire.ExitNoProgram
	case errors.Is(err, sandbox.ErrNotExecutable):
		return wire.ExitNotExecutable
	}
	return 0
}

// endVisit is the visit of a program that was never there: it says why on stderr, and
// ends.
func endVisit(s p2p.Stream, o *outbound, why string, code int) {
	if o.frame(wire.FrameOpened, nil) != nil || o.frame(wire.FrameErr, []byte(clipText(why)+"\n")) != nil {
		return
	}
	o.exit(code)
	s.CloseWrite()
}

func (o *outbound) exit(code int) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(code))
	o.frame(wire.FrameExit, b[:])
}

// control does what the renter's frames say until the stream ends.
func control(s io.Reader, feed *io.PipeWriter, proc sandbox.Process) {
	buf := make([]byte, 64<<10)
	for {
		kind, b, err := wire.ReadFrame(s, buf)
		if err != nil {
			return
		}
		switch {
		case kind == wire.FrameIn:
			// A program that has closed its stdin loses what follows, as at a terminal.
			_, _ = feed.Write(b)
		case kind == wire.FrameInEnd:
			feed.Close()
		case kind == wire.FrameResize && len(b) == 4:
			_ = proc.Resize(binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:]))
		case kind == wire.FrameSignal && len(b) == 1:
			_ = proc.Signal(int(b[0]))
		}
	}
}

// answered notes that a program took the connection of its renter's check, which knows
// of it: it was told.
func (p *Provider) answered(ctx context.Context, from artel.NodeID, v wire.Visit, in sandbox.Interactive) error {
	u, err := in.Usage(ctx)
	if err != nil {
		return err
	}
	return p.with(ctx, from, v.Lease, v.Gen, func(t *tx, s *sold) error {
		if len(s.events) >= maxKept {
			return p2p.Errorf(p2p.Busy, "too many events wait to be settled")
		}
		next, slice, fx, err := s.Answered(lease.TaskKey(v.TaskKey), count(u.WallMillis), t.now)
		if err != nil {
			return p2p.Errorf(p2p.Refused, "%v", err)
		}
		if slice == nil {
			s.Sold = next
			return nil
		}
		row := EventRow{Lease: s.ID, Event: wire.Event{Seq: next.Seq, Task: v.Task, Attempt: v.Attempt, Slice: slice}}
		s.events = append(s.events, row)
		t.change.Events = append(t.change.Events, row)
		p.set(t, s, next, fx)
		t.after = append(t.after, s.wake)
		return nil
	})
}

// visitDial joins the visit with a port of the program. opened is called when the program
// has taken the connection, and the renter knows.
func visitDial(ctx context.Context, in sandbox.Interactive, v wire.Visit, s p2p.Stream, o *outbound, opened func() error) error {
	dialing, cancel := context.WithTimeout(ctx, openVisit)
	conn, err := in.Dial(dialing, uint16(v.Port))
	cancel()
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := o.frame(wire.FrameOpened, nil); err != nil {
		return nil
	}
	if err := opened(); err != nil {
		return err
	}
	got := make(chan struct{})
	go func() {
		defer close(got)
		if _, err := io.Copy(o.as(wire.FrameOut), conn); err == nil {
			o.frame(wire.FrameOutEnd, nil)
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		kind, b, err := wire.ReadFrame(s, buf)
		if err != nil {
			break // the renter is gone, or has closed the connection
		}
		if kind == wire.FrameIn {
			if _, err := conn.Write(b); err != nil {
				break
			}
		}
		if kind == wire.FrameInEnd {
			if half, ok := conn.(interface{ CloseWrite() error }); ok {
				half.CloseWrite()
			}
		}
	}
	conn.Close()
	<-got
	return nil
}

func visitUsage(ctx context.Context, in sandbox.Interactive, s p2p.Stream, o *outbound) error {
	if err := o.frame(wire.FrameOpened, nil); err != nil {
		return nil
	}
	buf := make([]byte, 1<<10)
	for {
		if kind, _, err := wire.ReadFrame(s, buf); err != nil || kind != wire.FrameIn {
			return nil
		}
		u, err := in.Usage(ctx)
		if err != nil {
			return err
		}
		r := wire.Reading{
			CPU: count(u.CPUMillis), Wall: count(u.WallMillis), Memory: count(u.MemoryBytes), Processes: count(u.Processes),
			Output: count(u.OutputBytes), Log: count(u.LogBytes), Sent: count(u.SentBytes), Got: count(u.GotBytes),
		}
		if err := o.frame(wire.FrameReading, r.Marshal()); err != nil {
			return nil
		}
		select {
		case <-time.After(readingsEvery): // a meter is not read for nothing
		case <-ctx.Done():
			return nil
		}
	}
}

func count(n int64) uint64 { return uint64(max(n, 0)) }
