package swarm_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/blob/swarm"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/p2p/p2ptest"
)

const protocol = "artel/swarm/1"

// node is a swarm on a real host on loopback.
type node struct {
	host  *libp2p.Host
	swarm *swarm.Swarm
	store blob.Store
}

func start(t testing.TB, n int, store blob.Store, listen string) *node {
	t.Helper()
	host, err := libp2p.New(libp2p.Config{Key: p2ptest.Key(n), Network: artel.Keccak([]byte("swarm")),
		Wire: p2p.Versions{Min: 1, Max: 1}, Listen: []string{listen}})
	if err != nil {
		t.Fatal(err)
	}
	d := &node{host: host, store: store}
	d.swarm = swarm.New(swarm.Config{
		Self: host.ID(), Store: store, Addrs: host.Addrs,
		Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil },
		Open: func(ctx context.Context, peer artel.NodeID, addrs []string) (blob.Stream, error) {
			s, err := host.OpenStream(ctx, peer, protocol)
			if !errors.Is(err, p2p.Unavailable) {
				return s, err
			}
			for _, a := range addrs {
				if host.Connect(ctx, a) == nil {
					break
				}
			}
			return host.OpenStream(ctx, peer, protocol)
		},
	})
	host.HandleStream(protocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) { d.swarm.Serve(ctx, s, from) })
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- host.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	select {
	case <-host.Ready():
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	return d
}

// pullAll lets each puller, which knows nobody but the seeder, fetch root.
func pullAll(t testing.TB, root artel.Ref, seeder *node, pullers []*node) []time.Duration {
	t.Helper()
	errs, took := make([]error, len(pullers)), make([]time.Duration, len(pullers))
	for _, p := range pullers {
		if err := p.host.Connect(t.Context(), seeder.host.Addrs()[0]); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	start := time.Now()
	for i, p := range pullers {
		wg.Go(func() {
			errs[i] = p.swarm.Fetch(t.Context(), root, []artel.NodeID{seeder.host.ID()}, swarm.Options{})
			took[i] = time.Since(start)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return took
}

// TestLibp2p: four pullers on real hosts find each other by the seeder.
func TestLibp2p(t *testing.T) {
	for name, listen := range map[string]string{"quic": "/ip4/127.0.0.1/udp/0/quic-v1", "tcp": "/ip4/127.0.0.1/tcp/0"} {
		t.Run(name, func(t *testing.T) {
			seeder := start(t, 1, mem.New(0), listen)
			root, size, err := blob.AddFile(t.Context(), seeder.store, io.LimitReader(rand.NewChaCha8([32]byte{1}), 32<<20+5))
			if err != nil {
				t.Fatal(err)
			}
			var pullers []*node
			for n := range 4 {
				pullers = append(pullers, start(t, 2+n, mem.New(0), listen))
			}
			pullAll(t, root, seeder, pullers)
			var relayed int64
			for _, p := range pullers {
				f, err := blob.Open(t.Context(), p.store, root)
				if err != nil {
					t.Fatal(err)
				}
				if n, err := f.WriteTo(io.Discard); err != nil || n != size {
					t.Fatalf("read %d of %d bytes, %v", n, size, err)
				}
				relayed += p.swarm.Usage(root).Sent
			}
			sent := seeder.swarm.Usage(root).Sent
			t.Logf("the seeder sent %.3f times the root, the pullers %.3f", float64(sent)/float64(size), float64(relayed)/float64(size))
			if float64(sent) > 1.2*float64(size) {
				t.Fatalf("the seeder sent %d bytes of a root of %d", sent, size)
			}
		})
	}
}

// BenchmarkLibp2p pulls SWARM_MIB (256) MiB by four nodes, onto disks.
func BenchmarkLibp2p(b *testing.B) {
	size := int64(256 << 20)
	if s := os.Getenv("SWARM_MIB"); s != "" {
		if _, err := fmt.Sscan(s, &size); err != nil {
			b.Fatal(err)
		}
		size <<= 20
	}
	for name, listen := range map[string]string{"quic": "/ip4/127.0.0.1/udp/0/quic-v1", "tcp": "/ip4/127.0.0.1/tcp/0"} {
		b.Run(name, func(b *testing.B) {
			open := func() blob.Store {
				s, err := disk.Open(b.TempDir(), 0)
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { s.Close() })
				return s
			}
			seeder := start(b, 1, open(), listen)
			root, _, err := blob.AddFile(b.Context(), seeder.store, io.LimitReader(rand.NewChaCha8([32]byte{1}), size))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(4 * size)
			for b.Loop() {
				var pullers []*node
				for n := range 4 {
					pullers = append(pullers, start(b, 2+n, open(), listen))
				}
				took := pullAll(b, root, seeder, pullers)
				var wasted, relayed int64
				for _, p := range pullers {
					u := p.swarm.Usage(root)
					wasted, relayed = wasted+u.Wasted, relayed+u.Sent
				}
				b.ReportMetric(float64(seeder.swarm.Usage(root).Sent)/float64(size), "seeder-copies")
				b.ReportMetric(float64(relayed)/float64(size), "relayed-copies")
				b.ReportMetric(float64(wasted)/float64(size), "wasted-copies")
				b.Logf("took %v", took)
			}
		})
	}
}
