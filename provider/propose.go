package provider

import (
	"context"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// propose answers a renter's signed lease with the provider's signature, once
// the policy agrees and a final block shows that the money is there.
func (p *Provider) propose(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	if !p.strange.Allow(from) {
		return nil, errBusy
	}
	m, err := wire.UnmarshalProposeRequest(req)
	if err != nil {
		return nil, invalid(err)
	}
	terms, err := wire.DecodeTerms(m.Terms)
	if err != nil {
		return nil, invalid(err)
	}
	d := p.c.Params.Domain()
	id := m.Lease.ID(d)
	signer, err := m.Signature.Signer(id)
	if err != nil {
		return nil, invalid(err)
	}
	if err := p.checkLease(from, m.Lease, terms, wire.TermsHash(m.Terms), signer); err != nil {
		return nil, invalid(err)
	}
	k := lease.KeyOf(m.Lease)
	seen, head, err := p.look(ctx, k, signer)
	if err != nil {
		return nil, p2p.Errorf(p2p.Unavailable, "the chain cannot be asked about the lane: %v", err).WithHint("no new lease while the chain is away; running ones go on")
	}
	if err := p.checkMoney(m, terms, seen, head); err != nil {
		return nil, err
	}
	ok := p.do(ctx, func(t *tx) { err = p.accept(t, m, terms, id, signer, seen) })
	if !ok {
		return nil, errStopped
	}
	if err != nil {
		return nil, invalid(err)
	}
	return wire.ProposeResponse{Signature: p.c.Key.Sign(id)}.Marshal(), nil
}

// checkLease holds the document against this provider's own policy.
func (p *Provider) checkLease(from artel.NodeID, l artel.Lease, t artel.Terms, hash artel.Hash, signer artel.Address) error {
	pol := p.policy()
	refuse := func(format string, args ...any) *p2p.Error {
		return p2p.Errorf(p2p.Refused, format, args...)
	}
	if err := t.Check(l); err != nil {
		return err
	}
	weight, fits := pol.Resources.Weight(t.Resources)
	switch {
	case l.Terms != hash:
		return artel.Invalid("the lease holds another hash than that of its terms")
	case t.Network != p.c.Network:
		return p2p.Errorf(p2p.OtherNetwork, "the lease is for network %s, this is %s", t.Network.Short(), p.c.Network.Short())
	case t.Renter != from || signer != from.Address():
		return p2p.Errorf(p2p.Unauthorized, "the lease must be signed and sent by the node it names")
	case l.Provider != p.c.Account || t.Node != p.c.Key.NodeID():
		return artel.Invalid("the lease is for another provider")
	case !artel.MaySign(l.Renter, signer, l.Lane):
		return artel.Invalid("%s may not sign for lane %x: the lane carries another signer's tag", signer, l.Lane)
	case t.Price < pol.Price.Times(weight):
		return refuse("price %d is below %d for a task that takes %d slots", t.Price, pol.Price.Times(weight), weight).WithHint("the offer has changed; ask again")
	case t.Pull > t.PullFree && (t.PullFree > pol.PullFree || t.PullPrice < pol.PullPrice):
		return refuse("an image of %d bytes: %d are free, the rest costs %d units per 10⁹", t.Pull, pol.PullFree, pol.PullPrice).WithHint("the offer has changed; ask again")
	case pol.MaxImage > 0 && t.Pull > pol.MaxImage:
		return refuse("an image of %d bytes, all images together may take %d here", t.Pull, pol.MaxImage).WithHint("a smaller image, or another provider")
	case t.Stake() > pol.MaxUnit:
		return refuse("tasks of which nothing is due for %d ms, at most %d", t.Stake(), pol.MaxUnit).WithHint("a shorter time limit, checkpoints more often, or another provider")
	case !fits || uint64(t.Slots)*uint64(weight) > uint64(pol.Resources.Slots) || uint64(t.Slots)*uint64(t.Resources.GPUs) > uint64(pol.Resources.GPUs):
		return refuse("the machine has %d slots of %d bytes memory and %d disk, and %d GPUs", pol.Resources.Slots, pol.Resources.Memory, pol.Resources.Disk, pol.Resources.GPUs)
	case !slices.Contains(pol.Sandboxes, t.Sandbox):
		return refuse("no sandbox %q here", t.Sandbox)
	case pol.MaxUnpaid.Less(t.MaxUnpaid):
		return refuse("maxUnpaid %s, at most %s", t.MaxUnpaid, pol.MaxUnpaid)
	case t.Prepaid.IsZero() && t.MaxUnpaid.Less(t.UnitCost()):
		return refuse("a unit of %d ms costs %s units, maxUnpaid is %s: none could begin", t.Unit, t.UnitCost(), t.MaxUnpaid).WithHint("a shorter time limit, or another provider")
	case t.MaxUnpaid.Less(t.UnitCost()) && t.Prepaid.Less(t.UnitCost()):
		return refuse("no task could ever start: maxUnpaid %s is less than a unit's %s, and no unit is prepaid", t.MaxUnpaid, t.UnitCost())
	case t.Prepaid.IsZero() && !pol.MinRedeem.IsZero() && t.MaxUnpaid.Sub(t.UnitCost()).Less(pol.MinRedeem):
		return refuse("maxUnpaid %s leaves less than %s beside a unit of %s: what is paid would be booked too often", t.MaxUnpaid, pol.MinRedeem, t.UnitCost()).WithHint("a shorter time limit; or maxUnpaid as the offer says")
	case pol.Penalty.Less(l.Penalty):
		return refuse("penalty %s, at most %s", l.Penalty, pol.Penalty)
	case l.End-l.Start > pol.MaxLease:
		return refuse("a lease of %d s, at most %d", l.End-l.Start, pol.MaxLease)
	}
	return nil
}

// look asks a final block about a lane and who may sign for it.
func (p *Provider) look(ctx context.Context, k lease.Key, signer artel.Address) (lease.Lane, chain.Head, error) {
	head, err := p.c.Ledger.Head(ctx)
	if err != nil {
		return lease.Lane{}, head, err
	}
	l, err := p.c.Ledger.Lane(ctx, chain.LaneKey(k))
	if err != nil {
		return lease.Lane{}, head, err
	}
	a, err := p.c.Ledger.Account(ctx, k.Renter)
	if err != nil {
		return lease.Lane{}, head, err
	}
	seen := lease.Lane{Time: head.Time, Cap: l.Cap, Paid: l.Paid, Epoch: l.Epoch, Deposit: a.Deposit, Signer: lease.SignerRights{Account: signer == k.Renter}}
	if l.Releasing(p.c.Params, head.Time) {
		seen.ReleaseAt = l.ReleaseAt
	}
	if a.Exiting(p.c.Params, head.Time) {
		seen.ExitAt = a.ExitAt
	}
	if !seen.Signer.Account {
		s, err := p.c.Ledger.Signer(ctx, k.Renter, signer)
		if err != nil {
			return lease.Lane{}, head, err
		}
		seen.Signer.Allowance, seen.Signer.Until = s.Left(), s.Until
	}
	return seen, head, nil
}

// checkMoney refuses what could not be paid, or not for long enough.
func (p *Provider) checkMoney(m wire.ProposeRequest, t artel.Terms, seen lease.Lane, head chain.Head) error {
	unpaid := func(hint, format string, args ...any) error {
		return p2p.Errorf(p2p.Unpaid, format, args...).WithHint(hint)
	}
	clock := p.loop.Now()
	now := uint64(clock.Unix())
	switch late := behind(head, clock.UnixMilli()); {
	case late > artel.ClockSkew:
		return p2p.Errorf(p2p.Unavailable, "this provider's clock is %d s behind the chain's", late).WithHint("use another provider until its owner has set the clock")
	case m.Lease.Start+apart < now:
		// A lease is forgotten some time after it was closed. It must not be
		// accepted a second time then: its task numbers would begin anew, and two
		// results of one attempt are a proof of fraud.
		return p2p.Errorf(p2p.Invalid, "the lease began %d s ago by this provider's clock, at most %d", now-m.Lease.Start, apart).WithHint("check the clock; if it is right the provider's is not: use another")
	case m.Lease.Start > head.Time+apart && m.Lease.Start > now+apart:
		return p2p.Errorf(p2p.Invalid, "the lease starts in %d s by this provider's clock, at most %d", m.Lease.Start-now, apart).WithHint("check the clock")
	case m.Lease.End <= max(head.Time, now):
		return p2p.Errorf(p2p.Invalid, "the lease is over already").WithHint("check the clock")
	case seen.ReleaseAt != 0:
		return unpaid("wait until it is over, or use another lane", "the lane is being released")
	case !seen.Signer.Good(m.Lease.End, p.c.Params.Delay):
		text, hint := seen.Signer.Short(m.Lease.End, p.c.Params.Delay)
		return unpaid(hint, "%s", text)
	case m.Reserve == nil:
		return unpaid("sign a Reserve for the first minutes", "the lease comes without a Reserve")
	case m.Reserve.Reserve.Cap.Sub(t.Base.Ceil()).Less(t.UnitCost().Div(2)):
		// Or whoever has no deposit would have a first unit of every provider. An
		// honest renter keeps half of a unit of each slot reserved, and mostly more.
		return unpaid("sign a Reserve for the first minutes", "the Reserve leaves %s units for a lease whose unit costs %s", m.Reserve.Reserve.Cap.Sub(t.Base.Ceil()), t.UnitCost())
	}
	if first, err := t.Base.Ceil().Plus(t.Prepaid); !t.Prepaid.IsZero() && err == nil && seen.Cap.Less(first) && first.Sub(seen.Cap).Less(p.policy().MinRedeem) {
		return p2p.Errorf(p2p.Refused, "booking the prepaid unit would secure %s units, at least %s are worth the gas", first.Sub(seen.Cap), p.policy().MinRedeem).WithHint("a longer time limit, or another provider")
	}
	need := m.Reserve.Reserve.Cap.Sub(seen.Cap)
	switch {
	case seen.Deposit.Less(need):
		return unpaid("artel wallet deposit", "the Reserve books %s units, the account has %s", need, seen.Deposit)
	case !seen.Signer.Account && seen.Signer.Allowance.Less(need):
		return unpaid("artel wallet signer: raise its allowance", "the Reserve books %s units, the session signer may book %s", need, seen.Signer.Allowance)
	case seen.ExitAt != 0 && seen.Cap.Sub(seen.Paid).Less(t.UnitCost()):
		return unpaid("cancel the exit, or book the lane first", "the account is leaving")
	}
	return nil
}

// accept opens the lease. Called by the core.
func (p *Provider) accept(t *tx, m wire.ProposeRequest, terms artel.Terms, id artel.Hash, signer artel.Address, seen lease.Lane) error {
	if p.leases[id] != nil {
		return nil // asked again: the same lease, the same signature
	}
	k := lease.KeyOf(m.Lease)
	if g := p.gens[Controller{k.Renter, signer}]; terms.Gen < g {
		return p2p.Errorf(p2p.Conflict, "controller generation %d was replaced by %d", terms.Gen, g).WithHint("this renter was recovered on another machine; stop this one")
	}
	if other, ok := p.open[k]; ok {
		return p2p.Errorf(p2p.Conflict, "lane %x is in use by lease %s", k.Number, other.Short()).WithHint("close it first, or draw another lane number")
	}
	free, gpus := p.policy().Resources.Slots, p.policy().Resources.GPUs
	for _, open := range p.open {
		free -= min(free, slotsOf(p.leases[open].Terms))
		gpus -= min(gpus, gpusOf(p.leases[open].Terms))
	}
	if p.way.how != Free {
		return p2p.Errorf(p2p.Refused, "%s", p.shut()).WithHint("try again later, or another provider")
	}
	if p.paused || slotsOf(terms) > free {
		return p2p.Errorf(p2p.Refused, "%d slots wanted, %d are free", slotsOf(terms), free).WithHint("try again later, or another provider")
	}
	if gpusOf(terms) > gpus {
		return p2p.Errorf(p2p.Refused, "%d GPUs wanted, %d are free", gpusOf(terms), gpus).WithHint("try again later, or another provider")
	}
	book := afresh(k, seen)
	if b := p.lanes[k]; b != nil {
		if b.Waiving {
			return errWaiving
		}
		if seen.Epoch < b.Epoch {
			return p2p.Errorf(p2p.Busy, "lane %x has entered epoch %d meanwhile", k.Number, b.Epoch).WithHint("look the lane up again")
		}
		book = b.Book
	}
	book = book.Seen(seen)
	if book.Accrued.Ceil().Cmp(terms.Base.Ceil()) > 0 {
		return p2p.Errorf(p2p.Unpaid, "%s units of an earlier lease are due on lane %x, the lease begins at %s", book.Due(), k.Number, terms.Base.Ceil()).WithHint("pay them, or use another lane")
	}
	if terms.Base.Ceil().Cmp(book.Voucher.Max(book.Due())) > 0 {
		return p2p.Errorf(p2p.Invalid, "the lease begins at %s units, the lane's voucher is at %s", terms.Base.Ceil(), book.Voucher)
	}
	if owed, limit := p.owes(k); limit.Less(owed) {
		return p2p.Errorf(p2p.Unpaid, "%s units of ended leases were never paid or booked, at most %s", owed, limit).WithHint("settle the lanes of those leases, or use another provider")
	}
	if len(p.leases) >= maxLeases || p.leasesOf(k.Renter) >= maxRenterLeases {
		return p2p.Errorf(p2p.Refused, "too many leases were made of late").WithHint("wait some minutes; keep a lease for several tasks")
	}
	start, err := terms.Start()
	if err != nil {
		return err
	}
	book.Accrued, book.Generation = start, terms.Gen
	if p.policy().Prepay && terms.Prepaid.Less(terms.UnitCost()) && !p.trusts(k.Renter, terms.UnitCost()) {
		return p2p.Errorf(p2p.Unpaid, "renters without history pay the first unit of %s units ahead", terms.UnitCost()).WithHint("propose with a prepaid voucher")
	}
	s := &sold{phases: map[lease.TaskKey]*phase{}, news: make(chan struct{})}
	next := lease.NewSold(id, m.Lease, terms, signer, book, t.now)
	next, fx, err := next.Reserved(p.c.Params.Domain(), m.Reserve.Reserve, m.Reserve.Signature, t.now)
	if err != nil {
		return err
	}
	if m.Voucher != nil {
		var more []lease.Effect
		if next, more, err = next.Pay(p.c.Params.Domain(), m.Voucher.Voucher, m.Voucher.Signature, t.now); err != nil {
			return err
		}
		fx = append(fx, more...)
	} else if !terms.Prepaid.IsZero() {
		return p2p.Errorf(p2p.Unpaid, "the prepaid voucher is missing").WithHint("send it with the lease")
	}
	s.row = LeaseRow{TermsRaw: m.Terms, Renter: m.Signature}
	p.leases[id], p.open[k] = s, id
	p.set(t, s, next, fx)
	p.c.Log.Info("lease accepted", "lease", id.Short(), "renter", k.Renter, "slots", terms.Slots, "price", uint64(terms.Price), "ends", fmt.Sprint(m.Lease.End))
	return nil
}

// How many leases a provider remembers, open and lately closed, in all and of
// one renter. Each costs a row, and perhaps the gas of booking its lane.
const (
	maxLeases       = 8192
	maxRenterLeases = 1024
)

func (p *Provider) leasesOf(renter artel.Address) (n int) {
	for _, s := range p.leases {
		if s.Lease.Renter == renter {
			n++
		}
	}
	return n
}

// owes returns what a renter was given on lanes other than k whose leases have
// ended, and what cannot be redeemed; and how much of that is borne: MaxUnpaid
// in all, for lane numbers cost nothing, and a tenth of what the renter has
// paid, for whoever comes often is cut off now and then.
func (p *Provider) owes(k lease.Key) (owed, limit artel.Amount) {
	paid := artel.Amount{}
	plus := func(a, b artel.Amount) artel.Amount {
		sum, err := a.Plus(b)
		if err != nil {
			return artel.MaxAmount
		}
		return sum
	}
	for o, b := range p.lanes {
		if o.Renter != k.Renter {
			continue
		}
		paid = plus(paid, b.Paid)
		if _, open := p.open[o]; !open && o != k {
			owed = plus(owed, b.Exposed())
		}
	}
	return owed, plus(p.policy().MaxUnpaid, paid.Div(10))
}

// trusts reports whether the renter has paid for a unit before and owes
// nothing from an ended lease.
func (p *Provider) trusts(renter artel.Address, unit artel.Amount) bool {
	paid := artel.Amount{}
	for k, b := range p.lanes {
		if k.Renter != renter {
			continue
		}
		if _, open := p.open[k]; !open && b.Voucher.Less(b.Due()) {
			return false
		}
		paid = paid.Max(b.Paid)
	}
	return !paid.IsZero() && !paid.Less(unit)
}

// slotsOf is how many of the machine's slots a lease holds.
func slotsOf(t artel.Terms) uint32 { return t.Slots * max(t.Resources.Slots, 1) }

// gpusOf is how many of its GPUs. What checkLease has seen does not overflow.
func gpusOf(t artel.Terms) uint32 { return t.Slots * t.Resources.GPUs }
