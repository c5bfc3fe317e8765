package provider

import (
	"context"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// offerLoop advertises the machine, three times within an offer's life.
func (p *Provider) offerLoop(ctx context.Context) {
	select {
	case <-p.c.Host.Ready():
	case <-ctx.Done():
		return
	}
	for {
		ttl := p.policy().OfferTTL
		p.advertise(ctx, ttl)
		t := time.NewTimer(ttl / 3)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		case <-p.changed: // the owner wants something else
			t.Stop()
		}
	}
}

// offer answers anybody who asks for the current offer: those that arrived
// after it was announced.
func (p *Provider) offer(context.Context, artel.NodeID, []byte) ([]byte, error) {
	b := p.sealed.Load()
	if b == nil {
		return nil, p2p.Errorf(p2p.NotFound, "this node has no offer")
	}
	return *b, nil
}

func (p *Provider) policy() Policy {
	p.polMu.Lock()
	defer p.polMu.Unlock()
	return p.pol
}

// SetPolicy changes what the owner wants, from the next lease on; the new offer
// is announced at once.
func (p *Provider) SetPolicy(pol Policy) {
	p.polMu.Lock()
	p.pol = pol
	p.polMu.Unlock()
	p.announce()
}

func (p *Provider) announce() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *Provider) advertise(ctx context.Context, ttl time.Duration) {
	o, ok := p.Offer(ctx, ttl)
	if !ok {
		p.sealed.Store(nil)
		return
	}
	sealed := wire.SealOffer(o, p.c.Key)
	p.sealed.Store(&sealed)
	if err := p.c.Host.Publish(ctx, wire.TopicOffers, sealed); err != nil && ctx.Err() == nil {
		p.c.Log.Warn("publish offer", "error", err)
	}
}

// Offer returns the machine's offer as of now. ok is false while the owner has
// paused it or the provider is stopping.
func (p *Provider) Offer(ctx context.Context, ttl time.Duration) (o artel.Offer, ok bool) {
	pol := p.policy()
	now := p.loop.Now()
	running := p.do(ctx, func(t *tx) {
		// The clock orders announcements across restarts without a stored number.
		p.seq = max(p.seq+1, uint64(t.now))
		ok = p.shut() == "" && !p.late
		o.Seq, o.UpSince = p.seq, uint64(p.since.Unix())
	})
	o.Network, o.Node, o.Account, o.Machine = p.c.Network, p.c.Key.NodeID(), p.c.Account, p.c.Machine
	o.Issued, o.Expires = uint64(now.Unix()), uint64(now.Add(ttl).Unix())
	o.Resources, o.Price, o.Region, o.Sandboxes, o.Speed = pol.Resources, pol.Price, pol.Region, pol.Sandboxes, pol.Speed
	o.GPU, o.Moves, o.Keeps, o.Strict = pol.GPU, pol.Moves, pol.Keeps, pol.Strict
	o.CPU, o.PullFree, o.PullPrice = pol.CPU, pol.PullFree, pol.PullPrice
	o.MaxUnpaid, o.Prepay, o.MaxUnit, o.Addrs = pol.MaxUnpaid, pol.Prepay, pol.MaxUnit, p.c.Host.Addrs()
	return o, ok && running
}
