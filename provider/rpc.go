package provider

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// apart is how far two honest clocks may be from each other, in seconds.
const apart = 2 * artel.ClockSkew

// maxWait bounds a long poll, in milliseconds.
const maxWait = 30_000

var errStopped = p2p.Errorf(p2p.Unavailable, "the provider is stopping").WithHint("try again, or another provider")

var errBusy = p2p.Errorf(p2p.Busy, "you ask too often").WithHint("wait some seconds")

// invalid turns what the rules refuse into what the peer is told.
func invalid(err error) error {
	var r lease.Refused
	switch {
	case err == nil:
		return nil
	case errors.As(err, &r):
		return p2p.Errorf(p2p.Refused, "%s: %s", r.Reason, r.Message)
	case errors.Is(err, artel.ErrInvalid), errors.Is(err, artel.ErrSignature), errors.Is(err, artel.ErrAmount), errors.Is(err, artel.ErrRef):
		return p2p.Errorf(p2p.Invalid, "%v", err)
	}
	return err
}

// find returns a lease that from may speak for, as the controller of a generation;
// 0: the one that made the lease. One that was recovered speaks for the leases of
// those before it. Called by the core.
func (p *Provider) find(from artel.NodeID, id artel.Hash, generation uint64) (*sold, error) {
	s := p.leases[id]
	if s == nil {
		return nil, p2p.Errorf(p2p.NotFound, "no lease %s here", id.Short()).WithHint("it ended long ago, or was made with another provider")
	}
	if s.Terms.Renter != from {
		return nil, p2p.Errorf(p2p.Unauthorized, "lease %s belongs to another node", id.Short())
	}
	generation = max(generation, s.Terms.Gen)
	if g := p.gens[Controller{s.Lease.Renter, s.Signer}]; generation < g {
		return nil, p2p.Errorf(p2p.Conflict, "controller generation %d was replaced by %d", generation, g).WithHint("this renter was recovered on another machine; stop this one")
	}
	// A lane outlives its leases: a late word on a closed one must not bring back
	// what its lane was then.
	s.Book = p.lanes[lease.KeyOf(s.Lease)].Book
	return s, nil
}

func (p *Provider) reserve(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalReserveRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		if p.lanes[lease.KeyOf(s.Lease)].Waiving {
			return errWaiving
		}
		next, fx, err := s.Reserved(p.c.Params.Domain(), m.Reserve.Reserve, m.Reserve.Signature, t.now)
		if err == nil {
			p.set(t, s, next, fx)
		}
		return err
	})
	return wire.Empty{}.Marshal(), err
}

// with runs f on a lease in the core and waits until its outcome is stored.
func (p *Provider) with(ctx context.Context, from artel.NodeID, id artel.Hash, generation uint64, f func(t *tx, s *sold) error) error {
	var err error
	ok := p.do(ctx, func(t *tx) {
		var s *sold
		if s, err = p.find(from, id, generation); err == nil {
			err = f(t, s)
		}
	})
	if !ok {
		return errStopped
	}
	return invalid(err)
}

func (p *Provider) start(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalStartRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	var resp wire.StartResponse
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		ended := s.ended()
		for _, st := range m.Starts {
			k := lease.TaskKey{Task: st.Task, Attempt: st.Attempt}
			refuse := func(why artel.Reason, msg string) {
				resp.Refused = append(resp.Refused, wire.Refusal{Task: k.Task, Attempt: k.Attempt, Reason: why, Message: msg})
			}
			switch {
			case ended[k]:
				continue // asked again after its end: the event says so
			case len(s.events) >= maxKept:
				refuse(artel.ReasonRefused, "too many results wait to be settled")
				continue
			case p.shut() != "":
				refuse(artel.ReasonRefused, p.shut())
				continue
			}
			next, fx, err := s.Take(k, st.Spec, st.Keep, t.now)
			var no lease.Refused
			switch {
			case errors.As(err, &no):
				refuse(no.Reason, no.Message)
			case err != nil:
				return err
			}
			p.keep(t, s, next, fx)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return resp.Marshal(), nil
}

// keep puts a lease's next state in place without storing it: only memory
// changed, and a crash ends what runs anyway. Containers outlast a crash: of theirs
// it is stored which run.
func (p *Provider) keep(t *tx, s *sold, next lease.Sold, fx []lease.Effect) {
	s.Sold = next
	if !s.Terms.Image.IsZero() {
		t.leases[s.ID] = true
	}
	p.makeRoom(s)
	for _, e := range fx {
		p.perform(t, s, e)
	}
}

// maxKept is how many ends of attempts a renter may leave unsettled on a lease:
// those that failed before they ran cost it nothing.
const maxKept = 65_536

// ended is the set of the attempts whose ends the renter has not settled.
func (s *sold) ended() map[lease.TaskKey]bool {
	set := make(map[lease.TaskKey]bool, len(s.events))
	for _, e := range s.events {
		if e.ends() {
			set[e.attempt()] = true
		}
	}
	return set
}

func (p *Provider) cancel(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalCancelRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		for _, k := range m.Tasks {
			next, fx := s.Cancel(lease.TaskKey(k), t.now)
			p.keep(t, s, next, fx)
		}
		return nil
	})
	return wire.Empty{}.Marshal(), err
}

// watch answers with news, or after the wait without any: the heartbeat.
func (p *Provider) watch(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalWatchRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	timeout := time.NewTimer(time.Duration(min(m.Wait, maxWait)) * time.Millisecond)
	defer timeout.Stop()
	for over := false; ; {
		var resp wire.WatchResponse
		var news chan struct{}
		err := p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
			p.forget(t, s, m.Done)
			resp, news = p.standing(s.answer(m.After, t.now)), s.news
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(resp.Events) > 0 || over {
			return resp.Marshal(), nil
		}
		select {
		case <-news:
		case <-timeout.C:
			over = true // answered with what is true now, not with what was at the question
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-p.loop.Closed():
			return nil, errStopped
		}
	}
}

// maxEvents bounds one answer; the next one brings the rest.
const maxEvents = 512

// answer is what a renter hears that knows the events up to after.
func (s *sold) answer(after uint64, now int64) wire.WatchResponse {
	r := wire.WatchResponse{Due: s.Due(now), Stopping: s.Stop, Message: s.Message}
	for _, e := range s.events {
		if e.Event.Seq > after && len(r.Events) < maxEvents {
			r.Events = append(r.Events, e.Event)
		}
	}
	for _, run := range s.Running {
		if len(r.Running) == wire.MaxRunning { // lease.MaxOut lets no more in
			break
		}
		w := "waiting"
		if ph := s.phases[run.TaskKey]; ph != nil {
			w = ph.word
		}
		r.Running = append(r.Running, wire.Progress{TaskKey: wire.TaskKey(run.TaskKey), Phase: w, Elapsed: uint64(max(0, now-run.Taken))})
	}
	return r
}

// forget drops the events that the renter has settled and that are paid for.
func (p *Provider) forget(t *tx, s *sold, done uint64) {
	n := 0
	for n < len(s.events) && s.events[n].Event.Seq <= done {
		if s.Book.Voucher.Less(s.events[n].due()) {
			break
		}
		n++
	}
	if n == 0 {
		return
	}
	gone := s.events[:n]
	s.events = append([]EventRow(nil), s.events[n:]...)
	through := gone[n-1].Event.Seq
	for _, e := range gone {
		if e.ends() { // or it runs on
			s.Sold = s.Forgot(e.Event.Task)
		}
	}
	t.leases[s.ID] = true
	t.change.Forget = append(t.change.Forget, Forget{s.ID, through})
	id := s.ID
	p.letGo(t, id, gone)
}

// letGo removes what was kept for ended attempts, beside the core.
func (p *Provider) letGo(t *tx, id artel.Hash, gone []EventRow) {
	if len(gone) == 0 {
		return
	}
	t.after = append(t.after, func() {
		p.loop.Go(func() {
			for _, e := range gone {
				if !e.ends() {
					continue
				}
				p.c.Runner.Forget(context.WithoutCancel(t.ctx), id, e.attempt(), e.sealed())
			}
		})
	})
}

func (p *Provider) pay(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalPayRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	var resp wire.PayResponse
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		next, fx, err := s.Pay(p.c.Params.Domain(), m.Voucher.Voucher, m.Voucher.Signature, t.now)
		if err != nil {
			return err
		}
		p.set(t, s, next, fx)
		if next.Phase == lease.Closed || !next.Book.Redeemable().Less(p.policy().RedeemAt) {
			p.redeem(t, lease.KeyOf(s.Lease))
		}
		resp.Cumulative = next.Book.Voucher
		want := map[wire.TaskKey]bool{}
		for _, k := range m.Want {
			want[k] = true
		}
		for _, e := range s.events {
			k := wire.TaskKey{Task: e.Event.Task, Attempt: e.Event.Attempt}
			if r := e.Event.Receipt; r != nil && e.Key != nil && want[k] && !next.Book.Voucher.Less(r.Due) {
				resp.Keys = append(resp.Keys, wire.OutputKey{TaskKey: k, Key: e.Key})
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return resp.Marshal(), nil
}

func (p *Provider) logs(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalLogsRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	running := false
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		for _, r := range s.Running {
			running = running || r.TaskKey == lease.TaskKey(m.TaskKey)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	most := int(min(m.Max, wire.MaxLogData))
	if most == 0 {
		most = wire.MaxLogData
	}
	data, err := p.c.Runner.Log(m.Lease, lease.TaskKey(m.TaskKey), m.Offset, most)
	if err != nil {
		return nil, p2p.Errorf(p2p.NotFound, "no log of task %d attempt %d", m.Task, m.Attempt)
	}
	return wire.LogsResponse{Data: data, EOF: !running && len(data) == 0}.Marshal(), nil
}

func (p *Provider) close(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	m, err := wire.UnmarshalCloseRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	err = p.with(ctx, from, m.Lease, m.Gen, func(t *tx, s *sold) error {
		next, fx := s.Close(t.now)
		p.set(t, s, next, fx)
		return nil
	})
	return wire.Empty{}.Marshal(), err
}

// recover tells a renter that lost its database what it promised here. The
// proof is its signature over a new generation: from then on older controllers
// with that key are refused.
func (p *Provider) recover(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !p.strange.Allow(from) {
		return nil, errBusy
	}
	m, err := wire.UnmarshalRecoverRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	signer, err := m.Signature.Signer(wire.RecoverDigest(p.c.Network, m))
	if err != nil {
		return nil, invalid(err)
	}
	if m.Node != from {
		return nil, p2p.Errorf(p2p.Unauthorized, "the request names another node than the one that sent it")
	}
	if signer != m.Renter {
		r, err := p.c.Ledger.Signer(ctx, m.Renter, signer)
		if err != nil {
			return nil, p2p.Errorf(p2p.Unavailable, "the chain cannot be asked whether %s may speak for %s", signer, m.Renter).WithHint("try again later")
		}
		head, err := p.c.Ledger.Head(ctx)
		if err != nil {
			return nil, p2p.Errorf(p2p.Unavailable, "the chain cannot be asked for its time").WithHint("try again later")
		}
		if r.Until < head.Time {
			return nil, p2p.Errorf(p2p.Unauthorized, "%s may not speak for %s", signer, m.Renter)
		}
	}
	var resp wire.RecoverResponse
	ok := p.do(ctx, func(t *tx) {
		c := Controller{m.Renter, signer}
		if g := p.gens[c]; m.Generation < g {
			err = p2p.Errorf(p2p.Conflict, "generation %d was replaced by %d", m.Generation, g).WithHint("recover again with a higher generation")
			return
		}
		// Anybody is the renter of his own address. What a stranger says is not kept.
		if p.gens[c] != m.Generation && p.knows(c) {
			p.gens[c] = m.Generation
			if t.change.Generations == nil {
				t.change.Generations = map[Controller]uint64{}
			}
			t.change.Generations[c] = m.Generation
		}
		resp = p.held(m.Renter, signer)
	})
	if !ok {
		return nil, errStopped
	}
	if err != nil {
		return nil, err
	}
	return resp.Marshal(), nil
}

// knows reports whether there is a lane here that the controller may sign for.
func (p *Provider) knows(c Controller) bool {
	for k := range p.lanes {
		if k.Renter == c.Renter && artel.MaySign(c.Renter, c.Signer, k.Number) {
			return true
		}
	}
	return false
}

// held lists what is held of a renter on lanes that the signer may sign for:
// those in use first, and of a lane its open lease first. All leases that are
// remembered of a renter, maxRenterLeases, fit the answer.
func (p *Provider) held(renter, signer artel.Address) wire.RecoverResponse {
	var keys []lease.Key
	for k := range p.lanes {
		if k.Renter == renter && artel.MaySign(renter, signer, k.Number) {
			keys = append(keys, k)
		}
	}
	rests := func(k lease.Key) int {
		if _, open := p.open[k]; open {
			return 0
		}
		return 1
	}
	slices.SortFunc(keys, func(a, b lease.Key) int { return cmp.Or(cmp.Compare(rests(a), rests(b)), a.Compare(b)) })
	leases := map[lease.Key][]*sold{}
	for _, s := range p.leases {
		if k := lease.KeyOf(s.Lease); k.Renter == renter {
			leases[k] = append(leases[k], s)
		}
	}
	var resp wire.RecoverResponse
	for _, k := range keys[:min(len(keys), wire.MaxLanes)] {
		b := p.lanes[k]
		h := wire.HeldLane{Lane: k.Number, Accrued: b.Accrued}
		if !b.VoucherSig.IsZero() {
			v, sig := b.SignedVoucher()
			h.Voucher = &wire.SignedVoucher{Voucher: v, Signature: sig}
		}
		of := leases[k]
		slices.SortFunc(of, func(a, b *sold) int {
			return cmp.Or(cmp.Compare(a.Phase, b.Phase), cmp.Compare(b.Lease.Start, a.Lease.Start), bytes.Compare(a.ID[:], b.ID[:]))
		})
		for _, s := range of[:min(len(of), wire.MaxHeldLeases)] {
			h.Leases = append(h.Leases, wire.HeldLease{Lease: s.Lease, Terms: s.row.TermsRaw, Signature: p.c.Key.Sign(s.ID), Open: s.Phase != lease.Closed})
		}
		resp.Lanes = append(resp.Lanes, h)
	}
	return resp
}
