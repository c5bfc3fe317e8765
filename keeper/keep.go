package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/checkpoint"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// Why what travels is given up.
var (
	errBusy    = p2p.Errorf(p2p.Busy, "this keeper is asked too much").WithHint("ask again in a while")
	errLetGo   = p2p.Errorf(p2p.Refused, "the renter has let go of this task")
	errNewer   = p2p.Errorf(p2p.Refused, "a newer generation came")
	errSlow    = p2p.Errorf(p2p.Refused, "less than %d bytes came in %v: the place is another's", int64(paceBytes), paceTime)
	errAlone   = p2p.Errorf(p2p.Refused, "nobody asked for it any more")
	errStopped = p2p.Errorf(p2p.Unavailable, "the keeper is stopping")
)

// fetch is a generation on its way here. There is one of a task.
type fetch struct {
	id     ID
	digest artel.Hash
	req    wire.KeepRequest
	got    atomic.Int64 // bytes that came over streams
	refs   []artel.Ref  // what came, and what had come before
	bytes  int64        // of the disk, counted for it; guarded by Keeper.mu

	asking int       // calls that wait; guarded by Keeper.mu
	asked  time.Time // when the last of them left

	halt chan struct{} // closed by stop
	once sync.Once
	why  error

	done chan struct{} // closed at the end
	kept artel.Kept
	err  error
}

// stop gives it up. The first reason counts.
func (f *fetch) stop(why error) {
	f.once.Do(func() {
		f.why = why
		close(f.halt)
	})
}

// partial is what came of a generation before its saver was gone.
type partial struct {
	refs  []artel.Ref
	bytes int64
	at    time.Time
}

// keep implements wire.MethodKeep.
func (k *Keeper) keep(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !k.calls.Allow(from) {
		return nil, errBusy
	}
	q, err := wire.UnmarshalKeepRequest(req)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "%v", err)
	}
	renter, err := check(k.c.Domain, k.c.Network, from, q, k.c.Now(), k.signer)
	if err != nil {
		return nil, err
	}
	id, digest := ID{renter, q.Grant.Task}, q.Saved.Digest(k.c.Domain)
	if kept, ok := k.has(id, digest, q.Grant); ok {
		return wire.KeepResponse{Kept: kept}.Marshal(), nil
	}
	if renter != k.self {
		if err := k.permit(ctx, id, q.Grant); err != nil {
			return nil, err
		}
	}
	f, fresh, err := k.take(ctx, id, digest, q)
	if err != nil {
		return nil, err
	}
	kept, err := k.wait(ctx, f, fresh)
	if err != nil {
		return nil, err
	}
	return wire.KeepResponse{Kept: kept}.Marshal(), nil
}

// take joins what is on its way, or begins: then fresh is true.
func (k *Keeper) take(ctx context.Context, id ID, digest artel.Hash, q wire.KeepRequest) (f *fetch, fresh bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.ready {
		return nil, false, p2p.Errorf(p2p.Busy, "this keeper is starting").WithHint("ask again in a while")
	}
	if f := k.fetches[id]; f != nil {
		if f.digest == digest {
			f.asking++
			return f, false, nil
		}
		if f.req.Grant.Try > q.Grant.Try || f.req.Grant.Try == q.Grant.Try && f.req.Saved.Generation > q.Saved.Generation {
			return nil, false, errNewer
		}
		f.stop(errNewer)
		return nil, false, p2p.Errorf(p2p.Busy, "an older generation is put aside").WithHint("ask again in a while")
	}
	var t Task
	e := k.tasks[id]
	if e != nil {
		t = e.Task
		if err := t.admit(q.Grant, q.Saved); err != nil {
			return nil, false, err
		}
	} else if err := k.newcomer(id.Renter); err != nil {
		return nil, false, outgoing(err)
	}
	if err := k.free(id, q.Grant.Saver); err != nil {
		return nil, false, err
	}
	if e == nil || q.Grant.Try > t.Grant.Try {
		// Stored before anything of it is fetched: whoever was replaced is refused
		// from now on.
		t.Renter, t.Grant, t.Let, t.Seen = id.Renter, q.Grant, false, uint64(k.c.Now().Unix())
		if err := k.c.Store.Save(ctx, []Task{t}, nil); err != nil {
			return nil, false, p2p.Errorf(p2p.Unavailable, "the keeper cannot store it: %v", err)
		}
		k.put(t)
	}
	f = &fetch{id: id, digest: digest, req: q, asking: 1, asked: k.c.Now(), halt: make(chan struct{}), done: make(chan struct{})}
	if p := k.partials[id]; p != nil {
		f.refs, f.bytes = p.refs, p.bytes
		delete(k.partials, id)
	}
	k.fetches[id] = f
	return f, true, nil
}

// has answers for a generation that is held. A later grant of the attempt makes
// the promise longer.
func (k *Keeper) has(id ID, digest artel.Hash, g artel.Grant) (artel.Kept, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.tasks[id]
	if e == nil {
		return artel.Kept{}, false
	}
	for i, h := range e.Held {
		now := k.c.Now()
		if h.Kept.Saved != digest || h.Kept.Until <= uint64(now.Unix()) {
			continue
		}
		if end := until(g, now); g.Try == h.Grant.Try && end > h.Kept.Until+uint64(time.Hour.Seconds()) {
			t := e.Task
			t.Held = append([]Held(nil), t.Held...)
			t.Held[i].Grant, t.Held[i].Kept = g, k.promise(digest, end)
			if k.c.Store.Save(context.Background(), []Task{t}, nil) == nil {
				k.put(t)
				return t.Held[i].Kept, true
			}
		}
		return h.Kept, true
	}
	return artel.Kept{}, false
}

func (k *Keeper) promise(saved artel.Hash, until uint64) artel.Kept {
	p := artel.Kept{Saved: saved, Until: until}
	p.Signature = k.c.Key.Sign(p.Digest(k.c.Domain))
	return p
}

// newcomer says whether one more task of a renter may be known. Called with mu
// held.
func (k *Keeper) newcomer(renter artel.NodeID) error {
	if renter == k.self {
		return nil
	}
	switch {
	case k.limits.Others == 0:
		return p2p.Errorf(p2p.Refused, "this node keeps no checkpoints for others").WithHint("its offer says so; take another keeper")
	case k.takes(renter).tasks >= maxTasks || k.others.tasks >= maxAll:
		return p2p.Errorf(p2p.Refused, "this node keeps checkpoints of so many tasks already").WithHint("take another keeper")
	}
	return k.roomFor(renter, rowCost)
}

// roomFor says whether a renter may take so many bytes more. Called with mu held.
func (k *Keeper) roomFor(renter artel.NodeID, bytes int64) error {
	limit, used, what := k.limits.Own, k.own.bytes, "its own jobs"
	if renter != k.self {
		limit, used, what = k.limits.Others, k.others.bytes, "others"
		if limit == 0 {
			limit = k.grace
		}
		if its, each := k.takes(renter).bytes, k.limits.Renter; each > 0 && its+bytes > each {
			return fmt.Errorf("%w: %d bytes are taken by one renter, at most %d", blob.ErrFull, its, each)
		}
	}
	if used+bytes > limit {
		return fmt.Errorf("%w: %d of %d bytes for checkpoints of %s are taken", blob.ErrFull, used, limit, what)
	}
	return nil
}

// free says whether there is a place. Called with mu held.
func (k *Keeper) free(id ID, saver artel.NodeID) error {
	all, its := 0, 0
	for _, f := range k.fetches {
		if (f.id.Renter == k.self) == (id.Renter == k.self) {
			all++
			if f.req.Grant.Saver == saver {
				its++
			}
		}
	}
	if all >= places || its >= perSaver {
		return errBusy
	}
	return nil
}

// wait waits for what is on its way, but not longer than a call may take.
func (k *Keeper) wait(ctx context.Context, f *fetch, fresh bool) (artel.Kept, error) {
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		f.asking--
		f.asked = k.c.Now()
	}()
	t := time.NewTimer(answerWithin)
	defer t.Stop()
	var begin chan<- *fetch
	if fresh {
		begin = k.begin
	}
	for {
		select {
		case begin <- f: // Run takes it up; it outlasts this call
			begin = nil
			continue
		case <-f.done:
			return f.kept, f.err
		case <-ctx.Done():
		case <-t.C:
		}
		if begin != nil {
			k.giveUp(f)
		}
		return artel.Kept{}, p2p.Errorf(p2p.Busy, "%d of %d bytes have come", f.got.Load(), f.req.Saved.Stored).WithHint("ask again")
	}
}

// work brings one generation.
func (k *Keeper) work(ctx context.Context, f *fetch) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-f.halt:
			cancel(f.why)
		case <-ctx.Done():
		}
	})
	kept, err := k.bring(ctx, f)
	if err != nil {
		if err = because(ctx, err); errors.Is(err, context.Canceled) {
			err = errStopped
		}
		k.c.Log.Debug("keep a checkpoint", "task", f.id.Task.Short(), "generation", f.req.Saved.Generation, "error", err)
	}
	k.end(context.WithoutCancel(ctx), f, kept, outgoing(err))
	cancel(nil)
	watch.Wait()
}

// end gives the place back, and the answer.
func (k *Keeper) end(ctx context.Context, f *fetch, kept artel.Kept, err error) {
	var junk []artel.Ref
	k.mu.Lock()
	k.account(f.id.Renter, -f.bytes, 0)
	switch {
	case err == nil, err == error(errLetGo), errors.Is(err, p2p.Invalid):
		junk = f.refs // but for what is named now
	case len(f.refs) > 0:
		k.partials[f.id] = &partial{f.refs, f.bytes, k.c.Now()}
		k.account(f.id.Renter, f.bytes, 0)
	}
	k.mu.Unlock()
	k.sweep(ctx, junk)
	k.mu.Lock()
	delete(k.fetches, f.id)
	f.kept, f.err = kept, err
	k.mu.Unlock()
	close(f.done)
}

// giveUp ends a fetch that Run never took up.
func (k *Keeper) giveUp(f *fetch) { k.end(context.Background(), f, artel.Kept{}, errStopped) }

// outgoing is what a saver learns.
func outgoing(err error) error {
	var e *p2p.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e) && !e.Remote:
		return e
	case errors.Is(err, blob.ErrFull):
		return p2p.Errorf(p2p.Refused, "%v", err).WithHint("take another keeper")
	case errors.Is(err, blob.ErrMismatch), errors.Is(err, blob.ErrMalformed), errors.Is(err, blob.ErrProtocol), errors.Is(err, blob.ErrUnsupported),
		errors.Is(err, blob.ErrLimit), errors.Is(err, checkpoint.ErrMalformed), errors.Is(err, checkpoint.ErrLimit):
		return p2p.Errorf(p2p.Invalid, "%v", err)
	case errors.Is(err, blob.ErrNotFound):
		return p2p.Errorf(p2p.NotFound, "%v", err)
	}
	return p2p.Errorf(p2p.Unavailable, "%v", err)
}

// bring fetches, verifies and promises.
func (k *Keeper) bring(ctx context.Context, f *fetch) (artel.Kept, error) {
	s, g := f.req.Saved, f.req.Grant
	if err := k.c.Room(0); err != nil {
		return artel.Kept{}, err
	}
	fast, stop := pace(ctx, &f.got, func() error {
		k.mu.Lock()
		defer k.mu.Unlock()
		if f.asking == 0 && k.c.Now().Sub(f.asked) > abandoned {
			return errAlone
		}
		return nil
	})
	into := meter{k.c.Blobs, func(bytes int64) error { return k.charge(f, bytes) }, &f.refs}
	err := k.c.Fetch(fast, g.Saver, into, s.Root, int64(s.Stored), func(p blob.Progress) { f.got.Store(p.Fetched) })
	if err != nil {
		err = because(fast, err)
	}
	stop()
	if err != nil {
		return artel.Kept{}, err
	}
	refs, err := k.blocks(ctx, s.Root)
	if err != nil {
		return artel.Kept{}, err
	}
	k.mu.Lock()
	e, number := k.tasks[f.id], uint32(0)
	if e != nil {
		number = e.number
	}
	k.mu.Unlock()
	if e == nil {
		return artel.Kept{}, errLetGo
	}
	k.names.add(number, refs)
	kept, old, err := k.confirm(ctx, f, number)
	if err != nil {
		// What a generation that stays names too is left alone.
		k.mu.Lock()
		var stay []artel.Ref
		if e.number == number {
			stay = roots(e.Held)
		}
		k.mu.Unlock()
		k.unname(number, refs, stay)
		return artel.Kept{}, err
	}
	for _, h := range old {
		k.letGo(ctx, number, h.Saved.Root, k.stay(f.id))
	}
	return kept, nil
}

// charge counts bytes that are about to be written.
func (k *Keeper) charge(f *fetch, bytes int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.roomFor(f.id.Renter, bytes); err != nil {
		return err
	}
	if (f.bytes+bytes)>>26 != f.bytes>>26 { // the disk is asked now and then
		if err := k.c.Room(1 << 26); err != nil {
			return err
		}
	}
	f.bytes += bytes
	k.account(f.id.Renter, bytes, 0)
	return nil
}

// stay lists the roots of what is held of a task.
func (k *Keeper) stay(id ID) []artel.Ref {
	k.mu.Lock()
	defer k.mu.Unlock()
	if e := k.tasks[id]; e != nil {
		return roots(e.Held)
	}
	return nil
}

// unname takes back what was named for a generation that is not to be. The blocks
// themselves wait for the saver to come back, or for sweep.
func (k *Keeper) unname(number uint32, refs, stay []artel.Ref) {
	still := map[artel.Ref]bool{}
	for _, root := range stay {
		held, err := k.blocks(context.Background(), root)
		if err != nil {
			return // rather too much than too little
		}
		for _, r := range held {
			still[r] = true
		}
	}
	for _, r := range refs {
		if !still[r] {
			k.names.takeBack(number, r)
		}
	}
}

// confirm reads all blocks once more, stores the fact and returns the promise, and
// what is not held any more.
func (k *Keeper) confirm(ctx context.Context, f *fetch, number uint32) (artel.Kept, []Held, error) {
	s := f.req.Saved
	held, err := checkpoint.Verify(ctx, k.c.Blobs, s.Root, checkpoint.Limits{Stored: int64(s.Stored)})
	if err != nil {
		return artel.Kept{}, nil, err
	}
	if held.Bytes != int64(s.Stored) || held.Generation != s.Generation {
		return artel.Kept{}, nil, p2p.Errorf(p2p.Invalid, "the checkpoint says generation %d of %d bytes, its blocks generation %d of %d", s.Generation, s.Stored, held.Generation, held.Bytes)
	}
	h := Held{Grant: f.req.Grant, Saved: s, Signature: f.req.Signature, Kept: k.promise(f.digest, until(f.req.Grant, k.c.Now()))}
	k.mu.Lock()
	was := k.tasks[f.id]
	var next []Held
	if was != nil {
		next = was.with(h)
	}
	k.mu.Unlock()
	bytes, err := k.weigh(ctx, roots(next))
	if err != nil {
		return artel.Kept{}, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.tasks[f.id]
	switch {
	case e == nil || e.Let || e != was || e.number != number:
		return artel.Kept{}, nil, errLetGo
	case ctx.Err() != nil:
		return artel.Kept{}, nil, context.Cause(ctx)
	}
	if err := e.admit(f.req.Grant, s); err != nil {
		return artel.Kept{}, nil, err
	}
	old := e.Held
	t := e.Task
	t.Grant, t.Held, t.Bytes, t.Seen = f.req.Grant, next, bytes, uint64(k.c.Now().Unix())
	// On the disk BEFORE the answer, and before anything is let go: wherever the
	// power goes, what was promised is there.
	if err := k.c.Store.Save(context.WithoutCancel(ctx), []Task{t}, nil); err != nil {
		return artel.Kept{}, nil, p2p.Errorf(p2p.Unavailable, "the keeper cannot store it: %v", err)
	}
	k.put(t)
	k.account(f.id.Renter, -f.bytes, 0) // it is in t.Bytes now
	f.bytes = 0
	var gone []Held
	for _, x := range old {
		stays := false
		for _, y := range next {
			stays = stays || y.Saved.Root == x.Saved.Root
		}
		if !stays {
			gone = append(gone, x)
		}
	}
	return h.Kept, gone, nil
}

// pace returns a context that ends with errSlow once too little has come in
// paceTime, or with what over says. stop ends the watch.
func pace(parent context.Context, got *atomic.Int64, over func() error) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(paceTime)
		defer tick.Stop()
		for last := got.Load(); ; {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			now := got.Load()
			if now-last < paceBytes {
				cancel(errSlow)
			}
			if err := over(); err != nil {
				cancel(err)
			}
			last = now
		}
	})
	return ctx, func() {
		cancel(nil)
		watch.Wait()
	}
}

// because prefers why a context ended to that it did.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// member is an account and the node that signs for it.
type member struct {
	account artel.Address
	node    artel.NodeID
}

type standing struct {
	err   error // nil: its checkpoints may be held
	until time.Time
}

// permit asks the ledger about a renter of whose tasks one is brought.
func (k *Keeper) permit(ctx context.Context, id ID, g artel.Grant) error {
	m := member{g.Account, id.Renter}
	k.mu.Lock()
	s, ok := k.known[m]
	var err error
	if k.tasks[id] == nil {
		err = k.newcomer(id.Renter) // the ledger is not asked in vain
	}
	here := k.takes(id.Renter).tasks > 0
	k.mu.Unlock()
	switch {
	case err != nil:
		return outgoing(err)
	case ok && k.c.Now().Before(s.until):
		return s.err
	case !k.asks.Allow(g.Saver):
		return errBusy
	}
	a, err := k.c.Account(ctx, g.Account, id.Renter.Address())
	switch {
	case err != nil && here:
		return nil // what runs goes on without the chain
	case err != nil:
		return p2p.Errorf(p2p.Unavailable, "the chain cannot be asked about the renter: %v", err)
	}
	s = standing{until: k.c.Now().Add(knownFor)}
	switch {
	case !a.Signer:
		s.err = p2p.Errorf(p2p.Unauthorized, "the node that signed the grant may not sign for account %s", g.Account)
	case a.Deposit.IsZero() && !here: // who has tasks here may have reserved the last of it for them
		s.err = p2p.Errorf(p2p.Unpaid, "account %s has no deposit", g.Account).WithHint("artel wallet deposit")
	}
	if s.err != nil {
		s.until = k.c.Now().Add(unknownFor)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.known) >= maxKnown {
		clear(k.known)
	}
	k.known[m] = s
	return s.err
}
