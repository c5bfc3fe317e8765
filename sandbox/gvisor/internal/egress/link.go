package egress

import (
	"errors"
	"fmt"
	"net/netip"
)

// Link is the wire between a box and its Egress: an interface with addresses in the
// box's network namespace, and the gateway, which exists in the Egress alone.
type Link struct {
	Name string // of the interface
	// Addr and Gateway, Addr6 and Gateway6 are in one prefix each; without Addr6 the box
	// has no IPv6. The name server answers at both gateways.
	Addr, Addr6       netip.Prefix
	Gateway, Gateway6 netip.Addr
	// MTU in bytes. A large one costs nothing here, and saves most of the work for each
	// byte.
	MTU int
}

// DefaultLink is good for every box, since no two see each other.
func DefaultLink() Link {
	return Link{
		Name: "eth0", MTU: 65520,
		Addr: netip.MustParsePrefix("10.231.0.2/30"), Gateway: netip.MustParseAddr("10.231.0.1"),
		Addr6: netip.MustParsePrefix("fd61:7274:656c::2/126"), Gateway6: netip.MustParseAddr("fd61:7274:656c::1"),
	}
}

// ResolvConf is the text for the box's /etc/resolv.conf.
func (l Link) ResolvConf() string { return fmt.Sprintf("nameserver %s\n", l.Gateway) }

func (l Link) check() error {
	switch {
	case l.Name == "" || len(l.Name) > 15:
		return fmt.Errorf("egress: link name %q; give 1 to 15 characters", l.Name)
	case !l.Addr.Addr().Is4() || !l.Gateway.Is4() || !l.Addr.Contains(l.Gateway) || l.Addr.Addr() == l.Gateway:
		return fmt.Errorf("egress: link address %s and gateway %s; give two IPv4 addresses of one prefix", l.Addr, l.Gateway)
	case l.Addr6.IsValid() && (!l.Addr6.Addr().Is6() || !l.Gateway6.Is6() || !l.Addr6.Contains(l.Gateway6) || l.Addr6.Addr() == l.Gateway6):
		return fmt.Errorf("egress: link address %s and gateway %s; give two IPv6 addresses of one prefix, or none", l.Addr6, l.Gateway6)
	case l.MTU < 1280 || l.MTU > maxMTU:
		return fmt.Errorf("egress: MTU %d; give 1280 to %d", l.MTU, maxMTU)
	}
	return nil
}

// maxMTU is the largest that a TAP takes, rounded down.
const maxMTU = 65520

// gatewayMAC is the Ethernet address of the gateway, locally administered.
var gatewayMAC = [6]byte{0x02, 0, 0, 0, 0, 0x01}

// errFrame marks frames that the filter drops.
var errFrame = errors.New("egress: a frame that no box has reason to send")

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
	etherLen  = 14
)

// admit reads as much of an Ethernet frame from the box as it takes to say that the
// stack may see it, and returns its type: ARP; IPv4 and IPv6 from the box's own
// address, whole, with TCP or UDP right behind the header; neighbour discovery. No
// fragments, no extension headers, no ICMP, no other protocol.
func (l Link) admit(frame []byte) (uint16, error) {
	if len(frame) < etherLen {
		return 0, errFrame
	}
	kind, b := uint16(frame[12])<<8|uint16(frame[13]), frame[etherLen:]
	switch kind {
	case etherARP:
		if len(b) < 28 {
			return 0, errFrame
		}
	case etherIPv4:
		if len(b) < 20 || b[0]>>4 != 4 {
			return 0, errFrame
		}
		size, header := int(b[2])<<8|int(b[3]), int(b[0]&15)*4
		fragment := b[6]&0x3f != 0 || b[7] != 0 // more to come, or not the first
		if fragment || header < 20 || size < header || size > len(b) || netip.AddrFrom4([4]byte(b[12:16])) != l.Addr.Addr() {
			return 0, errFrame
		}
		if !transport(b[9], b[header:size]) {
			return 0, errFrame
		}
	case etherIPv6:
		if !l.Addr6.IsValid() || len(b) < 40 || b[0]>>4 != 6 {
			return 0, errFrame
		}
		size, src := 40+(int(b[4])<<8|int(b[5])), netip.AddrFrom16([16]byte(b[8:24]))
		if size > len(b) {
			return 0, errFrame
		}
		if b[6] == 58 { // ICMPv6: neighbour solicitation and advertisement alone
			if size < 64 || b[40] != 135 && b[40] != 136 {
				return 0, errFrame
			}
			return kind, nil
		}
		if src != l.Addr6.Addr() || !transport(b[6], b[40:size]) {
			return 0, errFrame
		}
	default:
		return 0, errFrame
	}
	return kind, nil
}

func transport(protocol byte, b []byte) bool {
	return protocol == 6 && len(b) >= 20 || protocol == 17 && len(b) >= 8
}
