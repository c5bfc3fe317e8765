package egress

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
)

// frame4 is an Ethernet frame with an IPv4 packet of the box.
func frame4(protocol byte, payload int, change func(ip []byte)) []byte {
	f := make([]byte, etherLen+20+payload)
	binary.BigEndian.PutUint16(f[12:], etherIPv4)
	ip := f[etherLen:]
	ip[0], ip[8], ip[9] = 0x45, 64, protocol
	binary.BigEndian.PutUint16(ip[2:], uint16(20+payload))
	copy(ip[12:], DefaultLink().Addr.Addr().AsSlice())
	copy(ip[16:], []byte{93, 184, 215, 14})
	if change != nil {
		change(ip)
	}
	return f
}

func frame6(next byte, payload int, change func(ip []byte)) []byte {
	f := make([]byte, etherLen+40+payload)
	binary.BigEndian.PutUint16(f[12:], etherIPv6)
	ip := f[etherLen:]
	ip[0], ip[6], ip[7] = 0x60, next, 64
	binary.BigEndian.PutUint16(ip[4:], uint16(payload))
	copy(ip[8:], DefaultLink().Addr6.Addr().AsSlice())
	copy(ip[24:], netip.MustParseAddr("2606:4700::1").AsSlice())
	if change != nil {
		change(ip)
	}
	return f
}

func TestFrames(t *testing.T) {
	arp := make([]byte, etherLen+28)
	binary.BigEndian.PutUint16(arp[12:], etherARP)
	for _, c := range []struct {
		name  string
		frame []byte
		good  bool
	}{
		{"ARP", arp, true},
		{"short ARP", arp[:etherLen+27], false},
		{"TCP", frame4(6, 20, nil), true},
		{"UDP", frame4(17, 8, nil), true},
		{"short TCP", frame4(6, 19, nil), false},
		{"short UDP", frame4(17, 7, nil), false},
		{"ICMP", frame4(1, 64, nil), false},
		{"IGMP", frame4(2, 64, nil), false},
		{"GRE", frame4(47, 64, nil), false},
		{"SCTP", frame4(132, 64, nil), false},
		{"IPv6 in IPv4", frame4(41, 64, nil), false},
		{"first fragment", frame4(6, 64, func(ip []byte) { ip[6] = 0x20 }), false},
		{"later fragment", frame4(6, 64, func(ip []byte) { ip[7] = 1 }), false},
		{"may not be fragmented", frame4(6, 64, func(ip []byte) { ip[6] = 0x40 }), true},
		{"longer than the frame", frame4(6, 64, func(ip []byte) { ip[2] = 1 }), false},
		{"shorter than its header", frame4(6, 64, func(ip []byte) { ip[3] = 10 }), false},
		{"header of 4 words", frame4(6, 64, func(ip []byte) { ip[0] = 0x44 }), false},
		{"header that leaves nothing", frame4(6, 40, func(ip []byte) { ip[0] = 0x4f }), false},
		{"version", frame4(6, 64, func(ip []byte) { ip[0] = 0x65 }), false},
		{"another's source", frame4(6, 64, func(ip []byte) { ip[15]++ }), false},
		{"TCP over IPv6", frame6(6, 20, nil), true},
		{"UDP over IPv6", frame6(17, 8, nil), true},
		{"short TCP over IPv6", frame6(6, 19, nil), false},
		{"echo", frame6(58, 64, func(ip []byte) { ip[40] = 128 }), false},
		{"router advertisement", frame6(58, 64, func(ip []byte) { ip[40] = 134 }), false},
		{"redirect", frame6(58, 64, func(ip []byte) { ip[40] = 137 }), false},
		{"neighbour solicitation", frame6(58, 24, func(ip []byte) { ip[40] = 135 }), true},
		{"hop by hop", frame6(0, 64, nil), false},
		{"routing header", frame6(43, 64, nil), false},
		{"fragment header", frame6(44, 64, nil), false},
		{"another's source over IPv6", frame6(6, 64, func(ip []byte) { ip[23]++ }), false},
		{"VLAN", append([]byte{12: 0x81, 13: 0}, make([]byte, 64)...), false},
		{"nothing", nil, false},
		{"runt", make([]byte, 13), false},
	} {
		if _, err := DefaultLink().admit(c.frame); (err == nil) != c.good {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	no6 := DefaultLink()
	no6.Addr6 = netip.Prefix{}
	if _, err := no6.admit(frame6(6, 20, nil)); err == nil {
		t.Error("IPv6 on a link without it")
	}
}

func TestLinkCheck(t *testing.T) {
	for want, change := range map[string]func(*Link){
		"":           func(*Link) {},
		"characters": func(l *Link) { l.Name = "longer-than-15-x" },
		"IPv4":       func(l *Link) { l.Gateway = netip.MustParseAddr("10.231.0.9") },
		"IPv6":       func(l *Link) { l.Gateway6 = l.Addr6.Addr() },
		"MTU":        func(l *Link) { l.MTU = 1 << 17 },
	} {
		l := DefaultLink()
		change(&l)
		if err := l.check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
