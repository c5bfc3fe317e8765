//go:build linux && (amd64 || arm64)

package egress

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// Frames of any shape go through the filter and the whole stack, as from a box.
func FuzzFrames(f *testing.F) {
	f.Add(frame4(6, 20, func(ip []byte) { ip[20+13], ip[20+12], ip[23] = 2, 0x50, 80 })) // SYN
	f.Add(frame4(17, 40, func(ip []byte) { copy(ip[16:], []byte{10, 231, 0, 1}); ip[23], ip[25] = 53, 40 }))
	f.Add(frame6(6, 20, func(ip []byte) { ip[40+13], ip[40+12] = 2, 0x50 }))
	f.Add(frame6(58, 24, func(ip []byte) { ip[40] = 135 }))
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		f.Fatal(err)
	}
	box := os.NewFile(uintptr(fds[1]), "box")
	e, err := New(os.NewFile(uintptr(fds[0]), "gateway"), DefaultLink(), Policy{Network: sandbox.Network{Allow: []string{"*.a.example"}}})
	if err != nil {
		f.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	if _, err := box.Write([]byte("no frame")); err != nil {
		f.Fatal(err)
	}
	for e.endpoint.dropped.Load() == 0 { // Run has built the stack, and reads
		runtime.Gosched()
	}
	go func() { // what the stack answers, so that its socket does not fill
		for b := make([]byte, 1<<17); ; {
			if _, err := box.Read(b); err != nil {
				return
			}
		}
	}()
	f.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			f.Errorf("Run: %v", err)
		}
		box.Close()
	})
	f.Fuzz(func(t *testing.T, frame []byte) {
		e.endpoint.deliver(frame)
		if u := e.Usage(); u.Opened != 0 || u.Sent != 0 {
			t.Fatalf("a connection was opened: %+v", u)
		}
	})
}

// A box that asks for a connection and then says nothing, not even its address, does
// not keep Run from ending.
func TestEndWhileTheBoxIsSilent(t *testing.T) {
	inWorld(t)
	accepted := make(chan struct{}, 1)
	port := listen(t, "93.184.215.14", func(c *net.TCPConn) {
		accepted <- struct{}{}
		io.Copy(io.Discard, c)
	})
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	silent := os.NewFile(uintptr(fds[1]), "box")
	defer silent.Close()
	b := &box{t: t}
	b.serve(os.NewFile(uintptr(fds[0]), "gateway"), Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}})
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	syn := frame4(6, 20, func(ip []byte) {
		binary.BigEndian.PutUint16(ip[20:], 40000)
		binary.BigEndian.PutUint16(ip[22:], uint16(n))
		ip[20+12], ip[20+13] = 0x50, 2
	})
	if _, err := silent.Write(syn); err != nil {
		t.Fatal(err)
	}
	<-accepted
	b.stop()
	if u := b.e.Usage(); u.Conns != 0 || u.Opened != 0 {
		t.Errorf("usage %+v", u)
	}
}
