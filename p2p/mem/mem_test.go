package mem_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
)

func nodeID(i int) artel.NodeID {
	var secret [32]byte
	binary.BigEndian.PutUint64(secret[24:], uint64(i)+1)
	k, err := artel.KeyFromBytes(secret[:])
	if err != nil {
		panic(err)
	}
	return k.NodeID()
}

// fleet brings n hosts up inside a bubble and takes them down at the end.
func fleet(t *testing.T, net *mem.Network, n int, setup func(i int, h *mem.Host)) []*mem.Host {
	ctx, cancel := context.WithCancel(context.Background())
	hosts := make([]*mem.Host, n)
	var wg sync.WaitGroup
	for i := range hosts {
		hosts[i] = net.NewHost(mem.Config{ID: nodeID(i), Wire: p2p.Versions{Min: 1, Max: 1}})
		if setup != nil {
			setup(i, hosts[i])
		}
		wg.Go(func() {
			if err := hosts[i].Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	for _, h := range hosts {
		<-h.Ready()
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return hosts
}

func echo(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) { return req, nil }

func TestThousandHosts(t *testing.T) {
	const n, publishers = 1000, 100
	real := time.Now()
	var virtual time.Duration
	var st mem.Stats
	synctest.Test(t, func(t *testing.T) {
		net := mem.NewNetwork(1)
		net.SetLink(mem.Link{Latency: 20 * time.Millisecond, Jitter: 80 * time.Millisecond, LoseRequest: 0.01, LoseAnswer: 0.01, Duplicate: 0.01})
		var mu sync.Mutex
		heard := 0
		hosts := fleet(t, net, n, func(_ int, h *mem.Host) {
			h.Handle("echo", 64, echo)
			if _, err := h.Subscribe("offers", func(context.Context, p2p.Message) p2p.Verdict { return p2p.Accept },
				func(p2p.Message) { mu.Lock(); heard++; mu.Unlock() }); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		var wg sync.WaitGroup
		for i, h := range hosts {
			wg.Go(func() {
				if i < publishers {
					if err := h.Publish(t.Context(), "offers", []byte("an offer")); err != nil {
						t.Error(err)
					}
				}
				for j := range 20 {
					to := hosts[(i+1+j*37)%n].ID()
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					resp, err := h.Call(ctx, to, "echo", []byte("question"), 64)
					cancel()
					switch {
					case errors.Is(err, context.DeadlineExceeded): // lost on the way
					case err != nil || string(resp) != "question":
						t.Errorf("call: %q, %v", resp, err)
					}
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		virtual, st = time.Since(start), net.Stats()
		if heard != st.Delivered || heard+st.Dropped != publishers*(n-1) {
			t.Errorf("heard %d, stats %+v, want %d published messages in all", heard, st, publishers*(n-1))
		}
		if st.Calls != 20*n || st.LostRequests == 0 || st.LostAnswers == 0 || st.Duplicates == 0 {
			t.Errorf("stats %+v: want %d calls and some of every fault", st, 20*n)
		}
	})
	t.Logf("%d hosts, %v virtual in %v real: %+v", n, virtual, time.Since(real).Round(time.Millisecond), st)
}
