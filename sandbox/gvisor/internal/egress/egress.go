// Package egress is the only way out for a container: names of an allow-list over
// TCP, and nothing else.
//
//	box (own network namespace)            supervisor (the host's namespace)
//	eth0 --Ethernet frames--> TAP fd --> filter --> netstack --+--> DNS: names of the list, resolved once
//	                                                           +--> TCP: splice to a dialled connection
//	                                                           +--> anything else: reset or dropped
//
// The box has no route to the host's kernel: its frames end in a gVisor network stack
// in this process, which takes any destination for its own, and dials those that are
// allowed with ordinary sockets. No packet filter of the host is touched, no root is
// needed beyond that of the box's own namespace.
//
// # What is allowed
//
// A (address, port) pair for which the box asked the name, that the list has, and
// which the host's resolver gave: once for each name and attempt, so that a name
// which later points elsewhere leads to the old address. Whatever the list and the
// resolver say, loopback, private, link-local, metadata, multicast and reserved
// addresses, forms of IPv6 that carry these, all addresses of the host itself, and
// mail ports stay closed; an Owner may open prefixes of its own, and close others.
// The address which a home router has outside is not the host's: Owner.Deny is the
// place for it.
//
// # What comes from the box
//
// Is hostile: each frame passes a filter (Link.admit) which lets through ARP, TCP, and
// UDP without fragments or options of IPv6, from the box's own addresses alone.
package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// ErrUnsupported is returned where the system has no such thing as a network
// namespace.
var ErrUnsupported = errors.New("egress: only Linux on amd64 and arm64 can give a box a network; run the job on such a machine, or without a network")

// Policy is what one attempt may reach, and at what rate. Zero fields take the
// default named beside them.
type Policy struct {
	// Network is the renter's wish.
	Network sandbox.Network
	// Owner bounds it.
	Owner Owner

	// Conns is the number of connections at once (256); further ones are reset.
	Conns int
	// ConnsPerSecond of new connections (100, with bursts of the same size); further
	// ones wait, at most DialTimeout.
	ConnsPerSecond int
	// QueriesPerSecond of DNS (100, with bursts of twice as many); further ones are
	// dropped.
	QueriesPerSecond int
	// Idle is how long a connection may carry nothing in either direction (30 min).
	Idle time.Duration
	// DialTimeout bounds connecting and resolving (10 s).
	DialTimeout time.Duration

	// Resolver is asked for names; nil is the host's.
	Resolver Resolver
	// Own returns the addresses of the host itself, asked anew at each connection; nil
	// reads them from its interfaces.
	Own func() ([]netip.Addr, error)

	// Rest says how long to read nothing from the box, who is to wait for what this process
	// spends on it; nil: never. It is asked again and again by one goroutine.
	Rest func() time.Duration

	// OnCap is called once, in a goroutine of its own, when Network.Bytes are used up.
	OnCap func()
	// OnRefuse is called, one at a time, with what the box was refused and why: the first
	// time for each destination, and at most for MaxRefusals of them.
	OnRefuse func(what, why string)
}

// MaxRefusals bounds the calls of Policy.OnRefuse.
const MaxRefusals = 64

// Usage is a reading of the counters.
type Usage struct {
	// Sent and Got are bytes of payload, seen from the box; together they never exceed
	// Network.Bytes.
	Sent, Got int64
	// Conns are open now; Opened were ever.
	Conns, Opened int64
	// Refused are connections and queries.
	Refused int64
	// Capped: Network.Bytes are used up.
	Capped bool
}

func (p Policy) withDefaults() Policy {
	fill := func(v *int, def int) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&p.Conns, 256)
	fill(&p.ConnsPerSecond, 100)
	fill(&p.QueriesPerSecond, 100)
	if p.Idle == 0 {
		p.Idle = 30 * time.Minute
	}
	if p.DialTimeout == 0 {
		p.DialTimeout = 10 * time.Second
	}
	return p
}

// Check finds what is wrong with p: bad entries, and those that this owner refuses
// in any case.
func (p Policy) Check() error {
	if p.Conns < 0 || p.ConnsPerSecond < 0 || p.QueriesPerSecond < 0 || p.Idle < 0 || p.DialTimeout < 0 {
		return errors.New("egress: a bound is negative; it is 0 (the default) or positive")
	}
	return p.Owner.Check(p.Network)
}

// Check says what of n this owner refuses, whatever names resolve to.
func (o Owner) Check(n sandbox.Network) error {
	if err := n.Check(); err != nil {
		return err
	}
	dests, err := n.Destinations()
	if err != nil {
		return err
	}
	for _, d := range dests {
		for _, port := range d.Ports {
			if why := o.refusePort(port); why != "" {
				return fmt.Errorf("allow-list entry %q: %s; take it off the list, or choose a provider that lets mail out", d, why)
			}
		}
		if d.Addr.IsValid() {
			if why := o.refuse(d.Addr, nil); why != "" {
				return fmt.Errorf("allow-list entry %q: the address is %s, which no box reaches; take it off the list", d, why)
			}
		}
	}
	return nil
}
