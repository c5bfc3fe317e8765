package egress

import (
	"net"
	"net/netip"
	"slices"
)

// Owner is what the machine's owner says about strangers' connections.
type Owner struct {
	// Permit opens prefixes that are reserved otherwise, such as a part of the owner's
	// own LAN. The host's own addresses stay closed unless a prefix is one such address
	// alone, or lies within loopback; metadata services always do.
	Permit []netip.Prefix
	// Deny closes prefixes, above Permit.
	Deny []netip.Prefix
	// Mail opens the ports that mail is submitted by.
	Mail bool
}

// mailPorts are SMTP (RFC 5321), submission (RFC 6409, RFC 8314) and its common
// stand-in.
var mailPorts = []uint16{25, 465, 587, 2525}

// refusePort returns why no connection goes to port, or "".
func (o Owner) refusePort(port uint16) string {
	switch {
	case port == 0:
		return "there is no port 0"
	case !o.Mail && slices.Contains(mailPorts, port):
		return "the owner lets no mail out"
	}
	return ""
}

// metadata are the services by which clouds hand credentials to any process of a
// machine.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, GCP, Azure, OpenStack and others
	netip.MustParseAddr("169.254.170.2"),   // AWS ECS
	netip.MustParseAddr("169.254.170.23"),  // AWS EKS
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd00:ec2::23"),    // AWS EKS
	netip.MustParseAddr("fd20:ce::254"),    // GCP
	netip.MustParseAddr("100.100.100.200"), // Alibaba
	netip.MustParseAddr("192.0.0.192"),     // Oracle
	netip.MustParseAddr("168.63.129.16"),   // Azure's host
}

// reserved are the prefixes of the registries of special addresses (IANA, RFC 6890 and
// its successors) that no stranger has business with.
var reserved = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "of this network"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "private (carrier)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "for measurements"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"},
	{netip.MustParsePrefix("::1/128"), "loopback"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "a local translation"},
	{netip.MustParsePrefix("fc00::/7"), "private"},
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "private"},
	{netip.MustParsePrefix("2001::/23"), "reserved"}, // Teredo and ORCHID among them
	{netip.MustParsePrefix("2001:db8::/32"), "documentation"},
	{netip.MustParsePrefix("3fff::/20"), "documentation"},
}

var (
	global6   = netip.MustParsePrefix("2000::/3")
	loopback4 = netip.MustParsePrefix("127.0.0.0/8")
	broadcast = netip.MustParseAddr("255.255.255.255")
	nat64     = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// refuse returns what addr is that makes it refused, or "". own are the addresses of
// the host.
func (o Owner) refuse(addr netip.Addr, own []netip.Addr) string {
	if !addr.IsValid() || addr.Zone() != "" {
		return "not of the internet"
	}
	addr = addr.Unmap()
	switch contains := func(p netip.Prefix) bool { return p.Contains(addr) }; {
	case slices.Contains(metadata, addr):
		return "a metadata service"
	case slices.ContainsFunc(o.Deny, contains):
		return "denied by the owner"
	case addr.IsUnspecified():
		return "unspecified"
	case addr.IsMulticast():
		return "multicast"
	case addr == broadcast:
		return "broadcast"
	case slices.Contains(own, addr):
		if !slices.ContainsFunc(o.Permit, func(p netip.Prefix) bool {
			return p.Contains(addr) && (p.IsSingleIP() || within(p, loopback4) || p.Addr().IsLoopback())
		}) {
			return "the host's own"
		}
		return ""
	case slices.ContainsFunc(o.Permit, contains):
		return ""
	}
	for _, r := range reserved {
		if r.prefix.Contains(addr) {
			return r.why
		}
	}
	if addr.Is6() {
		if in, ok := embedded(addr); ok {
			if why := o.refuse(in, own); why != "" {
				return "a form of " + in.String() + ", " + why
			}
		} else if !global6.Contains(addr) {
			return "reserved"
		}
	}
	return ""
}

// embedded returns the IPv4 address to which routers or the host would pass on what
// is sent to addr: NAT64, 6to4, ISATAP (RFC 5214).
func embedded(addr netip.Addr) (netip.Addr, bool) {
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:])), true
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case global6.Contains(addr) && b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return netip.AddrFrom4([4]byte(b[12:])), true
	}
	return netip.Addr{}, false
}

func within(p, outer netip.Prefix) bool {
	return p.Bits() >= outer.Bits() && outer.Contains(p.Addr())
}

// hostAddrs are all addresses of the host's interfaces, now.
func hostAddrs() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var own []netip.Addr
	for _, a := range found {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own = append(own, addr.Unmap())
			}
		}
	}
	return own, nil
}
