//go:build linux && (amd64 || arm64)

package egress

import (
	"context"
	"os"
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
