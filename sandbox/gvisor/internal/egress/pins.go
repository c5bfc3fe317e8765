package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	// LookupNetIP returns the addresses of host; network is "ip". host ends in a dot, so
	// that no domain of the host's own is put behind it.
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

var (
	errNotListed = errors.New("it is not on the allow-list")
	errClosed    = errors.New("every address of it is refused")
	errNoName    = errors.New("there is no such name")
	errTooMany   = errors.New("too many names")
)

const (
	maxNames   = 1024            // pinned in one attempt; a wildcard has no end otherwise
	maxPerType = 8               // addresses of a name and family: any answer fits in 512 bytes
	failureFor = 5 * time.Second // a name that could not be resolved is asked again after this
)

// pins holds what the attempt may connect to.
type pins struct {
	owner    Owner
	dests    []sandbox.Destination
	resolver Resolver
	own      func() ([]netip.Addr, error)
	timeout  time.Duration

	mu    sync.Mutex
	names map[string]*pin
	open  map[netip.AddrPort]struct{}
}

// pin is a name that is being resolved, until done is closed, and then its addresses
// for good; or why there are none, for a while.
type pin struct {
	done  chan struct{}
	addrs []netip.Addr
	err   error
	until time.Time // of err; zero: for good
}

func newPins(p Policy, dests []sandbox.Destination) *pins {
	s := &pins{
		owner: p.Owner, dests: dests, resolver: p.Resolver, own: p.Own, timeout: p.DialTimeout,
		names: map[string]*pin{}, open: map[netip.AddrPort]struct{}{},
	}
	if s.resolver == nil {
		s.resolver = &net.Resolver{}
	}
	if s.own == nil {
		s.own = hostAddrs
	}
	for _, d := range dests {
		if d.Addr.IsValid() {
			s.allow([]netip.Addr{d.Addr}, d.Ports)
		}
	}
	return s
}

// allow is called with mu held, or before s is shared.
func (s *pins) allow(addrs []netip.Addr, ports []uint16) {
	for _, a := range addrs {
		for _, p := range ports {
			s.open[netip.AddrPortFrom(a, p)] = struct{}{}
		}
	}
}

// ports are those of all entries that match name.
func (s *pins) ports(name string) []uint16 {
	var ports []uint16
	for _, d := range s.dests {
		if d.Match(name) {
			ports = append(ports, d.Ports...)
		}
	}
	return ports
}

// lookup returns the pinned addresses of a name, resolving it the first time. name may
// be anything.
func (s *pins) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	ports := s.ports(name)
	if len(ports) == 0 {
		return nil, errNotListed
	}
	s.mu.Lock()
	p := s.names[name]
	if p != nil {
		s.mu.Unlock()
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if p.err == nil || p.until.IsZero() || time.Now().Before(p.until) {
			return p.addrs, p.err
		}
		s.mu.Lock()
		if s.names[name] != p { // another asked again meanwhile
			s.mu.Unlock()
			return nil, p.err
		}
	} else if len(s.names) >= maxNames {
		s.mu.Unlock()
		return nil, errTooMany
	}
	p = &pin{done: make(chan struct{})}
	s.names[name] = p
	s.mu.Unlock()

	p.addrs, p.err = s.resolve(ctx, name)
	if p.err != nil && !errors.Is(p.err, errClosed) {
		p.until = time.Now().Add(failureFor)
	}
	if p.err == nil {
		s.mu.Lock()
		s.allow(p.addrs, ports)
		s.mu.Unlock()
	}
	close(p.done)
	return p.addrs, p.err
}

// resolve asks the host's resolver and leaves out what is refused. When all is, the
// error is errClosed.
func (s *pins) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	own, err := s.own()
	if err != nil {
		return nil, err
	}
	found, err := s.resolver.LookupNetIP(ctx, "ip", name+".")
	if dns := new(net.DNSError); errors.As(err, &dns) && dns.IsNotFound {
		return nil, errNoName
	} else if err != nil {
		return nil, err
	}
	var addrs []netip.Addr
	var four, six int
	noIPv6 := !slices.ContainsFunc(own, global6.Contains)
	for _, a := range found {
		a = a.Unmap()
		if slices.Contains(addrs, a) || s.owner.refuse(a, own) != "" {
			continue
		}
		if noIPv6 && (global6.Contains(a) || nat64.Contains(a)) {
			continue // the host has no way there; programs would try it first
		}
		n := &four
		if a.Is6() {
			n = &six
		}
		if *n < maxPerType {
			addrs = append(addrs, a)
			*n++
		}
	}
	if len(addrs) == 0 {
		return nil, errClosed
	}
	return addrs, nil
}

// check returns why no connection goes to dst now, or "".
func (s *pins) check(dst netip.AddrPort) string {
	if why := s.owner.refusePort(dst.Port()); why != "" {
		return why
	}
	why := s.owner.refuse(dst.Addr(), nil)
	s.mu.Lock()
	_, open := s.open[dst]
	s.mu.Unlock()
	if !open && why == "" {
		return "no name of the allow-list was resolved to it"
	}
	if open { // else a flood of refused ones would have the interfaces read each time
		own, err := s.own()
		if err != nil {
			return "the host's own addresses are not known"
		}
		why = s.owner.refuse(dst.Addr(), own)
	}
	if why != "" {
		return "the address is " + why
	}
	return ""
}
