//go:build amd64 || arm64

package egress

import (
	"context"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// flow is one connection: the box's end in the stack, and the dialled one.
type flow struct {
	in    *gonet.TCPConn
	ep    tcpip.Endpoint
	out   *net.TCPConn
	limit time.Duration
	idle  *time.Timer

	once sync.Once
	dead chan struct{} // closed by reset
}

// reset ends both connections at once, and tells both ends so. It may be called at
// any time and again.
func (f *flow) reset() {
	f.once.Do(func() {
		close(f.dead)
		f.ep.Abort()
		f.out.SetLinger(0)
		f.out.Close()
	})
}

func (f *flow) touch() { f.idle.Reset(f.limit) }

// accept decides on one connection that the box opens, and carries it to its end.
func (e *Egress) accept(ctx context.Context, r *tcp.ForwarderRequest) {
	id := r.ID()
	addr, _ := netip.AddrFromSlice(id.LocalAddress.AsSlice())
	dst := netip.AddrPortFrom(addr.Unmap(), id.LocalPort)
	why := ""
	if e.meter.read().Capped {
		why = errCapped.Error()
	} else {
		why = e.pins.check(dst)
	}
	if why != "" {
		e.refuse(dst.String(), why)
		r.Complete(true)
		return
	}
	select {
	case e.slots <- struct{}{}:
	default:
		e.refuse(dst.String(), "too many connections at once")
		r.Complete(true)
		return
	}
	defer func() { <-e.slots }()
	f := e.open(ctx, r, dst)
	if f == nil {
		return
	}
	e.carry(f)
}

// open dials, and only then answers the box: what cannot be reached is refused to it
// as it was to us.
func (e *Egress) open(ctx context.Context, r *tcp.ForwarderRequest, dst netip.AddrPort) *flow {
	dialling, cancel := context.WithTimeout(ctx, e.policy.DialTimeout)
	defer cancel()
	if err := e.dials.Wait(dialling); err != nil {
		e.refuse(dst.String(), "too many new connections")
		r.Complete(true)
		return nil
	}
	out, err := e.dial(dialling, dst)
	if err != nil {
		r.Complete(true)
		return nil
	}
	if ctx.Err() != nil {
		out.Close()
		r.Complete(true)
		return nil
	}
	var wq waiter.Queue
	ep, terr := r.CreateEndpoint(&wq)
	if terr != nil { // the box gave up meanwhile
		out.Close()
		r.Complete(true)
		return nil
	}
	r.Complete(false)
	f := &flow{in: gonet.NewTCPConn(&wq, ep), ep: ep, out: out, limit: e.policy.Idle, dead: make(chan struct{})}
	f.idle = time.AfterFunc(f.limit, f.reset)
	e.mu.Lock()
	e.flows[f] = struct{}{}
	e.mu.Unlock()
	// The cap or the end may have come since the check; resetAll sees the flow from here
	// on.
	if ctx.Err() != nil || e.meter.read().Capped {
		f.reset()
	}
	e.meter.change(func(u *Usage) { u.Conns++; u.Opened++ })
	return f
}

// carry copies both ways until both have ended.
func (e *Egress) carry(f *flow) {
	var wg sync.WaitGroup
	wg.Go(func() { e.copy(f, f.out, f.in, e.meter.sent) })
	e.copy(f, f.in, f.out, e.meter.got)
	wg.Wait()
	f.drain()
	f.idle.Stop()
	f.in.Close()
	f.out.Close()
	e.mu.Lock()
	delete(e.flows, f)
	e.mu.Unlock()
	e.meter.change(func(u *Usage) { u.Conns-- })
}

// half is one end of a flow.
type half interface {
	io.ReadWriter
	CloseWrite() error
}

var buffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// copy passes on what src says until its end, which it passes on too. Whatever goes
// wrong resets the flow.
func (e *Egress) copy(f *flow, dst, src half, count func(int) int) {
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(buf[:])
		if n > 0 {
			fits := count(n)
			f.touch()
			if _, err := dst.Write(buf[:fits]); err != nil {
				f.reset()
				return
			}
			f.touch()
			if fits < n {
				f.reset()
				return
			}
		}
		if err == io.EOF {
			if dst.CloseWrite() != nil {
				f.reset()
			}
			return
		}
		if err != nil {
			f.reset()
			return
		}
	}
}

// drain waits until the box has acknowledged the end, and so all before it: a closed
// endpoint would keep what waits beyond the flow's slot, for as long as the box likes.
func (f *flow) drain() {
	for pause := time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		switch tcp.EndpointState(f.ep.State()) {
		case tcp.StateFinWait2, tcp.StateTimeWait, tcp.StateClose, tcp.StateError:
			return
		}
		select {
		case <-time.After(pause):
		case <-f.dead:
			return
		}
	}
}

// resetAll ends every connection.
func (e *Egress) resetAll() {
	e.mu.Lock()
	flows := make([]*flow, 0, len(e.flows))
	for f := range e.flows {
		flows = append(flows, f)
	}
	e.mu.Unlock()
	for _, f := range flows {
		f.reset()
	}
}
