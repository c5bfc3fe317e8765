package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// sender holds the calls under way. Only Run carries them on; only submit adds
// to them.
type sender struct {
	store TxStore
	kick  chan struct{} // a call came in

	mu      sync.Mutex // guards the following
	loaded  bool
	running bool
	open    []*TxRecord              // not final, in order of submission; a record is replaced, never changed
	waiters map[string]chan struct{} // by id; closed when the call is final
	signers map[artel.Address]Signer
	sent    map[artel.Hash]time.Time // when this process last broadcast it
}

func (s *sender) init(store TxStore) {
	s.store, s.kick = store, make(chan struct{}, 1)
	s.waiters, s.signers, s.sent = map[string]chan struct{}{}, map[artel.Address]Signer{}, map[artel.Hash]time.Time{}
}

// AddSigner lets the Ledger send as an account, for instance one whose key was
// unlocked just now.
func (l *Ledger) AddSigner(s Signer) {
	l.send.mu.Lock()
	defer l.send.mu.Unlock()
	l.send.signers[s.Address()] = s
}

// load reads the calls of earlier lives; s.mu is held.
func (s *sender) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	if s.store == nil {
		return errors.New("this ledger only reads: it was opened without a store for calls")
	}
	open, err := s.store.OpenTxs(ctx)
	if err != nil {
		return fmt.Errorf("read stored calls: %w", err)
	}
	for i := range open {
		s.open = append(s.open, &open[i])
	}
	s.loaded = true
	return nil
}

// find returns a call that is under way or done; s.mu is held.
func (s *sender) find(ctx context.Context, id string) (TxRecord, bool, error) {
	if err := s.load(ctx); err != nil {
		return TxRecord{}, false, err
	}
	for _, r := range s.open {
		if r.Tx.ID == id {
			return *r, true, nil
		}
	}
	r, ok, err := s.store.GetTx(ctx, id)
	if err != nil {
		return r, false, fmt.Errorf("read stored call %s: %w", id, err)
	}
	return r, ok, nil
}

// Submit implements chain.Writer. The call goes on while Run runs.
func (l *Ledger) Submit(ctx context.Context, tx chain.Tx) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Check(); err != nil {
		return err
	}
	raw, err := json.Marshal(tx)
	if err != nil {
		return fmt.Errorf("encode call %s: %w", tx.ID, err)
	}
	var own chain.Tx // nobody changes it after handing it in
	if err := json.Unmarshal(raw, &own); err != nil {
		return err
	}
	s := &l.send
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok, err := s.find(ctx, tx.ID)
	if err != nil {
		return err
	}
	if ok {
		if b, err := json.Marshal(old.Tx); err != nil || !bytes.Equal(b, raw) {
			return chain.Refuse(chain.ErrIDReused, "id %s", tx.ID)
		}
		return nil
	}
	if s.signers[tx.From] == nil {
		return chain.Refuse(chain.ErrNoKey, "account %s", tx.From)
	}
	r := TxRecord{Tx: own, Outcome: chain.Outcome{ID: tx.ID, State: chain.Pending, Note: "accepted"}}
	if err := s.store.PutTx(ctx, r); err != nil {
		return fmt.Errorf("store call %s: %w", tx.ID, err)
	}
	s.open = append(s.open, &r)
	select {
	case s.kick <- struct{}{}:
	default:
	}
	return nil
}

// Outcome implements chain.Writer.
func (l *Ledger) Outcome(ctx context.Context, id string) (chain.Outcome, error) {
	o, _, err := l.look(ctx, id)
	return o, err
}

// Wait implements chain.Writer.
func (l *Ledger) Wait(ctx context.Context, id string) (chain.Outcome, error) {
	for {
		o, again, err := l.look(ctx, id)
		if err != nil || o.State.Final() {
			return o, err
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-again:
		}
	}
}

func (l *Ledger) look(ctx context.Context, id string) (chain.Outcome, <-chan struct{}, error) {
	if err := ctx.Err(); err != nil {
		return chain.Outcome{}, nil, err
	}
	s := &l.send
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok, err := s.find(ctx, id)
	if err != nil {
		return chain.Outcome{}, nil, err
	}
	if !ok {
		return chain.Outcome{}, nil, chain.Refuse(chain.ErrUnknownTx, "id %s", id)
	}
	if r.Outcome.State.Final() {
		return r.Outcome, nil, nil
	}
	if s.waiters[id] == nil {
		s.waiters[id] = make(chan struct{})
	}
	return r.Outcome, s.waiters[id], nil
}

// save stores a record and then shows it. Nothing that the record does not yet
// say may have been done.
func (s *sender) save(ctx context.Context, r TxRecord) error {
	if err := s.store.PutTx(ctx, r); err != nil {
		return fmt.Errorf("store call %s: %w", r.Tx.ID, err)
	}
	s.show(r)
	return nil
}

// show makes a record what Outcome tells of, without storing it.
func (s *sender) show(r TxRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.open {
		if old.Tx.ID != r.Tx.ID {
			continue
		}
		if !r.Outcome.State.Final() {
			s.open[i] = &r
			return
		}
		s.open = append(s.open[:i:i], s.open[i+1:]...)
		for _, a := range r.Attempts {
			delete(s.sent, a.Hash)
		}
		if w := s.waiters[r.Tx.ID]; w != nil {
			close(w)
			delete(s.waiters, r.Tx.ID)
		}
		return
	}
}

// note tells what a call waits for. It changes nothing else: the caller's copy of
// the record may be older than what was stored meanwhile.
func (s *sender) note(id, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, old := range s.open {
		if old.Tx.ID == id {
			r := *old
			r.Outcome.Note = fmt.Sprintf(format, args...)
			s.open[i] = &r
		}
	}
}

func (s *sender) signer(a artel.Address) Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signers[a]
}

// underWay returns the open calls by account, each in order.
func (s *sender) underWay() map[artel.Address][]TxRecord {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[artel.Address][]TxRecord{}
	for _, r := range s.open {
		m[r.Tx.From] = append(m[r.Tx.From], *r)
	}
	return m
}

// Run carries submitted calls on until the context ends, through outages. Only
// one may run at a time, over all processes that share the store.
func (l *Ledger) Run(ctx context.Context) error {
	s := &l.send
	s.mu.Lock()
	err := s.load(ctx)
	if err == nil && s.running {
		err = errors.New("run chain sender: it runs already")
	}
	if err == nil {
		s.running = true
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running = false
	}()
	wait := l.poll
	for {
		again := false
		if err := l.carryOn(ctx, &again); err != nil && ctx.Err() == nil {
			l.log.Warn("calls to the chain wait", "error", err, "retry", wait)
			wait = min(2*wait, max(15*time.Second, l.poll))
		} else {
			wait = l.poll
		}
		if again {
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-s.kick:
			t.Stop()
		case <-t.C:
		}
	}
}

// carryOn looks once at every account's calls. again: something was finished and
// the next call can be taken up at once.
func (l *Ledger) carryOn(ctx context.Context, again *bool) error {
	var errs []error
	for _, records := range l.send.underWay() {
		for _, r := range records {
			next, err := l.step(ctx, r, again)
			if err != nil {
				l.send.note(r.Tx.ID, "%v", err)
				errs = append(errs, fmt.Errorf("call %s: %w", r.Tx.ID, err))
			}
			if err != nil || !next {
				break // one call of an account at a time
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.Join(errs...)
}
