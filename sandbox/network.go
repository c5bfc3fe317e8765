package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// MaxAllow is the number of entries an allow-list may have.
const MaxAllow = 256

// Destination is one entry of Network.Allow, read.
type Destination struct {
	// Host is a name in lower case without a final dot, or empty where Addr is set.
	Host string
	// Below: all the names below Host, at any depth, are meant, and not Host itself.
	Below bool
	// Addr is set where the entry is an address.
	Addr netip.Addr
	// Ports are never empty; without one in the entry they are 80 and 443.
	Ports []uint16
}

// Match reports whether name, as a program may have written it, is the
// destination's.
func (d Destination) Match(name string) bool {
	if d.Host == "" {
		return false
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !d.Below {
		return name == d.Host
	}
	first, found := strings.CutSuffix(name, "."+d.Host)
	return found && first != ""
}

// String is the entry that ParseAllow reads as d.
func (d Destination) String() string {
	host := d.Host
	switch {
	case d.Below:
		host = "*." + host
	case d.Addr.Is6():
		host = "[" + d.Addr.String() + "]"
	case d.Addr.IsValid():
		host = d.Addr.String()
	}
	if len(d.Ports) == 1 {
		return host + ":" + strconv.Itoa(int(d.Ports[0]))
	}
	return strings.Trim(host, "[]")
}

// ParseAllow reads an entry of Network.Allow: "host", "host:port", "*.domain",
// "*.domain:port", or an address in place of the host ("[2001:db8::1]:443"). The error
// names the entry and says what would do.
func ParseAllow(entry string) (Destination, error) {
	d, err := parseAllow(entry)
	if err != nil {
		shown := entry
		if len(shown) > 64 {
			shown = shown[:64] + "..."
		}
		return Destination{}, fmt.Errorf("allow-list entry %q: %w", shown, err)
	}
	return d, nil
}

func parseAllow(entry string) (Destination, error) {
	switch {
	case entry == "":
		return Destination{}, errors.New(`it is empty; give a host, as in "pypi.org" or "pypi.org:443"`)
	case strings.Contains(entry, "://"):
		return Destination{}, errors.New("it is a URL; give the host alone, with a port where it is not 80 or 443")
	case strings.Contains(entry, "/"):
		return Destination{}, errors.New("neither paths nor address ranges can be allowed; give a host or one address")
	case strings.ContainsAny(entry, " \t\r\n,;"):
		return Destination{}, errors.New("it holds a separator; give each host as an entry of its own")
	}
	host, port, ports := entry, "", []uint16{80, 443}
	bare := entry
	if strings.HasPrefix(entry, "[") && strings.HasSuffix(entry, "]") {
		bare = entry[1 : len(entry)-1]
	}
	addr, err := netip.ParseAddr(bare)
	if err != nil {
		switch i := strings.LastIndexByte(entry, ':'); {
		case i < 0:
		case strings.HasPrefix(entry, "[") && strings.HasSuffix(entry[:i], "]"):
			host, port = entry[1:i-1], entry[i+1:]
		case strings.Count(entry, ":") > 1:
			return Destination{}, errors.New(`it has more than one ":"; write an IPv6 address with a port as "[2001:db8::1]:443"`)
		default:
			host, port = entry[:i], entry[i+1:]
		}
		if host != entry {
			n, err := strconv.ParseUint(port, 10, 16)
			if err != nil || n == 0 || port[0] == '+' {
				return Destination{}, fmt.Errorf("port %q; give one number from 1 to 65535, and an entry for each port", port)
			}
			ports = []uint16{uint16(n)}
		}
		addr, err = netip.ParseAddr(host)
	}
	if err == nil {
		if addr.Zone() != "" {
			return Destination{}, errors.New("an address with a zone is of the local network, which cannot be allowed")
		}
		return Destination{Addr: addr.Unmap(), Ports: ports}, nil
	}
	host, below := strings.CutPrefix(host, "*.")
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkHost(host, below); err != nil {
		return Destination{}, err
	}
	return Destination{Host: host, Below: below, Ports: ports}, nil
}

func checkHost(host string, below bool) error {
	if strings.Contains(host, "*") {
		return errors.New(`"*" stands only in front, for all names below a domain: "*.example.org"`)
	}
	if len(host) > 253 {
		return fmt.Errorf("a name of %d characters; at most 253 are possible", len(host))
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" {
			return errors.New("a part of the name between dots is empty")
		}
		if len(l) > 63 {
			return fmt.Errorf("the part %q... of the name has %d characters; at most 63 are possible", l[:16], len(l))
		}
		if strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") {
			return fmt.Errorf("the part %q of the name begins or ends with a hyphen", l)
		}
		for _, c := range l {
			switch {
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			case c > 127:
				return errors.New(`it has letters beyond ASCII; give the form that begins with "xn--"`)
			default:
				return fmt.Errorf("%q is in no host name", c)
			}
		}
	}
	last := labels[len(labels)-1]
	switch {
	case len(labels) == 1 && below:
		return errors.New(`a whole top-level domain cannot be allowed; give "*.example.org"`)
	case len(labels) == 1:
		return errors.New("a name without a dot is of the local network, which cannot be allowed; give the full name")
	case strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x"):
		return errors.New(`it is neither a name nor an address; write addresses as "192.0.2.1"`)
	}
	return nil
}

// Destinations reads the allow-list.
func (n Network) Destinations() ([]Destination, error) {
	if len(n.Allow) > MaxAllow {
		return nil, fmt.Errorf("an allow-list of %d entries; at most %d are possible, put hosts of one domain together as \"*.domain\"", len(n.Allow), MaxAllow)
	}
	var all []Destination
	for _, entry := range n.Allow {
		d, err := ParseAllow(entry)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(all, func(o Destination) bool { return o.String() == d.String() }) {
			all = append(all, d)
		}
	}
	return all, nil
}

// Check finds what is wrong with n by itself, wherever it is to be used: renters
// call it before they send a job. What an owner refuses besides is known to its
// machine alone.
func (n Network) Check() error {
	if _, err := n.Destinations(); err != nil {
		return err
	}
	if n.Bytes < 0 || n.Bytes > maxLimit {
		return fmt.Errorf("a bound of %d bytes; it is 0 (no bound) or positive", n.Bytes)
	}
	return nil
}
