//go:build amd64 || arm64

package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/arp"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// Egress forwards for one box.
type Egress struct {
	endpoint *endpoint
	link     Link
	policy   Policy
	pins     *pins
	meter    *meter

	dials, queries *rate.Limiter
	asking         chan struct{} // a token for each query being answered
	slots          chan struct{} // a token for each connection

	mu    sync.Mutex
	flows map[*flow]struct{}

	refusals sync.Mutex
	refused  map[string]struct{}
}

const (
	nic       = 1
	askAtOnce = 64
	// queue bounds what waits in each direction of a connection, in bytes.
	queue = 256 << 10
)

// New makes ready to forward between file, the box's interface as CreateTAP,
// CreateVeth or ReceiveFile gave it, and the network of this process. file is the
// Egress' own from then on and is closed when Run returns; on an error it stays the
// caller's.
func New(file *os.File, link Link, policy Policy) (*Egress, error) {
	if err := link.check(); err != nil {
		return nil, err
	}
	if err := policy.Check(); err != nil {
		return nil, err
	}
	dests, err := policy.Network.Destinations()
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("egress: use the interface's file: %w", err)
	}
	p := policy.withDefaults()
	return &Egress{
		endpoint: &endpoint{file: file, raw: raw, link: link},
		link:     link, policy: p, pins: newPins(p, dests), meter: newMeter(p.Network.Bytes),
		dials:   rate.NewLimiter(rate.Limit(p.ConnsPerSecond), p.ConnsPerSecond),
		queries: rate.NewLimiter(rate.Limit(p.QueriesPerSecond), 2*p.QueriesPerSecond),
		asking:  make(chan struct{}, askAtOnce), slots: make(chan struct{}, p.Conns),
		flows: map[*flow]struct{}{}, refused: map[string]struct{}{},
	}, nil
}

// Usage reads the counters, before, while and after it runs.
func (e *Egress) Usage() Usage { return e.meter.read() }

// Run forwards until ctx ends, which gives nil, or the interface is gone. It is
// called once. When it has returned, every connection is reset and nothing of it
// runs any more.
func (e *Egress) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := e.stack()
	if err != nil {
		e.endpoint.file.Close()
		return err
	}
	var wg sync.WaitGroup
	for _, gw := range []netip.Addr{e.link.Gateway, e.link.Gateway6} {
		if gw.Is6() && !e.link.Addr6.IsValid() || !gw.IsValid() {
			continue
		}
		conn, err := listenDNS(s, gw)
		if err != nil {
			cancel()
			e.endpoint.file.Close()
			s.Close()
			return err
		}
		wg.Go(func() { e.serveDNS(ctx, conn, &wg) })
		context.AfterFunc(ctx, func() { conn.Close() })
	}
	forward := tcp.NewForwarder(s, queue, e.policy.Conns, func(r *tcp.ForwarderRequest) {
		wg.Add(1)
		defer wg.Done()
		e.accept(ctx, r)
	})
	s.SetTransportProtocolHandler(tcp.ProtocolNumber, forward.HandlePacket)
	wg.Go(func() {
		select {
		case <-e.meter.full:
			e.resetAll()
			if e.policy.OnCap != nil {
				e.policy.OnCap()
			}
			<-ctx.Done()
		case <-ctx.Done():
		}
		e.resetAll()
		e.endpoint.file.Close()
	})

	err = e.endpoint.serve(ctx, e.policy.Rest) // until the file is closed above
	cancel()
	e.resetAll()
	s.Close() // first: it ends handshakes that the box has left
	wg.Wait()
	s.Wait()
	return err
}

// stack builds the network that the box sees: one gateway, which has every address.
func (e *Egress) stack() (*stack.Stack, error) {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol, arp.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	fail := func(what string, err tcpip.Error) (*stack.Stack, error) {
		s.Close()
		return nil, fmt.Errorf("egress: %s: %s", what, err)
	}
	// Buffers do not grow: a slow reader holds two queues and no more. What the box
	// leaves half open goes soon, since its other end is in this machine.
	sack, retries, syns := tcpip.TCPSACKEnabled(true), tcpip.TCPMaxRetriesOption(8), tcpip.TCPSynRetriesOption(3)
	wait, linger := tcpip.TCPTimeWaitTimeoutOption(time.Second), tcpip.TCPLingerTimeoutOption(10*time.Second)
	for _, o := range []tcpip.SettableTransportProtocolOption{
		&tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: queue, Max: queue},
		&tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: queue, Max: queue},
		&sack, &retries, &syns, &wait, &linger,
	} {
		if err := s.SetTransportProtocolOption(tcp.ProtocolNumber, o); err != nil {
			return fail("set TCP's bounds", err)
		}
	}
	if err := s.CreateNIC(nic, e.endpoint); err != nil {
		return fail("make the gateway", err)
	}
	add := func(proto tcpip.NetworkProtocolNumber, gw netip.Addr, bits int) tcpip.Error {
		return s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          proto,
			AddressWithPrefix: tcpip.AddressWithPrefix{Address: tcpip.AddrFromSlice(gw.AsSlice()), PrefixLen: bits},
		}, stack.AddressProperties{})
	}
	routes := []tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}}
	if err := add(ipv4.ProtocolNumber, e.link.Gateway, e.link.Addr.Bits()); err != nil {
		return fail("give the gateway its address", err)
	}
	if e.link.Addr6.IsValid() {
		if err := add(ipv6.ProtocolNumber, e.link.Gateway6, e.link.Addr6.Bits()); err != nil {
			return fail("give the gateway its address", err)
		}
		routes = append(routes, tcpip.Route{Destination: header.IPv6EmptySubnet, NIC: nic})
	}
	s.SetRouteTable(routes)
	if err := s.SetPromiscuousMode(nic, true); err != nil {
		return fail("take every destination", err)
	}
	if err := s.SetSpoofing(nic, true); err != nil {
		return fail("answer from every destination", err)
	}
	return s, nil
}

func listenDNS(s *stack.Stack, gw netip.Addr) (*gonet.UDPConn, error) {
	proto := ipv4.ProtocolNumber
	if gw.Is6() {
		proto = ipv6.ProtocolNumber
	}
	conn, err := gonet.DialUDP(s, &tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(gw.AsSlice()), Port: 53}, nil, proto)
	if err != nil {
		return nil, fmt.Errorf("egress: listen for queries at %s: %w", gw, err)
	}
	return conn, nil
}

// serveDNS answers until conn is closed.
func (e *Egress) serveDNS(ctx context.Context, conn *gonet.UDPConn, wg *sync.WaitGroup) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if !e.queries.Allow() {
			e.meter.change(func(u *Usage) { u.Refused++ })
			continue
		}
		select {
		case e.asking <- struct{}{}:
		default:
			continue
		}
		query := append([]byte(nil), buf[:n]...)
		wg.Go(func() {
			defer func() { <-e.asking }()
			reply, name, refused := answerDNS(ctx, query, e.lookup)
			if refused != nil {
				e.refuse(name, refused.Error())
			}
			if reply != nil {
				conn.WriteTo(reply, from) // lost, as any datagram may be
			}
		})
	}
}

func (e *Egress) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if e.meter.read().Capped {
		return nil, errCapped
	}
	return e.pins.lookup(ctx, name)
}

// refuse counts and, for people, tells of it.
func (e *Egress) refuse(what, why string) {
	e.meter.change(func(u *Usage) { u.Refused++ })
	if e.policy.OnRefuse == nil {
		return
	}
	e.refusals.Lock()
	defer e.refusals.Unlock()
	if _, told := e.refused[what]; told || len(e.refused) >= MaxRefusals {
		return
	}
	e.refused[what] = struct{}{}
	e.policy.OnRefuse(what, why)
}

// dial connects from this process' own network.
func (e *Egress) dial(ctx context.Context, dst netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{KeepAlive: 2 * time.Minute}
	conn, err := d.DialContext(ctx, "tcp", dst.String())
	if err != nil {
		return nil, err
	}
	c, ok := conn.(*net.TCPConn)
	if !ok {
		conn.Close()
		return nil, errors.ErrUnsupported
	}
	return c, nil
}
