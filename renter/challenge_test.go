package renter

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// registerChallenges answers as the test says: s.prove takes the time and gives the
// proof.
func (s *seller) registerChallenges(h *mem.Host) {
	if s.prove == nil {
		return
	}
	var mu sync.Mutex
	proofs := map[[32]byte][]byte{}
	note := func(method string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls = append(s.calls, method)
	}
	h.Handle(wire.MethodChallenge, wire.MaxSmall, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
		m, err := wire.UnmarshalChallengeRequest(req)
		if err != nil || m.Steps == 0 {
			return wire.ChallengeResponse{}.Marshal(), err
		}
		note(wire.MethodChallenge)
		b, err := s.prove(m)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		proofs[m.Seed] = b
		return wire.ChallengeResponse{Commitment: sha256.Sum256(b)}.Marshal(), nil
	})
	h.Handle(wire.MethodProof, wire.MaxSmall, func(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
		m, err := wire.UnmarshalProofRequest(req)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		return wire.ProofResponse{Proof: proofs[m.Seed]}.Marshal(), nil
	})
}

// easy is a Puzzle: a proof is its seeds.
type easy struct{}

func (easy) Score(steps uint32, took time.Duration) float64 { return float64(steps) / took.Seconds() }

func (easy) Check(seeds [][32]byte, _ uint32, proof []byte) (bool, error) {
	return bytes.Equal(proof, bytes.Join(list(seeds), nil)), nil
}

func list(seeds [][32]byte) (out [][]byte) {
	for i := range seeds {
		out = append(out, seeds[i][:])
	}
	return out
}

// works is a machine that does so many steps a second on a core.
func works(s *seller, speed uint32) func(wire.ChallengeRequest) ([]byte, error) {
	return func(m wire.ChallengeRequest) ([]byte, error) {
		time.Sleep(time.Duration(m.Steps) * time.Second / time.Duration(speed))
		return bytes.Join(list(m.Starts(network, s.key.NodeID())), nil), nil
	}
}

// examined runs a job of 100 s on one machine and returns its record.
func examined(t *testing.T, claim uint32, prove func(s *seller) func(wire.ChallengeRequest) ([]byte, error), then func(w *world, rec market.Record, j job.Job)) {
	t.Helper()
	live(t, 1, func(t *testing.T, w *world) {
		w.puzzle = easy{}
		s := w.sellers[0]
		s.offer.Speed, s.prove = claim, prove(s)
		s.offer.MaxUnpaid = artel.Cost(unitPrice, 1000*taskLimit)
		w.run(func() {
			j, _ := w.end(w.submit(spec(25)), 10*time.Minute)
			rec := w.store.nodes[s.key.NodeID()]
			if !reflect.DeepEqual(rec, w.records[s.key.NodeID()]) {
				t.Errorf("stored %+v, gone by %+v", rec, w.records[s.key.NodeID()])
			}
			then(w, rec, j)
		})
	})
}

func TestMachinesAreAsked(t *testing.T) {
	honest := func(speed uint32) func(*seller) func(wire.ChallengeRequest) ([]byte, error) {
		return func(s *seller) func(wire.ChallengeRequest) ([]byte, error) { return works(s, speed) }
	}
	near := func(got, want float64) bool { return got > 0.9*want && got < 1.1*want }
	for name, c := range map[string]struct {
		claim, speed uint32
		marks        float64
		asked        int
	}{
		"as it claims":              {1000, 1000, 0, 1},
		"faster than it claims":     {1000, 1400, 0, 1},
		"a little slower":           {1000, 750, 0, 1},
		"a fast one":                {8000, 8000, 0, 2}, // the first answer comes too soon to tell
		"an interpreter":            {18, 18, 0, 1},
		"ten times slower":          {10_000, 1000, 1, 2}, // the second one condemns
		"half":                      {1000, 500, 1, 2},
		"claims nothing":            {0, 1000, 0, 3},
		"claims what nobody can be": {1 << 31, 1000, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			examined(t, c.claim, honest(c.speed), func(w *world, rec market.Record, j job.Job) {
				if j.Phase != job.Finished || !near(rec.Speed, float64(c.speed)) || rec.Marks != c.marks || rec.Claim != c.claim || rec.Evasions != 0 {
					t.Errorf("job %v, record %+v", j.Phase, rec)
				}
				if n := w.sellers[0].did(wire.MethodChallenge); n != c.asked {
					t.Errorf("asked %d times, want %d", n, c.asked)
				}
				if n := w.sellers[0].did(wire.MethodPropose); n != 1 {
					t.Errorf("%d leases", n)
				}
			})
		})
	}
}

// Work that was not done closes the lease; the job goes on elsewhere or, here, later.
func TestWrongAnswersCloseTheLease(t *testing.T) {
	live(t, 2, func(t *testing.T, w *world) {
		w.puzzle = easy{}
		liar, other := w.sellers[0], w.sellers[1]
		for _, s := range w.sellers {
			s.offer.Speed = 1000
			s.offer.MaxUnpaid = artel.Cost(unitPrice, 1000*taskLimit)
			s.prove = works(s, 1000)
		}
		liar.prove = func(m wire.ChallengeRequest) ([]byte, error) { return make([]byte, 32), nil }
		w.run(func() {
			s := spec(25)
			s.Parallel = 1
			j, _ := w.end(w.submit(s), 10*time.Minute)
			rec := w.store.nodes[liar.key.NodeID()]
			if j.Phase != job.Finished || rec.Lied == 0 || rec.Marks != 10 || rec.Speed != 0 {
				t.Errorf("job %v, record %+v", j.Phase, rec)
			}
			if liar.did(wire.MethodClose) == 0 || liar.did(wire.MethodPropose) != 1 || other.did(wire.MethodPropose) != 1 {
				t.Errorf("the liar was closed %d times after %d leases, the other had %d", liar.did(wire.MethodClose), liar.did(wire.MethodPropose), other.did(wire.MethodPropose))
			}
			if rec := w.store.nodes[other.key.NodeID()]; rec.Marks != 0 {
				t.Errorf("the other: %+v", rec)
			}
		})
	})
}

// A busy machine has not lied; one that is always busy is believed less.
func TestWhoDoesNotAnswer(t *testing.T) {
	for name, prove := range map[string]func(wire.ChallengeRequest) ([]byte, error){
		"busy":   func(wire.ChallengeRequest) ([]byte, error) { return nil, p2p.Errorf(p2p.Busy, "not now") },
		"broken": func(wire.ChallengeRequest) ([]byte, error) { return nil, errors.New("no") },
	} {
		t.Run(name, func(t *testing.T) {
			examined(t, 8000, func(*seller) func(wire.ChallengeRequest) ([]byte, error) { return prove }, func(w *world, rec market.Record, j job.Job) {
				if j.Phase != job.Finished || rec.Marks != 0 || rec.Checked != 0 || rec.Evasions == 0 || rec.Speed != 0 {
					t.Errorf("job %v, record %+v", j.Phase, rec)
				}
			})
		})
	}
	t.Run("an older release", func(t *testing.T) {
		examined(t, 8000, func(*seller) func(wire.ChallengeRequest) ([]byte, error) { return nil }, func(w *world, rec market.Record, j job.Job) {
			if j.Phase != job.Finished || rec.Marks != 0 || rec.Evasions == 0 {
				t.Errorf("job %v, record %+v", j.Phase, rec)
			}
		})
	})
}

// Challenges take no more than a hundredth of what is held, and come at times that
// nobody can tell.
func TestChallengesAreSeldom(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.puzzle = easy{}
		s := w.sellers[0]
		s.offer.Speed, s.offer.Resources.Slots, s.slots = 1000, 4, 4
		s.offer.Price = unitPrice / 100
		s.offer.MaxUnpaid = artel.Cost(unitPrice, 1000*taskLimit)
		var at []time.Duration
		var began time.Time
		inner := works(s, 1000)
		s.prove = func(m wire.ChallengeRequest) ([]byte, error) {
			s.mu.Lock()
			at = append(at, time.Since(began))
			s.mu.Unlock()
			if m.Width > 3 {
				t.Errorf("%d of 4 slots are asked; a task that comes would have to wait", m.Width)
			}
			return inner(m)
		}
		w.run(func() {
			began = time.Now()
			long := spec(1000)
			w.end(w.submit(long), 4*time.Hour)
			rec := w.store.nodes[s.key.NodeID()]
			if rec.Asked == 0 || float64(rec.Asked) > 1.2*market.ProofShare*float64(rec.Held) && rec.Held > 0 {
				t.Errorf("asked for %d of %d slot-ms", rec.Asked, rec.Held)
			}
			if rec.Marks != 0 || rec.Failed != 0 {
				t.Errorf("record %+v", rec)
			}
		})
		if len(at) == 0 || at[0] < 12*time.Second {
			t.Errorf("asked at %v", at)
		}
	})
}

// By hand a machine is asked at once, by a lease of its own that ends with it; what it
// shows counts.
func TestAskByHand(t *testing.T) {
	live(t, 1, func(t *testing.T, w *world) {
		w.puzzle = easy{}
		s := w.sellers[0]
		s.offer.Speed, s.offer.Resources.Slots, s.slots, s.prove = 4000, 4, 4, works(s, 1000)
		w.run(func() {
			shown, err := w.r.Ask(t.Context(), s.key.NodeID(), 3)
			if err != nil || shown.Proof != market.Slow || shown.Width != 3 || shown.Speed < 900 || shown.Speed > 1100 {
				t.Errorf("asked by a lease of its own: %+v, %v", shown, err)
			}
			time.Sleep(10 * time.Second)
			if st, err := w.r.Status(t.Context()); err != nil || len(st.Leases) != 0 {
				t.Errorf("%+v, %v: the lease is still there", st.Leases, err)
			}
			if paid, rec := s.paid(), w.store.nodes[s.key.NodeID()]; rec.Marks != 1 || rec.Held == 0 || paid.IsZero() {
				t.Errorf("paid %s, record %+v", paid, rec)
			}
			// With a lease open, by that one; and when a slot is idle.
			id := w.submit(spec(3))
			time.Sleep(2 * time.Second)
			if shown, err = w.r.Ask(t.Context(), s.key.NodeID(), 1); err != nil || shown.Err != nil || shown.Width != 1 {
				t.Errorf("asked by the lease of a job: %+v, %v", shown, err)
			}
			if j, _ := w.end(id, time.Minute); j.Phase != job.Finished || s.did(wire.MethodPropose) != 2 {
				t.Errorf("job %v after %d leases", j.Phase, s.did(wire.MethodPropose))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := w.r.Ask(ctx, testKey(99).NodeID(), 1); !errors.Is(err, p2p.NotFound) {
				t.Errorf("a machine that nobody knows: %v", err)
			}
		})
	})
}
