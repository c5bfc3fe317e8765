package egress

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// NewNetNS makes a network namespace with nothing in it but a loopback interface,
// which is up. It lives as long as the file, a process or an interface's file in it;
// /proc/PID/fd/N names it to others.
func NewNetNS() (*os.File, error) {
	var ns *os.File
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		var err error
		if ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("find the loopback interface: %w", err)
		}
		if err := netlink.LinkSetUp(lo); err != nil {
			return fmt.Errorf("bring the loopback interface up: %w", err)
		}
		return nil
	})
	if err != nil && ns != nil {
		ns.Close()
		ns = nil
	}
	return ns, err
}

// In calls f with the network namespace ns as that of the calling thread: what f
// opens and starts (sockets, processes), without other goroutines, belongs there.
func In(ns *os.File, f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter the network namespace: %w", err)
		}
		return f()
	})
}

// onThread calls f on a thread of its own, and takes the thread back to the network
// namespace it came from; where that is refused the thread ends instead.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- fmt.Errorf("open this process' network namespace: %w", err)
			return
		}
		defer home.Close()
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// Create makes the link in the calling thread's network namespace, as a TAP or, where
// the system has none or keeps it from this user, as a veth. Call it by In, or in a
// helper that is in a user and a network namespace of its own.
func Create(l Link) (*os.File, error) {
	f, err := CreateTAP(l)
	if err == nil {
		return f, nil
	}
	f, err2 := CreateVeth(l)
	if err2 != nil {
		return nil, fmt.Errorf("neither way to give a box a network works here: %w", errors.Join(err, err2))
	}
	return f, nil
}

// CreateTAP makes the link with a TAP in the calling thread's network namespace. The
// interface goes when the file is closed.
func CreateTAP(l Link) (*os.File, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("open /dev/net/tun: %w; load the kernel's module with \"modprobe tun\"", err)
	} else if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w; let this user read and write it", err)
	}
	// No os.File before the interface is set: the runtime would poll a file that is of
	// none yet, and hear nothing of it later.
	ifr, err := unix.NewIfreq(l.Name)
	if err == nil {
		ifr.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr)
	}
	if err == nil {
		err = l.configure(l.Name)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("make TAP %s: %w", l.Name, err)
	}
	return os.NewFile(uintptr(fd), l.Name), nil
}

// CreateVeth makes the link as a pair of interfaces in the calling thread's network
// namespace; the file is a packet socket on the far one. The pair goes with the
// namespace.
func CreateVeth(l Link) (_ *os.File, err error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	far := "gw-" + l.Name
	if len(far) > 15 {
		far = far[:15]
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = l.Name, l.MTU
	pair := &netlink.Veth{LinkAttrs: attrs, PeerName: far}
	if err := netlink.LinkAdd(pair); err != nil {
		return nil, fmt.Errorf("make the pair of interfaces %s and %s: %w", l.Name, far, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("make the pair of interfaces %s and %s: %w", l.Name, far, err)
			netlink.LinkDel(pair)
		}
	}()
	peer, err := netlink.LinkByName(far)
	if err != nil {
		return nil, err
	}
	// The far end has no network of its own, only the socket.
	const noAddress = 1 // IN6_ADDR_GEN_MODE_NONE
	if err := netlink.LinkSetIP6AddrGenMode(peer, noAddress); err != nil && !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EOPNOTSUPP) {
		return nil, err
	}
	if err := netlink.LinkSetARPOff(peer); err != nil {
		return nil, err
	}
	// Before the socket: one that is bound to an interface which is down remembers an
	// error, and the first frame pays for it.
	if err := netlink.LinkSetUp(peer); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a packet socket: %w", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	// Past the queueing discipline: it takes the kernel a while after the carrier is
	// there to put one in, and what is sent until then is lost.
	for _, o := range []int{unix.PACKET_IGNORE_OUTGOING, unix.PACKET_QDISC_BYPASS} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, o, 1); err != nil {
			return nil, fmt.Errorf("set the packet socket up: %w", err)
		}
	}
	for _, o := range []int{unix.SO_RCVBUF, unix.SO_SNDBUF} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, o, 4<<20); err != nil { // the kernel takes what it allows
			return nil, fmt.Errorf("set the packet socket up: %w", err)
		}
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300 /* ETH_P_ALL in network order */, Ifindex: peer.Attrs().Index}); err != nil {
		return nil, fmt.Errorf("bind the packet socket: %w", err)
	}
	if err := l.configure(l.Name); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), far), nil
}

// configure gives the box's interface its addresses and routes.
func (l Link) configure(name string) error {
	dev, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetMTU(dev, l.MTU); err != nil {
		return fmt.Errorf("set the MTU to %d: %w", l.MTU, err)
	}
	if err := netlink.LinkSetUp(dev); err != nil {
		return fmt.Errorf("bring the interface up: %w", err)
	}
	add := func(addr netip.Prefix, gw netip.Addr, flags int) error {
		n := &net.IPNet{IP: addr.Addr().AsSlice(), Mask: net.CIDRMask(addr.Bits(), addr.Addr().BitLen())}
		if err := netlink.AddrAdd(dev, &netlink.Addr{IPNet: n, Flags: flags}); err != nil {
			return fmt.Errorf("give it the address %s: %w", addr, err)
		}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Gw: gw.AsSlice()}); err != nil {
			return fmt.Errorf("route by %s: %w", gw, err)
		}
		return nil
	}
	if err := add(l.Addr, l.Gateway, 0); err != nil || !l.Addr6.IsValid() {
		return err
	}
	if _, err := os.Stat("/proc/sys/net/ipv6"); errors.Is(err, os.ErrNotExist) {
		return nil // a kernel without IPv6
	}
	return add(l.Addr6, l.Gateway6, unix.IFA_F_NODAD)
}
