//go:build linux && (amd64 || arm64)

package egress

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// site serves n bytes at /n, on any address of the world.
func site(t testing.TB, addr string) (port string) {
	t.Helper()
	// Binding to an address by a route alone is free for IPv4 only.
	free := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		return errors.Join(c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1) }), err)
	}}
	l, err := free.Listen(t.Context(), "tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(strings.TrimPrefix(r.URL.Path, "/"), 10, 64)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		io.CopyN(w, zeros{}, n)
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// ways to make a link; both have to do.
func ways(t *testing.T, f func(t *testing.T, create func(Link) (*os.File, error))) {
	t.Run("TAP", func(t *testing.T) {
		if fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
			t.Skipf("this user cannot open /dev/net/tun: %v", err)
		} else {
			unix.Close(fd)
		}
		f(t, CreateTAP)
	})
	t.Run("Veth", func(t *testing.T) { f(t, CreateVeth) })
}

func inWorld(t testing.TB) {
	if os.Getenv(role) != "world" {
		t.Skip("this user cannot make network namespaces")
	}
}

func TestBoxReachesWhatIsAllowed(t *testing.T) {
	inWorld(t)
	ways(t, func(t *testing.T, create func(Link) (*os.File, error)) {
		port, port6 := site(t, "93.184.215.14"), site(t, "2606:4700:0:1::14")
		other := site(t, "93.184.215.14")
		own := site(t, ownAddr.Addr().String())
		r := &names{addrs: map[string][]string{
			"site.example": {"93.184.215.14"}, "six.example": {"2606:4700:0:1::14"}, "a.cdn.example": {"93.184.215.14"},
			"unlisted.example": {"93.184.215.14"}, "own.example": {ownAddr.Addr().String()},
			"inside.example": {"192.168.1.1", "127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "fe80::1"},
			"mixed.example":  {"10.0.0.1", "93.184.215.15"},
		}}
		b := newBox(t, Policy{Resolver: r, Network: sandbox.Network{Allow: []string{
			"site.example:" + port, "six.example:" + port6, "*.cdn.example:" + port, "own.example:" + own, "inside.example", "mixed.example", "gone.example",
		}}}, create)

		b.want("93.184.215.14", "resolve", "Site.Example")
		b.want("2606:4700:0:1::14", "resolve", "six.example")
		b.want("93.184.215.15", "resolve", "mixed.example")
		for _, name := range []string{"unlisted.example", "inside.example", "own.example", "gone.example", "cdn.example"} {
			b.want("no such name", "resolve", name)
		}
		b.want("200 100000", "get", "http://site.example:"+port+"/100000")
		b.want("200 3000000", "get", "http://six.example:"+port6+"/3000000")
		b.want("200 0", "get", "http://a.cdn.example:"+port+"/0")
		if n := r.count("unlisted.example"); n != 0 {
			t.Errorf("a name that is not on the list went to the host's resolver %d times", n)
		}

		// By address, what was resolved and nothing else.
		b.want("ok", "dial", "tcp", "93.184.215.14:"+port)
		for _, addr := range []string{
			"93.184.215.14:" + other, "93.184.215.16:" + port, ownAddr.Addr().String() + ":" + own,
			"169.254.169.254:80", "192.168.1.1:80", "10.231.0.1:53", "10.231.0.1:80", "[2606:4700:0:1::15]:80", "[fd00:ec2::254]:80", "93.184.215.14:25",
		} {
			b.want("refused", "dial", "tcp", addr)
		}
		b.want("refused", "dial", "udp", "93.184.215.14:"+port)
		b.want("refused", "dial", "udp", "93.184.215.14:53")
		if u := b.e.Usage(); u.Got < 3_100_000 || u.Sent == 0 || u.Refused < 14 || u.Capped {
			t.Errorf("usage %+v", u)
		}
		b.stop()
		if u := b.e.Usage(); u.Conns != 0 {
			t.Errorf("%d connections are open after the end", u.Conns)
		}
	})
}

func TestRebindingGainsNothing(t *testing.T) {
	inWorld(t)
	port := listen(t, "93.184.215.14", echo)
	listenAt := func(addr string) {
		l, err := net.Listen("tcp", net.JoinHostPort(addr, port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
	}
	listenAt("93.184.215.99")
	listenAt(ownAddr.Addr().String())
	r := &names{addrs: map[string][]string{"turn.example": {"93.184.215.14"}}}
	b := newBox(t, Policy{Resolver: r, Network: sandbox.Network{Allow: []string{"turn.example:" + port}}}, Create)
	b.want("93.184.215.14", "resolve", "turn.example")
	r.set("turn.example", "93.184.215.99", ownAddr.Addr().String(), "127.0.0.1")
	b.want("93.184.215.14", "resolve", "turn.example")
	b.want("ok", "dial", "tcp", "turn.example:"+port)
	b.want("refused", "dial", "tcp", "93.184.215.99:"+port)
	b.want("refused", "dial", "tcp", ownAddr.Addr().String()+":"+port)
	if n := r.count("turn.example"); n != 1 {
		t.Errorf("resolved %d times, want once", n)
	}
}

// An address that was foreign when it was resolved, and has become the host's.
func TestOwnAddressesAreReadAgain(t *testing.T) {
	inWorld(t)
	port := listen(t, "93.184.215.14", echo)
	own := make(chan []netip.Addr, 1)
	own <- nil
	b := newBox(t, Policy{
		Resolver: &names{addrs: map[string][]string{"a.example": {"93.184.215.14"}}},
		Network:  sandbox.Network{Allow: []string{"a.example:" + port}},
		Own:      func() ([]netip.Addr, error) { a := <-own; own <- a; return a, nil },
	}, Create)
	b.want("ok", "dial", "tcp", "a.example:"+port)
	<-own
	own <- []netip.Addr{netip.MustParseAddr("93.184.215.14")}
	b.want("refused", "dial", "tcp", "a.example:"+port)
}

func TestByteCap(t *testing.T) {
	inWorld(t)
	const most = 300_000
	port, up := site(t, "93.184.215.14"), listen(t, "93.184.215.15", func(c *net.TCPConn) { io.Copy(io.Discard, c) })
	capped := make(chan struct{})
	r := &names{addrs: map[string][]string{"down.example": {"93.184.215.14"}, "up.example": {"93.184.215.15"}, "later.example": {"93.184.215.14"}}}
	b := newBox(t, Policy{
		Resolver: r, OnCap: func() { close(capped) },
		Network: sandbox.Network{Bytes: most, Allow: []string{"down.example:" + port, "later.example:" + port, "up.example:" + up}},
	}, Create)
	b.want("200 100000", "get", "http://down.example:"+port+"/100000")
	b.want("ok", "upload", "up.example:"+up, "100000")
	if u := b.e.Usage(); u.Sent < 100_000 || u.Got < 100_000 || u.Capped {
		t.Errorf("usage %+v before the cap", u)
	}
	b.want("reset", "upload", "up.example:"+up, "50000000")
	<-capped
	if u := b.e.Usage(); u.Sent+u.Got != most || !u.Capped {
		t.Errorf("usage %+v at a cap of %d", u, most)
	}
	b.want("refused", "dial", "tcp", "93.184.215.14:"+port)
	if got := b.do("resolve", "later.example"); !strings.Contains(got, "server misbehaving") {
		t.Errorf("a name after the cap: %s", got)
	}
	if n := r.count("later.example"); n != 0 {
		t.Errorf("the host's resolver was asked after the cap")
	}
}

func TestHalfClose(t *testing.T) {
	inWorld(t)
	ways(t, func(t *testing.T, create func(Link) (*os.File, error)) {
		port := listen(t, "93.184.215.14", func(c *net.TCPConn) {
			n, err := io.Copy(io.Discard, c)
			fmt.Fprintf(c, "%d bytes, %v", n, err)
		})
		b := newBox(t, Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}}, create)
		b.want("1048576 bytes, <nil> ok", "half", "93.184.215.14:"+port)
	})
}

func TestHundredConnections(t *testing.T) {
	inWorld(t)
	port := listen(t, "93.184.215.14", echo)
	n := sandbox.Network{Allow: []string{"93.184.215.14:" + port}}
	b := newBox(t, Policy{Network: n}, Create)
	b.want("100", "many", "100", "93.184.215.14:"+port)
	if u := b.e.Usage(); u.Opened != 100 {
		t.Errorf("usage %+v", u)
	}
	few := newBox(t, Policy{Network: n, Conns: 10}, Create)
	few.want("10", "many", "10", "93.184.215.14:"+port)
	few.want("refused", "many", "11", "93.184.215.14:"+port)
}

// A box that reads nothing holds what fits in the queues, and no more; and it is cut
// off when nothing has moved for long enough.
func TestSlowReader(t *testing.T) {
	inWorld(t)
	wrote := make(chan int64, 1)
	port := listen(t, "93.184.215.14", func(c *net.TCPConn) {
		n, _ := io.Copy(c, zeros{})
		wrote <- n
	})
	b := newBox(t, Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}, Idle: 500 * time.Millisecond}, Create)
	cmd := exec.Command("/proc/self/exe", "hold", "93.184.215.14:"+port)
	cmd.Env = append(os.Environ(), role+"=client")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := In(b.ns, cmd.Start); err != nil {
		t.Fatal(err)
	}
	n := <-wrote // the idle limit has ended it
	stdin.Close()
	cmd.Wait()
	if u := b.e.Usage(); u.Got > 8<<20 {
		t.Errorf("%d bytes were taken for a box that read none (%d written)", u.Got, n)
	}
}

func TestOrdinaryUserPassesTheInterface(t *testing.T) {
	inWorld(t)
	port := site(t, "93.184.215.14")
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs, file := os.NewFile(uintptr(fds[0]), "theirs"), os.NewFile(uintptr(fds[1]), "ours")
	c, err := net.FileConn(file)
	if err != nil {
		t.Fatal(err)
	}
	file.Close()
	conn := c.(*net.UnixConn)
	defer conn.Close()
	cmd := exec.Command("/proc/self/exe", "get", "http://site.example:"+port+"/123456")
	cmd.Env = append(os.Environ(), role+"=helper")
	cmd.ExtraFiles = []*os.File{theirs}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	uid, gid := os.Geteuid(), os.Getegid()
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET}
	if uid == 0 && unprivileged() {
		uid, gid = 65534, 65534 // mapped to root of the new namespace alone
	}
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: uid, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: gid, Size: 1}}
	cmd.SysProcAttr.Credential = &syscall.Credential{NoSetGroups: true}
	if err := cmd.Start(); err != nil {
		t.Skipf("this user cannot make a user namespace: %v", err)
	}
	theirs.Close()
	f, err := receiveFile(conn)
	if err != nil {
		conn.Close()
		cmd.Wait()
		t.Fatalf("%v; the helper said %s", err, &out)
	}
	b := &box{t: t}
	b.serve(f, Policy{
		Resolver: &names{addrs: map[string][]string{"site.example": {"93.184.215.14"}}},
		Network:  sandbox.Network{Allow: []string{"site.example:" + port}},
	})
	conn.Write([]byte{0})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(out.String()); got != "200 123456" {
		t.Errorf("the helper's box got %s", got)
	}
}

// unprivileged reports whether this is root of the machine, which can take other
// users' numbers.
func unprivileged() bool {
	m, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(m)), " ") == "0 0 4294967295"
}
