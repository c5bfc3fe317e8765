//go:build linux && (amd64 || arm64)

package egress

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The tests run in a network namespace of their own, the world: its loopback
// interface has, beside ownAddr, all of foreign's addresses (by a route, so they are
// not the host's). Boxes are further namespaces, and what runs in them is this
// binary again, as a client.

var (
	foreign  = netip.MustParsePrefix("93.184.215.0/24")
	foreign6 = netip.MustParsePrefix("2606:4700:0:1::/64")
	ownAddr  = netip.MustParsePrefix("93.184.216.1/32")
	ownAddr6 = netip.MustParsePrefix("2606:4700:0:2::1/128")
)

const (
	role    = "EGRESS_TEST_ROLE"
	noWorld = 77
)

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "client":
		fmt.Println(client(os.Args[1:]))
		return
	case "helper":
		helper()
		return
	case "world":
		if err := makeWorld(); errors.Is(err, unix.EPERM) {
			os.Exit(noWorld) // namespaces, and no rights in them
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "make the world:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if slices.ContainsFunc(os.Args, func(a string) bool { return strings.HasPrefix(a, "-test.fuzz") }) {
		os.Exit(m.Run()) // its workers have files of their own
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), role+"=world")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil { // no namespaces for this user
		os.Exit(m.Run())
	}
	cmd.Wait()
	if cmd.ProcessState.ExitCode() == noWorld {
		os.Exit(m.Run())
	}
	os.Exit(cmd.ProcessState.ExitCode())
}

func makeWorld() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	ipnet := func(p netip.Prefix) *net.IPNet {
		return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
	}
	for _, p := range []netip.Prefix{ownAddr, ownAddr6} {
		if err := netlink.AddrAdd(lo, &netlink.Addr{IPNet: ipnet(p), Flags: unix.IFA_F_NODAD}); err != nil {
			return err
		}
	}
	for _, p := range []netip.Prefix{foreign, foreign6} {
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: lo.Attrs().Index, Dst: ipnet(p), Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: netlink.SCOPE_HOST}); err != nil {
			return err
		}
	}
	return nil
}

// box is a namespace behind an Egress.
type box struct {
	t  *testing.T
	e  *Egress
	ns *os.File
	// stop ends the Egress and waits for it.
	stop func()
}

func newBox(t *testing.T, p Policy, create func(Link) (*os.File, error)) *box {
	t.Helper()
	if os.Getenv(role) != "world" {
		t.Skip("this user cannot make network namespaces")
	}
	ns, err := NewNetNS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	var f *os.File
	if err := In(ns, func() (err error) { f, err = create(DefaultLink()); return err }); err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, ns: ns}
	b.serve(f, p)
	return b
}

func (b *box) serve(f *os.File, p Policy) {
	b.t.Helper()
	e, err := New(f, DefaultLink(), p)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	b.e, b.stop = e, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Errorf("Run: %v", err)
		}
	})
	b.t.Cleanup(b.stop)
}

// do runs the client in the box and returns what it prints.
func (b *box) do(args ...string) string {
	b.t.Helper()
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), role+"=client")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := In(b.ns, cmd.Start); err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.t.Fatalf("client %v: %v, %s", args, err, &out)
	}
	return strings.TrimSpace(out.String())
}

func (b *box) want(want string, args ...string) {
	b.t.Helper()
	if got := b.do(args...); got != want {
		b.t.Errorf("%v: %s, want %s", args, got, want)
	}
}

// client is what runs in a box. It returns a line that says how it went.
func client(args []string) string {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(DefaultLink().Gateway.String(), "53"))
	}}
	dialer := &net.Dialer{Resolver: resolver, Timeout: 30 * time.Second}
	web := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}}
	get := func(url string) string {
		resp, err := web.Get(url)
		if err != nil {
			return what(err)
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil {
			return fmt.Sprintf("cut: %s", what(err))
		}
		return fmt.Sprintf("%d %d", resp.StatusCode, n)
	}
	switch args[0] {
	case "resolve":
		addrs, err := resolver.LookupHost(context.Background(), args[1])
		if err != nil {
			return what(err)
		}
		slices.Sort(addrs)
		return strings.Join(addrs, " ")
	case "dial":
		conn, err := dialer.Dial(args[1], args[2])
		if err == nil && args[1] == "udp" { // refused only once something was sent
			conn.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err = conn.Write([]byte("hello")); err == nil {
				_, err = conn.Read(make([]byte, 1))
			}
		}
		return what(err)
	case "get":
		return get(args[1])
	case "many": // all at once: each is open before any is used
		n, _ := strconv.Atoi(args[1])
		var conns []net.Conn
		for range n {
			conn, err := dialer.Dial("tcp", args[2])
			if err != nil {
				return what(err)
			}
			conns = append(conns, conn)
		}
		good := 0
		for i, conn := range conns {
			fmt.Fprintf(conn, "hello %d\n", i)
		}
		for i, conn := range conns {
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err == nil && line == fmt.Sprintf("hello %d\n", i) {
				good++
			}
		}
		return strconv.Itoa(good)
	case "half": // the answer comes after our end
		conn, err := dialer.Dial("tcp", args[1])
		if err != nil {
			return what(err)
		}
		conn.Write(make([]byte, 1<<20))
		conn.(*net.TCPConn).CloseWrite()
		all, err := io.ReadAll(conn)
		return fmt.Sprintf("%s %s", all, what(err))
	case "upload":
		conn, err := dialer.Dial("tcp", args[1])
		if err != nil {
			return what(err)
		}
		n, _ := strconv.ParseInt(args[2], 10, 64)
		if _, err = io.CopyN(conn, zeros{}, n); err == nil {
			conn.(*net.TCPConn).CloseWrite()
			_, err = io.ReadAll(conn)
		}
		return what(err)
	case "hold": // open, and never read
		conn, err := dialer.Dial("tcp", args[1])
		if err != nil {
			return what(err)
		}
		conn.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Println("held")
		io.Copy(io.Discard, os.Stdin)
		return what(nil)
	}
	return "no such command"
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// what names the outcome.
func what(err error) string {
	dns := new(net.DNSError)
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such name"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	}
	return err.Error()
}

// names is a resolver that can be changed.
type names struct {
	mu    sync.Mutex
	addrs map[string][]string
	asked map[string]int
}

func (r *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, dotted := strings.CutSuffix(host, ".")
	if !dotted {
		return nil, fmt.Errorf("%q ends in no dot", host)
	}
	if r.asked == nil {
		r.asked = map[string]int{}
	}
	r.asked[name]++
	var found []netip.Addr
	for _, a := range r.addrs[name] {
		found = append(found, netip.MustParseAddr(a))
	}
	if found == nil {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	return found, nil
}

func (r *names) set(name string, addrs ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addrs[name] = addrs
}

func (r *names) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[name]
}

// listen serves each connection with f, at any port of addr.
func listen(t testing.TB, addr string, f func(*net.TCPConn)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				f(conn.(*net.TCPConn))
			}()
		}
	}()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

func echo(c *net.TCPConn) { io.Copy(c, c) }

// helper is a box made by an ordinary user: it is in namespaces of its own, makes the
// link there, passes it on, and becomes the client.
func helper() {
	conn, err := net.FileConn(os.NewFile(3, "parent"))
	if err == nil {
		var f *os.File
		if f, err = Create(DefaultLink()); err == nil {
			err = sendFile(conn.(*net.UnixConn), f)
			f.Close()
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	io.ReadFull(conn, make([]byte, 1)) // until the other end serves
	fmt.Println(client(os.Args[1:]))
}
