package renter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
)

// twinLoop looks for Reserves of this node's key that this installation knows
// nothing of. Two installations with one key spoil nothing, each has lanes of
// its own; but their owner should know.
func (r *Renter) twinLoop(ctx context.Context) {
	var cursor chain.Head
	for core.Every(ctx, 10*time.Second) {
		if cursor == (chain.Head{}) {
			h, err := r.c.Ledger.Head(ctx)
			if err != nil {
				continue
			}
			cursor = h
		}
		events, head, err := r.c.Ledger.Events(ctx, cursor, 1000)
		if err != nil {
			if errors.Is(err, chain.ErrReorg) {
				cursor = chain.Head{}
			}
			continue
		}
		cursor = head
		if r.do(ctx, func(*tx) {
			for _, e := range events {
				if f, ok := e.Fact.(chain.Reserved); ok {
					r.booked(lease.Key(f.Lane))
				}
			}
		}) != nil {
			return
		}
	}
}

// booked takes the news that something was booked on a lane.
func (r *Renter) booked(k lease.Key) {
	own := artel.LaneNumber(r.c.Key.Address(), r.meta.Lane)
	if k.Renter != r.c.Account || uint32(k.Number>>32) != r.c.Key.Address().Tag() || k.Number-own <= maxNumber || r.books[k] != nil {
		return
	}
	r.notify(fmt.Sprintf("lane %x to %s was booked with this node's key and not by this installation: another machine works with the same key, or an earlier database was lost; hint: a key of its own for each machine, which artel wallet signer lets spend for the account; or artel recover", k.Number, k.Provider))
}

// ousted takes a provider's no to whatever this controller says: it follows a
// newer one.
func (r *Renter) ousted(n artel.NodeID, err error) {
	var no *p2p.Error
	if errors.As(err, &no) && no.Remote && no.Code == p2p.Conflict {
		r.notify(fmt.Sprintf("provider %s follows a newer controller of this account: another machine has taken over; hint: stop this daemon, or artel recover here, which ends the other one", n.Short()))
	}
}

// notify keeps what the owner should know, and says it once.
func (r *Renter) notify(text string) {
	if r.notice == "" {
		r.c.Log.Warn(text)
	}
	r.notice = text
}
