package renter

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Puzzle knows the challenge of processors.
type Puzzle interface {
	// Score is the speed that so many steps of a chain in that time show; 1000 is the
	// reference.
	Score(steps uint32, took time.Duration) float64
	// Check redoes a few steps of a proof, drawn at random. right is false where they
	// come to something else; an error says that it could not be checked.
	Check(seeds [][32]byte, steps uint32, proof []byte) (right bool, err error)
}

// When and how a lease's machine is asked to show its speed.
const (
	askEvery  = 30 * time.Minute       // on a long lease, half as much more or less
	askAgain  = time.Minute            // where there was no answer
	askTarget = 500 * time.Millisecond // of work for each question,
	askLeast  = askTarget / 2          // and it shows too little if it was less
	askFirst  = 1000                   // speed that the first question takes a machine to have at most
	askRounds = 4                      // questions in one go
	askFor    = 30 * time.Second       // and how long all of them may take
	mostSteps = wire.MaxChallengeSteps
)

// question is an examination of a lease's machine, from the time on that slots are
// kept free for it.
type question struct {
	slots  uint32 // of the lease
	on     bool   // it is being asked; until then it waits for the slots
	byHand chan<- Shown
}

// Shown is what an examination has come to.
type Shown struct {
	market.Shown
	Width uint32        // cores at once
	Steps uint32        // of each, the last time
	Trip  time.Duration // round trip that was taken off
	Err   error         // why nothing is proved
}

// room is how many more attempts the lease takes, of which so many may wait, beside
// the slots that a challenge is to have.
func (b *bought) room(now int64, ahead int) int {
	free := b.Room(now, ahead)
	if b.q == nil {
		return free
	}
	return max(0, min(free, int(b.Terms.Slots)-len(b.Outstanding)-int(b.q.slots)))
}

// held is the slot-milliseconds of the machine that the lease has cost so far.
func (b *bought) held(now int64) uint64 {
	if b.Theirs.IsZero() {
		return 0
	}
	return uint64(max(0, now-b.Began)) * uint64(b.Terms.Slots) * uint64(max(b.Terms.Resources.Slots, 1))
}

// note changes what is remembered of a node.
func (r *Renter) note(t *tx, n artel.NodeID, f func(market.Record) market.Record) {
	r.c.Board.Keep(n, f(r.c.Board.Record(n)))
	r.notes++
	t.records[n] = true
}

// noteEnd remembers how an attempt on a node went, and for how many ms it ran, where
// the node brought it home.
func (r *Renter) noteEnd(t *tx, n artel.NodeID, ok bool, wall uint64) {
	r.note(t, n, func(x market.Record) market.Record {
		return x.Learn(market.Outcome{OK: ok, Wall: wall}, uint64(t.now/1000))
	})
}

// noteReceipt does so by a receipt. Who gave a task back as it had said it would, or
// because its lease was over, did nothing right or wrong.
func (r *Renter) noteReceipt(t *tx, n artel.NodeID, rc *artel.Receipt) {
	r.note(t, n, func(x market.Record) market.Record {
		return x.Learn(market.Outcome{
			OK: !rc.Reason.HostsFault(), Excused: rc.Reason.Excused() || rc.Reason == artel.ReasonExpired, Wall: rc.Usage.Wall,
		}, uint64(t.now/1000))
	})
}

// wonder begins an examination of a lease's machine when one is due: at the
// beginning of a lease with a machine that has proved nothing of late, and now and
// then on long ones. It takes no more than a hundredth of the time that is paid for.
func (r *Renter) wonder(t *tx, b *bought) {
	if r.c.Puzzle == nil || b.q != nil && b.q.on {
		return
	}
	if b.asking || b.Phase != lease.Open || b.Theirs.IsZero() || b.silent != job.Fine || b.closing || b.Disputed {
		r.unask(b, errors.New("the lease has ended"))
		return
	}
	if a := r.jobs[b.job]; b.q == nil && a != nil && a.Phase != job.Active && !a.Spec.Budget.IsZero() {
		return // it is about to be closed, and a budget pays for each second
	}
	if b.q == nil {
		rec := r.c.Board.Record(b.node)
		if b.askAt == 0 {
			if b.askAt = t.now; !rec.Doubts(b.claim, uint64(t.now/1000)) {
				b.askAt = r.someTime(t.now)
			}
		}
		if t.now < b.askAt {
			return
		}
		slots := max(1, b.Terms.Slots-min(b.Terms.Slots, uint32(len(b.Outstanding))))
		if b.Terms.Slots > 1 {
			slots = min(slots, b.Terms.Slots-1) // a task that comes meanwhile has a slot, and need not wait
		}
		for slots > 0 && !rec.MayAsk(uint64(b.width(slots))*uint64(askTarget.Milliseconds()), b.held(t.now)) {
			slots--
		}
		if slots == 0 {
			return
		}
		b.q = &question{slots: slots}
	}
	r.pose(t, b)
}

// someTime draws the time of the next examination.
func (r *Renter) someTime(now int64) int64 {
	var n [8]byte
	_, _ = io.ReadFull(r.c.Rand, n[:]) // what cannot be drawn is early
	return now + askEvery.Milliseconds()/2 + int64(binary.LittleEndian.Uint64(n[:])%uint64(askEvery.Milliseconds()))
}

// width is how many cores so many slots of the lease are, as far as one challenge goes.
func (b *bought) width(slots uint32) uint32 {
	return min(slots*max(b.Terms.Resources.Slots, 1), wire.MaxChallengeWidth)
}

// unask gives up an examination that has not begun.
func (r *Renter) unask(b *bought, why error) {
	if b.q != nil && b.q.byHand != nil {
		b.q.byHand <- Shown{Err: why}
	}
	b.q = nil
}

// pose begins the examination if its slots are free.
func (r *Renter) pose(t *tx, b *bought) {
	if b.q == nil || b.q.on || int(b.Terms.Slots)-len(b.Outstanding) < int(b.q.slots) {
		return
	}
	x := exam{node: b.node, lease: b.id, claim: b.claim, width: b.width(b.q.slots)}
	for i := range x.seeds {
		if _, err := io.ReadFull(r.c.Rand, x.seeds[i][:]); err != nil {
			r.unask(b, fmt.Errorf("draw seed: %w", err))
			return
		}
	}
	b.q.on = true
	t.after = append(t.after, func() {
		r.loop.Go(func() {
			ctx, cancel := context.WithTimeout(t.ctx, askFor)
			defer cancel()
			s := r.examine(ctx, x)
			r.post(func(t *tx) { r.shown(t, b, s) })
		})
	})
}

// shown takes what an examination has come to.
func (r *Renter) shown(t *tx, b *bought, s Shown) {
	if b.q != nil && b.q.byHand != nil {
		answer := b.q.byHand
		t.after = append(t.after, func() { answer <- s }) // what a person is told is stored
	}
	b.q = nil
	if b.askAt = r.someTime(t.now); s.Proof == market.Unproved {
		b.askAt = t.now + askAgain.Milliseconds()
	}
	if s.Proof != market.Unproved || evades(s.Err) {
		r.note(t, b.node, func(x market.Record) market.Record { return x.Show(s.Shown, uint64(t.now/1000)) })
	}
	log := r.c.Log.With("provider", b.node.Short(), "lease", b.id.Short())
	switch s.Proof {
	case market.Proved:
		log.Debug("provider has shown its speed", "claimed", s.Claim, "speed", int(s.Speed))
	case market.Unproved:
		log.Debug("provider has not shown its speed", "error", s.Err)
	case market.Slow:
		log.Info("provider is slower than it claims", "claimed", s.Claim, "speed", int(s.Speed))
	case market.Wrong:
		log.Warn("provider answers a challenge with work that was not done")
		if r.leases[b.id] != b || b.Phase != lease.Open {
			return
		}
		r.shy[b.node] = time.UnixMilli(t.now).Add(time.Hour)
		r.set(t, b, b.Stopped(artel.ReasonGarbage, "a wrong answer to a challenge"))
		r.tellClose(t, b)
	}
}

// evades reports whether it was the provider that did not answer, and not the way to
// it or the lease's end.
func evades(err error) bool {
	var no *p2p.Error
	return errors.As(err, &no) && (no.Remote && !gone(err) || no.Code == p2p.Unsupported)
}

// exam is what an examination goes by.
type exam struct {
	node  artel.NodeID
	lease artel.Hash
	claim uint32
	width uint32
	seeds [askRounds][32]byte
}

// examine asks a machine to work against the clock, again where the answer shows too
// little: it came too fast to tell, or so late that only a second one condemns. The
// best counts: what else runs on a machine only makes it slower.
func (r *Renter) examine(ctx context.Context, x exam) (s Shown) {
	s.Claim, s.Width = x.claim, x.width
	most := min(uint32(mostSteps), wire.MaxChallengeWork/x.width)
	steps := stepsFor(float64(min(max(x.claim, 1), askFirst)), most)
	best, late := 0.0, false
	for i, seed := range x.seeds {
		a, err := r.question(ctx, x, seed, steps)
		s.Cost += uint64(a.elapsed.Milliseconds()) * uint64(x.width)
		if err != nil {
			if i == 0 {
				s.Err = err
			}
			return s // what came before counts
		}
		s.Steps, s.Trip, s.Proof = steps, a.low, market.Proved
		if a.wrong {
			s.Proof = market.Wrong
			return s
		}
		took := a.elapsed - min(a.low, a.elapsed/5)
		score := r.c.Puzzle.Score(steps, took)
		if more := stepsFor(score, most); took < askLeast && more > steps {
			steps, s.Speed = more, score
			continue
		}
		best = max(best, score)
		s.Speed = best
		switch market.Judge(x.claim, score, a.low.Seconds(), a.high.Seconds(), took.Seconds()) {
		case market.Proved:
			return s
		case market.Unproved:
			steps = min(4*steps, most) // longer, the line's own moods count for less
		case market.Slow:
			if late {
				s.Proof = market.Slow
				return s
			}
			late = true // once condemns nobody
		}
	}
	return s
}

// stepsFor is how many steps a core of that speed does in the time that a question
// is to take.
func stepsFor(speed float64, most uint32) uint32 {
	return uint32(min(max(speed*askTarget.Seconds(), 4), float64(most)))
}

// timed is one answer.
type timed struct {
	elapsed   time.Duration // from question to commitment
	low, high time.Duration // round trips before and after it
	wrong     bool
}

// trips is how many round trips are taken before a question, and after it.
const trips = 3

// question asks once. The error says why there is no answer that was checked.
func (r *Renter) question(ctx context.Context, x exam, seed [32]byte, steps uint32) (a timed, err error) {
	m := wire.ChallengeRequest{Lease: x.lease, Gen: r.gen.Load(), Kind: wire.ChallengeCPU}
	call := func(m wire.ChallengeRequest) (wire.ChallengeResponse, time.Duration, error) {
		began := time.Now() // a clock that nobody sets
		raw, err := r.c.Host.Call(ctx, x.node, wire.MethodChallenge, m.Marshal(), wire.MaxSmall)
		took := time.Since(began)
		if err != nil {
			return wire.ChallengeResponse{}, took, err
		}
		resp, err := wire.UnmarshalChallengeResponse(raw)
		return resp, took, err
	}
	ping := func() error {
		for range trips {
			_, d, err := call(m)
			if err != nil {
				return fmt.Errorf("ask for an answer: %w", err)
			}
			if a.high = max(a.high, d); a.low == 0 || d < a.low {
				a.low = d
			}
		}
		return nil
	}
	if err := ping(); err != nil {
		return a, err
	}
	work := m
	work.Seed, work.Steps, work.Width = seed, steps, x.width
	resp, took, err := call(work)
	a.elapsed = took
	if err != nil {
		return a, fmt.Errorf("ask for %d × %d steps: %w", x.width, steps, err)
	}
	if err := ping(); err != nil {
		return a, err
	}
	raw, err := r.c.Host.Call(ctx, x.node, wire.MethodProof, wire.ProofRequest{Lease: x.lease, Gen: r.gen.Load(), Seed: seed}.Marshal(), wire.MaxProof)
	if err != nil {
		return a, fmt.Errorf("fetch proof: %w", err)
	}
	proof, err := wire.UnmarshalProofResponse(raw)
	if err != nil {
		a.wrong = true // it speaks, and says what no proof can be
		return a, nil
	}
	if sha256.Sum256(proof.Proof) != resp.Commitment {
		a.wrong = true
		return a, nil
	}
	right, err := r.c.Puzzle.Check(work.Starts(r.c.Network, x.node), steps, proof.Proof)
	a.wrong = !right && err == nil
	return a, err
}
