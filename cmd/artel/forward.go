package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
	"github.com/spf13/cobra"
)

// maxForwarded is how many connections are forwarded at once; further ones wait.
// A provider takes 32 visits.
const maxForwarded = 24

func (a *app) forwardCmd() *cobra.Command {
	return &cobra.Command{
		Use: "forward {JOB[/TASK] | SERVICE} [LOCAL:]PORT…", Short: "Reach ports of a running task, or of a service, from this machine",
		Long: `Listen on 127.0.0.1 and forward each connection to a TCP port of a running task's
container, until Ctrl-C. A local port of 0 is any that is free; what is listened on
is printed. When the task moves to another machine, new connections go there.

By the name of a service (artel serve) connections go to its healthy replicas in turn;
when one dies, new ones go to the others.`,
		Example: `  artel forward 3fa9 8080
  artel forward web 8080
  artel forward 3fa9/2 8888:80 0:6006`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage("artel forward JOB 8080", "artel forward wants JOB or SERVICE, and a port")
			}
			return nil
		},
		ValidArgsFunction: a.jobCompletion(""),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.forward(cmd.Context(), args[0], args[1:])
		},
	}
}

// forwarding is a listener and the port of the task that it stands for.
type forwarding struct {
	net.Listener `json:"-"`
	Local        string `json:"local"`
	Port         uint16 `json:"port"`
}

// parseForward reads PORT or LOCAL:PORT.
func parseForward(s string) (local, port uint16, err error) {
	l, p, both := strings.Cut(s, ":")
	if !both {
		p = l
	}
	ln, err1 := strconv.ParseUint(l, 10, 16)
	pn, err2 := strconv.ParseUint(p, 10, 16)
	if err1 != nil || err2 != nil || pn == 0 {
		return 0, 0, usage("like 8080, or 8000:80 for port 80 of the task at port 8000 here", "%q is not a port", clean(s))
	}
	return uint16(ln), uint16(pn), nil
}

func (a *app) forward(ctx context.Context, name string, ports []string) error {
	var all []*forwarding
	defer func() {
		for _, f := range all {
			f.Close()
		}
	}()
	type pair struct{ local, port uint16 }
	var wanted []pair
	for _, s := range ports {
		local, port, err := parseForward(s)
		if err != nil {
			return err
		}
		wanted = append(wanted, pair{local, port})
	}
	c, t, err := a.reach(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, w := range wanted {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(w.local))))
		if err != nil {
			return fmt.Errorf("listen: %w; hint: another local port, like 0:%d for any", err, w.port)
		}
		all = append(all, &forwarding{l, l.Addr().String(), w.port})
	}
	err = a.print(all, func() {
		for _, f := range all {
			fmt.Fprintf(a.out, "%s -> %s port %d\n", f.Local, t, f.Port)
		}
	})
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() {
		for _, f := range all {
			f.Close()
		}
	})
	defer stop()
	slots := make(chan struct{}, maxForwarded)
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(func() { a.accept(ctx, c, t, f, slots) })
	}
	wg.Wait()
	return nil // Ctrl-C is how forwarding ends
}

// accept forwards the connections of one listener until it is closed.
func (a *app) accept(ctx context.Context, c *api.Client, t target, f *forwarding, slots chan struct{}) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := f.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			a.say("artel: accept on %s: %v", f.Local, err)
			return
		}
		wg.Go(func() {
			defer conn.Close()
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return
			}
			if err := dialIn(ctx, c, t, f.Port, conn.(*net.TCPConn)); err != nil && ctx.Err() == nil {
				conn.(*net.TCPConn).SetLinger(0) // whoever connected sees that it failed
				e := api.AsError(err)
				a.say("artel: port %d of %s: %s", f.Port, t, clean(e.Message))
			}
		})
	}
}

// dialIn joins conn with a port of a task until both directions have ended, or
// one has failed. That the side here gives up is no error.
func dialIn(ctx context.Context, c *api.Client, t target, port uint16, conn *net.TCPConn) error {
	rw, err := c.Visit(ctx, t.job, api.VisitRequest{Kind: wire.VisitDial, Task: t.task, Port: port, Any: t.any})
	if err != nil {
		return err
	}
	f := &frames{ReadWriteCloser: rw}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { f.Close(); conn.Close() })()
	here := &local{TCPConn: conn}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		if f.feed(here) != nil {
			f.Close()
		}
	}()
	if err := receiveFrames(f, here); err != nil {
		gone := here.gone.Load()
		f.Close()
		conn.SetReadDeadline(time.Now())
		<-sent
		if gone {
			return nil
		}
		return err
	}
	conn.CloseWrite()
	<-sent // the other direction may go on
	return nil
}

// local is a connection of this machine that knows whether it has failed.
type local struct {
	*net.TCPConn
	gone atomic.Bool
}

func (l *local) Read(b []byte) (int, error) {
	n, err := l.TCPConn.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		l.gone.Store(true)
	}
	return n, err
}

func (l *local) Write(b []byte) (int, error) {
	n, err := l.TCPConn.Write(b)
	if err != nil {
		l.gone.Store(true)
	}
	return n, err
}

// receiveFrames copies what a port sends until it sends no more.
func receiveFrames(f *frames, w io.Writer) error {
	buf := make([]byte, 64<<10)
	for {
		kind, b, err := wire.ReadFrame(f, buf)
		if err != nil {
			return fmt.Errorf("the connection ended: %w", err)
		}
		switch kind {
		case wire.FrameOut:
			if _, err := w.Write(b); err != nil {
				return err
			}
		case wire.FrameOutEnd:
			return nil
		case wire.FrameError:
			return api.Errorf(api.CodeRefused, "the provider says: %s", wire.Sentence(b))
		}
	}
}
