package mem_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
)

func accept(context.Context, p2p.Message) p2p.Verdict { return p2p.Accept }

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := mem.NewNetwork(1)
		net.SetLink(mem.Link{Latency: 10 * time.Millisecond})
		var heard atomic.Int32
		hosts := fleet(t, net, 3, func(i int, h *mem.Host) {
			h.Handle("echo", 64, echo)
			h.HandleStream("hold", func(_ context.Context, _ artel.NodeID, s p2p.Stream) { s.Read(make([]byte, 1)) })
			if _, err := h.Subscribe("offers", accept, func(p2p.Message) { heard.Add(1) }); err != nil {
				t.Error(err)
			}
		})
		a, b, c := hosts[0], hosts[1], hosts[2]
		call := func(from, to *mem.Host) (time.Duration, error) {
			start := time.Now()
			_, err := from.Call(t.Context(), to.ID(), "echo", nil, 0)
			return time.Since(start), err
		}
		if took, err := call(a, b); err != nil || took != 20*time.Millisecond {
			t.Errorf("call: %v after %v, want one round trip of 20ms", err, took)
		}
		s, err := a.OpenStream(t.Context(), b.ID(), "hold")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		var events []p2p.Event
		a.Watch(func(e p2p.Event) { events = append(events, e) })

		net.Partition([]artel.NodeID{a.ID()})
		if want := []p2p.Event{{Peer: b.ID()}}; !slices.Equal(events, want) {
			t.Errorf("events %+v, want %+v", events, want)
		}
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, p2p.Unavailable) {
			t.Errorf("stream across the cut: %v", err)
		}
		if took, err := call(a, b); !errors.Is(err, p2p.Unavailable) || took != mem.Silence {
			t.Errorf("call across the cut: %v after %v", err, took)
		}
		if _, err := call(b, c); err != nil {
			t.Errorf("call on one side of the cut: %v", err)
		}
		b.Publish(t.Context(), "offers", []byte("x"))
		time.Sleep(time.Second)
		if n := heard.Load(); n != 1 {
			t.Errorf("%d heard the news, want c alone", n)
		}
		net.Heal()
		if _, err := call(a, b); err != nil {
			t.Errorf("call after the cut: %v", err)
		}
	})
}

// TestCutInFlight: a cut during a call loses the answer, not the handler's work.
func TestCutInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := mem.NewNetwork(1)
		net.SetLink(mem.Link{Latency: 10 * time.Millisecond})
		ran := 0
		hosts := fleet(t, net, 2, func(_ int, h *mem.Host) {
			h.Handle("work", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) {
				ran++
				net.Partition([]artel.NodeID{h.ID()})
				return nil, nil
			})
		})
		_, err := hosts[0].Call(t.Context(), hosts[1].ID(), "work", nil, 0)
		if !errors.Is(err, p2p.Unavailable) || ran != 1 {
			t.Errorf("%v, ran %d times", err, ran)
		}
	})
}

// TestFates: the same seed gives the same losses and delays, another seed others.
func TestFates(t *testing.T) {
	run := func(seed uint64) (fates []string) {
		var handled atomic.Int64 // a doubled request runs beside its twin
		synctest.Test(t, func(t *testing.T) {
			net := mem.NewNetwork(seed)
			net.SetLink(mem.Link{Jitter: 50 * time.Millisecond, LoseRequest: 0.2, LoseAnswer: 0.2, Duplicate: 0.2})
			hosts := fleet(t, net, 2, func(_ int, h *mem.Host) {
				h.Handle("count", 0, func(context.Context, artel.NodeID, []byte) ([]byte, error) { handled.Add(1); return nil, nil })
			})
			answered := 0
			for range 200 {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := hosts[0].Call(ctx, hosts[1].ID(), "count", nil, 0)
				cancel()
				if err == nil {
					answered++
				}
				fates = append(fates, time.Since(start).String())
			}
			time.Sleep(time.Second)
			st := net.Stats()
			if st.LostRequests < 20 || st.LostAnswers < 20 || st.Duplicates < 20 {
				t.Errorf("stats %+v: want about 40, 32 and 32", st)
			}
			if want := 200 - st.LostRequests + st.Duplicates; int(handled.Load()) != want {
				t.Errorf("the handler ran %d times, want %d", handled.Load(), want)
			}
			if want := 200 - st.LostRequests - st.LostAnswers; answered != want {
				t.Errorf("%d answers, want %d", answered, want)
			}
		})
		return fates
	}
	one, again, other := run(1), run(1), run(2)
	if !slices.Equal(one, again) {
		t.Error("one seed, two histories")
	}
	if slices.Equal(one, other) {
		t.Error("two seeds, one history")
	}
}
