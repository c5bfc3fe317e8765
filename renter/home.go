package renter

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
)

// callHome starts the release of lanes that rest with money booked on them, and
// carries matured ones out. Only the account itself may: what a session signer
// booked comes home when its provider gives it back, or by the account's key (CallHome).
func (r *Renter) callHome(t *tx) {
	if r.c.Account != r.c.Key.Address() {
		return
	}
	for k, b := range r.books {
		if r.rests(k, b, t.now) {
			r.release(t, k, b.Epoch, b.ReleaseAt)
		}
	}
}

// rests reports whether money lies on a lane for nothing at now (unix ms): it has long not
// been used, or who could use it is gone.
func (r *Renter) rests(k lease.Key, b *lease.Book, now int64) bool {
	switch {
	case !b.Voucher.Less(b.Cap):
		return false
	case r.inUse(k):
		return r.vanished(k, now)
	}
	return b.ReleaseAt != 0 || r.rested(b, uint64(now/1000))
}

// vanishedFor is how long a provider may be silent until its lanes are released: soon
// after, its lease is dropped.
const vanishedFor = 90 * time.Second

// vanished reports whether all that a lane is used for are leases whose provider was given
// up a while ago. What it did comes under its voucher, if it returns; no Reserve is signed
// on such a lease any more.
func (r *Renter) vanished(k lease.Key, now int64) bool {
	for _, b := range r.leases {
		if lease.KeyOf(b.Lease) == k && (b.silent != job.Dead || now-max(b.Heard, b.patient) < vanishedFor.Milliseconds()) {
			return false
		}
	}
	return true
}

// release queues the next call that a lane's way home takes, if it is time for it.
func (r *Renter) release(t *tx, k lease.Key, epoch uint32, at uint64) {
	// One number serves lanes to many providers: a call's id names both.
	ref := []chain.LaneRef{{Provider: k.Provider, Lane: k.Number}}
	switch {
	case at == 0:
		r.queue(t, chain.Tx{ID: fmt.Sprintf("release-start-%x-%x-%d-%d", k.Provider, k.Number, epoch, t.now/1000/3600), From: r.c.Account, Call: chain.StartRelease{Lanes: ref}})
	case r.chainAt > at: // its time, not ours: what comes too early is refused
		r.queue(t, chain.Tx{ID: fmt.Sprintf("release-%x-%x-%d-%d", k.Provider, k.Number, epoch, at), From: r.c.Account, Call: chain.Release{Renter: k.Renter, Lanes: ref}})
	}
}

// rested reports whether the last signed Reserve is as old as the policy's rest.
// One from the future was signed while the clock was wrong: it may be older.
func (r *Renter) rested(b *lease.Book, now uint64) bool {
	signed := b.Reserve.ValidUntil - min(b.Reserve.ValidUntil, uint64(reserveFor.Seconds()))
	return now > signed+uint64(r.c.Policy.Release.Seconds()) || signed > now+2*artel.ClockSkew
}

// MaxResting bounds what Resting lists.
const MaxResting = 256

// Resting lists lanes of this signer on which money lies for nothing. Where it is not
// the account's own key, that one has to call it home.
func (r *Renter) Resting(ctx context.Context) (out []chain.LaneRef, err error) {
	err = r.do(ctx, func(t *tx) {
		for k, b := range r.books {
			if r.rests(k, b, t.now) && len(out) < MaxResting {
				out = append(out, chain.LaneRef{Provider: k.Provider, Lane: k.Number})
			}
		}
	})
	return out, err
}

// CallHome releases lanes of another signer of the account, which says that they rest.
// What it says of others' lanes does not count, and the ledger says what is booked.
func (r *Renter) CallHome(ctx context.Context, signer artel.Address, lanes []chain.LaneRef) error {
	if r.c.Account != r.c.Key.Address() || signer.Tag() == r.c.Key.Address().Tag() {
		return nil
	}
	head, err := r.c.Ledger.Head(ctx)
	if err != nil {
		return fmt.Errorf("look up chain time: %w", err)
	}
	for _, l := range lanes[:min(len(lanes), MaxResting)] {
		k := lease.Key{Renter: r.c.Account, Provider: l.Provider, Number: l.Lane}
		if uint32(k.Number>>32) != signer.Tag() {
			continue
		}
		seen, err := r.c.Ledger.Lane(ctx, chain.LaneKey(k))
		if err != nil {
			return fmt.Errorf("look up lane %x to %s: %w", k.Number, k.Provider, err)
		}
		if seen.Booked().IsZero() {
			continue
		}
		if err := r.do(ctx, func(t *tx) {
			r.chainAt = max(r.chainAt, head.Time)
			r.release(t, k, seen.Epoch, r.asOf(seen, head).ReleaseAt)
		}); err != nil {
			return err
		}
	}
	return nil
}
