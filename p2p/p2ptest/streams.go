package p2ptest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
)

func copyBack(_ context.Context, _ artel.NodeID, s p2p.Stream) { io.Copy(s, s) }

func testStream(t *testing.T, r *room) {
	callers := make(chan artel.NodeID, 1)
	a, b := r.pair(func(h p2p.Host) {
		h.HandleStream("blob/put", func(_ context.Context, f artel.NodeID, s p2p.Stream) {
			callers <- f
			sum := sha256.New()
			if _, err := io.Copy(sum, s); err != nil {
				t.Errorf("read: %v", err)
			}
			s.Write(sum.Sum(nil))
		})
		h.HandleStream("echo", copyBack)
		h.HandleStream("panic", func(context.Context, artel.NodeID, p2p.Stream) { panic("oops") })
	})
	data := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{1}).Read(data)
	s, err := a.OpenStream(r.ctx(), b.ID(), "blob/put")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(data); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatalf("close write: %v", err)
	}
	sum, err := io.ReadAll(s)
	if want := sha256.Sum256(data); err != nil || !bytes.Equal(sum, want[:]) {
		t.Fatalf("answer %x: %v", sum, err)
	}
	if from := <-callers; from != a.ID() {
		t.Errorf("handler saw %s, want %s", from, a.ID())
	}
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	_, err = a.OpenStream(r.ctx(), b.ID(), "nothing")
	r.wantCode(err, p2p.Unsupported, true)
	_, err = a.OpenStream(r.ctx(), a.ID(), "echo")
	r.wantCode(err, p2p.Invalid, false)

	// A handler registered while the host is up is found too.
	b.HandleStream("late", copyBack)
	for _, name := range []string{"panic", "late"} {
		s, err := a.OpenStream(r.ctx(), b.ID(), name)
		if err != nil {
			t.Fatalf("open %s: %v", name, err)
		}
		s.Write([]byte("x"))
		s.CloseWrite()
		got, err := io.ReadAll(s)
		if name == "late" && (err != nil || string(got) != "x") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if name == "panic" && err == nil {
			t.Errorf("%s: read %q without an error", name, got)
		}
		s.Close()
	}
}

// testStreamBackpressure: a writer cannot outrun a reader that stands still, other
// streams and calls go on meanwhile, and every byte arrives once it reads.
func testStreamBackpressure(t *testing.T, r *room) {
	read := make(chan struct{})
	counted := make(chan int64, 1)
	a, b := r.pair(withEcho, func(h p2p.Host) {
		h.HandleStream("slow", func(_ context.Context, _ artel.NodeID, s p2p.Stream) {
			<-read
			n, _ := io.Copy(io.Discard, s)
			counted <- n
		})
		h.HandleStream("echo", copyBack)
	})
	s, err := a.OpenStream(r.ctx(), b.ID(), "slow")
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 1<<20)
	var sent int64
	stuck := false
	for range 64 {
		s.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		n, err := s.Write(chunk)
		sent += int64(n)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			stuck = true
			break
		}
		if err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	if !stuck {
		t.Fatalf("%d bytes were taken from the writer while nobody read", sent)
	}
	if _, err := a.Call(r.ctx(), b.ID(), "echo", []byte("x"), 1); err != nil {
		t.Errorf("call beside a full stream: %v", err)
	}
	other, err := a.OpenStream(r.ctx(), b.ID(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	other.Write([]byte("x"))
	other.CloseWrite()
	if got, err := io.ReadAll(other); err != nil || string(got) != "x" {
		t.Errorf("stream beside a full one: %q, %v", got, err)
	}
	other.Close()
	close(read)
	s.SetWriteDeadline(time.Time{})
	n, err := s.Write(chunk)
	if err != nil {
		t.Fatalf("write once the reader reads: %v", err)
	}
	s.CloseWrite()
	select {
	case got := <-counted:
		if got != sent+int64(n) {
			t.Errorf("%d bytes arrived of %d", got, sent+int64(n))
		}
	case <-time.After(patience):
		t.Error("the rest does not arrive")
	}
	s.Close()
}

func testStreamDeadline(t *testing.T, r *room) {
	a, b := r.pair(func(h p2p.Host) { h.HandleStream("echo", copyBack) })
	s, err := a.OpenStream(r.ctx(), b.ID(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read past the deadline: %v", err)
	}
	s.SetDeadline(time.Time{})
	s.Write([]byte("x"))
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		t.Fatalf("read after the deadline was lifted: %v", err)
	}
}

func testStreamReset(t *testing.T, r *room) {
	ended := make(chan error, 1)
	a, b := r.pair(func(h p2p.Host) {
		h.HandleStream("read", func(_ context.Context, _ artel.NodeID, s p2p.Stream) {
			s.Write([]byte("ready"))
			_, err := io.Copy(io.Discard, s)
			ended <- err
		})
		h.HandleStream("leave", func(_ context.Context, _ artel.NodeID, s p2p.Stream) {
			io.ReadFull(s, make([]byte, 1))
		})
	})
	s, err := a.OpenStream(r.ctx(), b.ID(), "read")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, len("ready"))); err != nil {
		t.Fatal(err)
	}
	s.Reset()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("a reset looked like a clean end")
		}
	case <-time.After(patience):
		t.Error("the reset does not arrive")
	}
	if _, err := s.Write([]byte("x")); err == nil {
		t.Error("a write after Reset: no error")
	}
	s, err = a.OpenStream(r.ctx(), b.ID(), "leave")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Write([]byte("x"))
	if got, err := io.ReadAll(s); len(got) > 0 || err != nil {
		t.Errorf("handler that returned: %q, %v", got, err)
	}
	r.eventually("writes to a handler that returned fail", func() bool {
		s.SetWriteDeadline(time.Now().Add(time.Second))
		_, err := s.Write(make([]byte, 64<<10))
		return err != nil
	})
}

func testStreamStop(t *testing.T, r *room) {
	started := make(chan struct{}, 1)
	a, _ := r.host()
	b, stop := r.host(func(h p2p.Host) {
		h.HandleStream("hold", func(ctx context.Context, _ artel.NodeID, s p2p.Stream) {
			started <- struct{}{}
			io.Copy(io.Discard, s)
		})
	})
	r.connect(a, b)
	s, err := a.OpenStream(r.ctx(), b.ID(), "hold")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	s.Write([]byte("x"))
	r.wait("stream handler", started)
	stop()
	s.SetReadDeadline(time.Now().Add(patience))
	if _, err := s.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read from a host that stopped: %v", err)
	}
}
