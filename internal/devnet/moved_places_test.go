//go:build images && linux

package devnet_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/internal/devnet"
	"github.com/artel-network/artel/network"
)

// insidePlace says to a process that it holds a place: JSON of placeOf.
const insidePlace = "ARTEL_TEST_PLACE"

// placeOf is what a process that holds a place does there.
type placeOf struct {
	Forward map[string]string // sockets by the loopback port that leads to them
	CPUInfo string            // the file that is seen at /proc/cpuinfo; "": what is there
}

// places are user, network and mount namespaces for nodes, on one bridge. On each
// loopback the chain is where it is on this one.
type places struct {
	*world
	bridge  string
	forward map[string]string
	count   int
}

func (p *places) addr(n int) string { return fmt.Sprintf("10.231.0.%d", n) }

// newPlaces makes the bridge, with the renter on it, and leads to the chain.
func newPlaces(t *testing.T, w *world) *places {
	t.Helper()
	p := &places{world: w, bridge: "artel0", forward: map[string]string{}, count: 1}
	tool(t, "ip", "link", "add", p.bridge, "type", "bridge")
	tool(t, "ip", "addr", "add", p.addr(1)+"/24", "dev", p.bridge)
	tool(t, "ip", "link", "set", p.bridge, "up")
	w.net.Put("renter", devnet.Place{Host: p.addr(1)})
	// Other users go through it.
	for _, dir := range []string{w.net.Dir(), w.bin} {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	f, err := network.Load(w.net.NetworkFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{w.net.RPC(), f.Faucet.URL} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		socket := filepath.Join(w.net.Dir(), "port-"+u.Port())
		l, err := net.Listen("unix", socket)
		if err == nil {
			err = os.Chmod(socket, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go lead(l, "tcp", u.Host)
		p.forward[u.Port()] = socket
	}
	return p
}

// lead connects whoever comes with an address, until l is closed.
func lead(l net.Listener, kind, addr string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer in.Close()
			out, err := net.Dial(kind, addr)
			if err != nil {
				return
			}
			defer out.Close()
			go func() {
				io.Copy(out, in)
				out.(interface{ CloseWrite() error }).CloseWrite()
			}()
			io.Copy(in, out)
		}()
	}
}

// start starts a node in a place of its own, as a user of its own where this one may
// have others. What stands in cpuinfo is the processor that it sees; "": the real one.
func (p *places) start(t *testing.T, name, cpuinfo string) *devnet.Node {
	t.Helper()
	p.count++
	uid := 0
	if b, err := os.ReadFile("/proc/self/uid_map"); err == nil && len(strings.Fields(string(b))) == 3 && strings.Fields(string(b))[2] == "4294967295" {
		uid = 200_000 + p.count
	}
	what := placeOf{Forward: p.forward}
	if cpuinfo != "" {
		what.CPUInfo = filepath.Join(p.net.Dir(), name+".cpuinfo")
		if err := os.WriteFile(what.CPUInfo, []byte(cpuinfo), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pid := p.hold(t, uid, what)
	inside := []string{"nsenter", "--target", fmt.Sprint(pid), "--user", "--net", "--mount", "--"}
	here := fmt.Sprintf("veth%d", p.count)
	tool(t, "ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", fmt.Sprint(pid))
	tool(t, "ip", "link", "set", here, "master", p.bridge, "up")
	tool(t, inside[0], append(inside[1:], "ip", "addr", "add", p.addr(p.count)+"/24", "dev", "eth0")...)
	tool(t, inside[0], append(inside[1:], "ip", "link", "set", "eth0", "up")...)

	// Its directory is its own, with the figures that the first node has.
	dir := filepath.Join(p.net.Dir(), name)
	b, err := os.ReadFile(datadir.At(p.renter.Dir).Measured())
	if err == nil {
		err = errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(datadir.At(dir).Measured(), b, 0o600))
	}
	if err == nil && uid != 0 {
		err = errors.Join(os.Chown(dir, uid, uid), os.Chown(datadir.At(dir).Measured(), uid, uid), os.Chmod(p.net.NetworkFile(), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	p.net.Put(name, devnet.Place{Enter: append(inside, "env", "HOME="+dir, "TMPDIR="+dir), Host: p.addr(p.count)})
	n, err := p.net.StartNode(p.ctx, name, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.API.Faucet(p.ctx); err != nil {
		t.Fatal(err)
	}
	p.providers = append(p.providers, n)
	return n
}

// hold starts the process that a place lives by, and returns it when the place is there.
func (p *places) hold(t *testing.T, uid int, what placeOf) (pid int) {
	t.Helper()
	b, err := json.Marshal(what)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(p.ctx, "/proc/self/exe", "-test.run=^"+t.Name()+"$") // another user may not reach it by its name
	cmd.Dir, cmd.Env = "/", append(os.Environ(), insidePlace+"="+string(b))
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}},
		Credential:  &syscall.Credential{Uid: 0, Gid: 0, NoSetGroups: true},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		cmd.Stderr = os.Stderr
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("make a place: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, "here") {
		more, _ := io.ReadAll(lines)
		t.Fatalf("make a place: %v; it says\n%s%s", err, line, more)
	}
	return cmd.Process.Pid
}

// holdPlace is a place's process: it makes it, and stays.
func holdPlace(t *testing.T) {
	var p placeOf
	if err := json.Unmarshal([]byte(os.Getenv(insidePlace)), &p); err != nil {
		t.Fatal(err)
	}
	tool(t, "ip", "link", "set", "lo", "up")
	if p.CPUInfo != "" {
		if err := syscall.Mount(p.CPUInfo, "/proc/cpuinfo", "", syscall.MS_BIND, ""); err != nil {
			t.Fatalf("put another /proc/cpuinfo in its place: %v", err)
		}
	}
	for port, socket := range p.Forward {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		go lead(l, "unix", socket)
	}
	fmt.Println("here")
	<-t.Context().Done() // which is when it is killed
}

// alone makes the processes of this one its own to see, so that all of them end with it.
func alone(t *testing.T) {
	t.Helper()
	settle(t)
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Skipf("this system lets nobody have a /proc of his own: %v", err)
	}
}

// lesser is this machine's processor without something that it can.
func lesser(t *testing.T) (cpuinfo, without string) {
	t.Helper()
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, without := range []string{"avx2", "avx", "sse4_2", "ssse3"} { // of what gVisor knows
		if text := strings.ReplaceAll(string(b), " "+without+" ", " "); text != string(b) {
			return text, without
		}
	}
	t.Skipf("nothing to leave away in what /proc/cpuinfo says of %s", runtime.GOARCH)
	return "", ""
}

// provides puts a node's offer up.
func (p *places) provides(t *testing.T, n *devnet.Node, c api.ProvideConfig, offers int) {
	t.Helper()
	if _, err := n.API.Provide(p.ctx, c); err != nil {
		t.Fatal(err)
	}
	if _, err := p.renter.Offers(p.ctx, offers); err != nil {
		t.Fatal(err)
	}
}
