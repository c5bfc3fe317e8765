package libp2p_test

import (
	"context"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

// up runs a host until the test or benchmark ends.
func up(t testing.TB, c libp2p.Config, setup ...func(*libp2p.Host)) (*libp2p.Host, func()) {
	t.Helper()
	if c.Network.IsZero() {
		c.Network = artel.Keccak([]byte("test"))
	}
	if c.Wire == (p2p.Versions{}) {
		c.Wire = p2p.Versions{Min: 1, Max: 1}
	}
	h, err := libp2p.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range setup {
		f(h)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	select {
	case <-h.Ready():
	case err := <-done:
		done <- err
		t.Fatalf("run: %v", err)
	}
	return h, stop
}

func withEcho(h *libp2p.Host) {
	h.Handle("echo", p2p.MaxMessage, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) { return req, nil })
}

func benchPair(b *testing.B, listen []string, setup ...func(*libp2p.Host)) (x, y *libp2p.Host) {
	x, _ = up(b, libp2p.Config{Key: p2ptest.Key(1), Listen: listen})
	y, _ = up(b, libp2p.Config{Key: p2ptest.Key(2), Listen: listen}, setup...)
	if err := x.Connect(b.Context(), y.Addrs()[0]); err != nil {
		b.Fatal(err)
	}
	return x, y
}

// BenchmarkCall asks one question at a time on a kept stream.
func BenchmarkCall(b *testing.B) {
	for name, listen := range transports {
		b.Run(name, func(b *testing.B) {
			x, y := benchPair(b, listen, withEcho)
			ctx, cancel := context.WithTimeout(b.Context(), 10*time.Minute)
			defer cancel()
			req := make([]byte, 512)
			took := make([]time.Duration, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, err := x.Call(ctx, y.ID(), "echo", req, 512); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds()), "p95-µs")
		})
	}
}

// BenchmarkCalls asks 32 at a time.
func BenchmarkCalls(b *testing.B) {
	for name, listen := range transports {
		b.Run(name, func(b *testing.B) {
			x, y := benchPair(b, listen, withEcho)
			req := make([]byte, 512)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := x.Call(b.Context(), y.ID(), "echo", req, 512); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkStream moves bulk data.
func BenchmarkStream(b *testing.B) {
	for name, listen := range transports {
		b.Run(name, func(b *testing.B) {
			x, y := benchPair(b, listen, func(h *libp2p.Host) {
				h.HandleStream("sink", func(_ context.Context, _ artel.NodeID, s p2p.Stream) { io.Copy(io.Discard, s) })
			})
			s, err := x.OpenStream(b.Context(), y.ID(), "sink")
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			chunk := make([]byte, 1<<20)
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				if _, err := s.Write(chunk); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
