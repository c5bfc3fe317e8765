package fake

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// The rules below follow contracts/src/Ledger.sol and Stake.sol check by check,
// in the same order, so that a call that breaks several rules is refused for the
// same one.

// burnt is where penalties go.
var burnt = artel.Address{18: 0xde, 19: 0xad}

const (
	reporterPercent = 5
	longestLease    = 366 * 86400
	lastEpoch       = 1<<24 - 1
)

type signerKey struct{ account, key artel.Address }

type claimKey struct {
	reporter artel.Address
	at       uint64
}

type attemptKey struct {
	lease   artel.Hash
	task    uint64
	attempt uint32
}

type state struct {
	balances map[artel.Address]artel.Amount
	accounts map[artel.Address]chain.Account
	lanes    map[chain.LaneKey]chain.Lane
	signers  map[signerKey]chain.Signer
	stakes   map[artel.Address]chain.Stake
	claims   map[claimKey]artel.Amount
	proven   map[attemptKey]bool
}

func newState() state {
	return state{
		balances: map[artel.Address]artel.Amount{},
		accounts: map[artel.Address]chain.Account{},
		lanes:    map[chain.LaneKey]chain.Lane{},
		signers:  map[signerKey]chain.Signer{},
		stakes:   map[artel.Address]chain.Stake{},
		claims:   map[claimKey]artel.Amount{},
		proven:   map[attemptKey]bool{},
	}
}

func (s *state) totals(p chain.Params) (t Totals) {
	for a, v := range s.balances {
		switch a {
		case p.Ledger:
			t.InLedger = v
		case p.Stake:
			t.InStake = v
		default:
			t.Outside = t.Outside.Add(v)
		}
	}
	for _, a := range s.accounts {
		t.Deposits, t.Earned = t.Deposits.Add(a.Deposit), t.Earned.Add(a.Earned)
	}
	for _, l := range s.lanes {
		t.Booked = t.Booked.Add(l.Booked())
	}
	for _, k := range s.stakes {
		t.Staked = t.Staked.Add(k.Amount)
	}
	for _, v := range s.claims {
		t.Claims = t.Claims.Add(v)
	}
	return t
}

// execution is one call on its way; a refused one is taken back as a whole.
type execution struct {
	*state
	params chain.Params
	domain artel.Domain
	now    uint64
	from   artel.Address
	facts  []chain.Fact
	undo   []func()
}

// put writes to the state and remembers what was there.
func put[K comparable, V any](x *execution, m map[K]V, k K, v V) {
	old, had := m[k]
	x.undo = append(x.undo, func() {
		if had {
			m[k] = old
		} else {
			delete(m, k)
		}
	})
	m[k] = v
}

func (x *execution) emit(f chain.Fact) { x.facts = append(x.facts, f) }

func (x *execution) run(c chain.Call) *chain.Refusal {
	r := x.dispatch(c)
	if r != nil {
		for i := len(x.undo) - 1; i >= 0; i-- {
			x.undo[i]()
		}
	}
	return r
}

func (x *execution) dispatch(c chain.Call) *chain.Refusal {
	switch c := c.(type) {
	case chain.Deposit:
		return x.deposit(c)
	case chain.ReserveLanes:
		return x.reserve(c)
	case chain.ReserveFor:
		return x.reserveFor(c)
	case chain.Redeem:
		return x.redeem(c)
	case chain.WithdrawEarned:
		return x.withdraw(x.from, c.Amount)
	case chain.WithdrawFor:
		return x.withdraw(c.Account, x.accounts[c.Account].Earned)
	case chain.StartRelease:
		return x.startRelease(c)
	case chain.Release:
		return x.release(c)
	case chain.Waive:
		return x.waive(c)
	case chain.RequestExit:
		return x.requestExit(c)
	case chain.Exit:
		return x.exit(c)
	case chain.SetSigner:
		return x.setSigner(c)
	case chain.SetPayout:
		return x.setPayout(c)
	case chain.StakeUp:
		return x.stakeUp(c)
	case chain.Leave:
		return x.leave(c)
	case chain.Unstake:
		return x.unstake()
	case chain.ProveEquivocation:
		return x.proveEquivocation(c)
	case chain.Claim:
		return x.claim(c)
	case chain.TransferToken:
		return x.transfer(x.from, c.To, c.Amount)
	}
	return chain.Refuse(chain.ErrBadCall, "kind %s", c.Kind())
}

// ---- the token ----

func (x *execution) transfer(from, to artel.Address, amount artel.Amount) *chain.Refusal {
	have := x.balances[from]
	if have.Less(amount) {
		return chain.Refuse(chain.ErrTokens, "%s holds %s, needs %s", from, have, amount)
	}
	put(x, x.balances, from, have.Sub(amount))
	put(x, x.balances, to, x.balances[to].Add(amount))
	return nil
}

// ---- money in ----

func (x *execution) deposit(c chain.Deposit) *chain.Refusal {
	if r := x.transfer(x.from, x.params.Ledger, c.Amount); r != nil {
		return r
	}
	x.credit(c.To, c.Amount)
	x.emit(chain.Deposited{Account: c.To, Amount: c.Amount})
	return nil
}

func (x *execution) credit(a artel.Address, amount artel.Amount) {
	acc := x.accounts[a]
	acc.Deposit = acc.Deposit.Add(amount)
	put(x, x.accounts, a, acc)
}

// ---- booking ----

func (x *execution) reserve(c chain.ReserveLanes) *chain.Refusal {
	var sum artel.Amount
	for _, l := range c.Lanes {
		added, r := x.raise(chain.LaneKey{Renter: x.from, Provider: l.Provider, Number: l.Lane}, l.Cap)
		if r != nil {
			return r
		}
		var err error
		if sum, err = sum.Plus(added); err != nil {
			return chain.Refuse(chain.ErrDeposit, "%v", err)
		}
	}
	return x.book(x.from, sum)
}

func (x *execution) reserveFor(c chain.ReserveFor) *chain.Refusal {
	for _, s := range c.Reserves {
		k := chain.LaneKey{Renter: s.Renter, Provider: s.Provider, Number: s.Lane}
		if x.now > s.ValidUntil {
			return chain.Refuse(chain.ErrExpired, "valid until %d, it is %d", s.ValidUntil, x.now)
		}
		if e := x.lanes[k].Epoch; s.Epoch != e {
			return chain.Refuse(chain.ErrEpoch, "signed for %d, the lane is in %d", s.Epoch, e)
		}
		key, err := s.Sig.Signer(s.Digest(x.domain))
		if err != nil {
			return chain.Refuse(chain.ErrSignature, "%v", err)
		}
		added, r := x.raise(k, s.Cap)
		if r != nil {
			return r
		}
		if key != s.Renter {
			if r := x.checkKey(s.Renter, key, s.Lane); r != nil {
				return r
			}
			if r := x.spend(s.Renter, key, added); r != nil {
				return r
			}
		}
		if r := x.book(s.Renter, added); r != nil {
			return r
		}
	}
	return nil
}

// raise lifts a cap and leaves a running release alone.
func (x *execution) raise(k chain.LaneKey, to artel.Amount) (added artel.Amount, r *chain.Refusal) {
	l := x.lanes[k]
	if !l.Cap.Less(to) {
		return added, nil
	}
	if l.Epoch == lastEpoch {
		return added, chain.Refuse(chain.ErrWornOut, "lane %d of %s", k.Number, k.Provider)
	}
	added, l.Cap = to.Sub(l.Cap), to
	put(x, x.lanes, k, l)
	x.emit(chain.Reserved{Lane: k, Cap: to, Epoch: l.Epoch})
	return added, nil
}

func (x *execution) book(renter artel.Address, sum artel.Amount) *chain.Refusal {
	if sum.IsZero() {
		return nil
	}
	acc := x.accounts[renter]
	if acc.Deposit.Less(sum) {
		return chain.Refuse(chain.ErrDeposit, "%s has %s, needs %s", renter, acc.Deposit, sum)
	}
	acc.Deposit = acc.Deposit.Sub(sum)
	put(x, x.accounts, renter, acc)
	return nil
}

// checkKey: a session signer speaks until its time is up, on its own lanes only.
func (x *execution) checkKey(account, key artel.Address, lane uint64) *chain.Refusal {
	s := x.signers[signerKey{account, key}]
	switch {
	case s.Until == 0:
		return chain.Refuse(chain.ErrSignature, "by %s, which never was a signer of %s", key, account)
	case x.now > s.Until:
		return chain.Refuse(chain.ErrSigner, "%s until %d, it is %d", key, s.Until, x.now)
	case !artel.MaySign(account, key, lane):
		return chain.Refuse(chain.ErrLaneTag, "%s on lane %#x", key, lane)
	}
	return nil
}

func (x *execution) spend(account, key artel.Address, amount artel.Amount) *chain.Refusal {
	k := signerKey{account, key}
	s := x.signers[k]
	if s.Left().Less(amount) {
		return chain.Refuse(chain.ErrAllowance, "%s has %s left, needs %s", key, s.Left(), amount)
	}
	s.Booked = s.Booked.Add(amount)
	put(x, x.signers, k, s)
	return nil
}

// ---- earning ----

func (x *execution) redeem(c chain.Redeem) *chain.Refusal {
	var sum artel.Amount
	for _, v := range c.Vouchers {
		k := chain.LaneKey{Renter: v.Renter, Provider: c.Provider, Number: v.Lane}
		l := x.lanes[k]
		upTo := v.Cumulative.Min(l.Cap)
		if !l.Paid.Less(upTo) {
			continue
		}
		key, err := v.Sig.Signer(v.Digest(x.domain))
		if err != nil {
			return chain.Refuse(chain.ErrSignature, "%v", err)
		}
		if key != v.Renter {
			if r := x.checkKey(v.Renter, key, v.Lane); r != nil {
				return r
			}
		}
		paid := upTo.Sub(l.Paid)
		sum, l.Paid = sum.Add(paid), upTo
		put(x, x.lanes, k, l)
		x.emit(chain.Redeemed{Lane: k, Amount: paid, Cumulative: v.Cumulative, Memo: v.Memo})
	}
	if !sum.IsZero() {
		acc := x.accounts[c.Provider]
		acc.Earned = acc.Earned.Add(sum)
		put(x, x.accounts, c.Provider, acc)
	}
	return nil
}

func (x *execution) withdraw(account artel.Address, amount artel.Amount) *chain.Refusal {
	acc := x.accounts[account]
	if acc.Earned.Less(amount) {
		return chain.Refuse(chain.ErrEarned, "%s has %s, wants %s", account, acc.Earned, amount)
	}
	acc.Earned = acc.Earned.Sub(amount)
	put(x, x.accounts, account, acc)
	to := acc.Payout.At(account, x.now)
	x.emit(chain.Withdrawn{Account: account, To: to, Amount: amount})
	return x.transfer(x.params.Ledger, to, amount)
}

func (x *execution) setPayout(c chain.SetPayout) *chain.Refusal {
	acc := x.accounts[x.from]
	now := acc.Payout.To
	if acc.Payout.ChangesAt != 0 && x.now >= acc.Payout.ChangesAt {
		now = acc.Payout.Next
	}
	acc.Payout = chain.Payout{To: now, ChangesAt: x.now + x.params.Delay, Next: c.To}
	put(x, x.accounts, x.from, acc)
	x.emit(chain.PayoutSet{Account: x.from, To: c.To, At: acc.Payout.ChangesAt})
	return nil
}

// ---- taking money back ----

func (x *execution) startRelease(c chain.StartRelease) *chain.Refusal {
	for _, ref := range c.Lanes {
		k := chain.LaneKey{Renter: x.from, Provider: ref.Provider, Number: ref.Lane}
		l := x.lanes[k]
		l.ReleaseAt = x.now + x.params.Delay
		put(x, x.lanes, k, l)
		x.emit(chain.Releasing{Lane: k, At: l.ReleaseAt})
	}
	return nil
}

func (x *execution) release(c chain.Release) *chain.Refusal {
	var sum artel.Amount
	for _, ref := range c.Lanes {
		k := chain.LaneKey{Renter: c.Renter, Provider: ref.Provider, Number: ref.Lane}
		if r := x.ripe(x.lanes[k].ReleaseAt); r != nil {
			return r
		}
		amount, epoch := x.empty(k)
		sum = sum.Add(amount)
		x.emit(chain.Released{Lane: k, Amount: amount, Epoch: epoch})
	}
	x.credit(c.Renter, sum)
	return nil
}

func (x *execution) waive(c chain.Waive) *chain.Refusal {
	for _, ref := range c.Lanes {
		k := chain.LaneKey{Renter: ref.Renter, Provider: x.from, Number: ref.Lane}
		amount, epoch := x.empty(k)
		x.credit(ref.Renter, amount)
		x.emit(chain.Waived{Lane: k, Amount: amount, Epoch: epoch})
	}
	return nil
}

// empty lowers the cap to what was paid and makes the Reserves signed so far
// void. The last epoch stays.
func (x *execution) empty(k chain.LaneKey) (amount artel.Amount, epoch uint32) {
	l := x.lanes[k]
	amount = l.Booked()
	l.Cap, l.ReleaseAt, l.Epoch = l.Paid, 0, min(l.Epoch+1, lastEpoch)
	put(x, x.lanes, k, l)
	return amount, l.Epoch
}

// ripe refuses what matures at due unless the window is open now.
func (x *execution) ripe(due uint64) *chain.Refusal {
	switch {
	case due == 0:
		return chain.Refuse(chain.ErrNotStarted, "")
	case x.now < due:
		return chain.Refuse(chain.ErrEarly, "from %d, it is %d", due, x.now)
	case x.now > due+x.params.Window:
		return chain.Refuse(chain.ErrWindow, "until %d, it is %d", due+x.params.Window, x.now)
	}
	return nil
}

func (x *execution) requestExit(c chain.RequestExit) *chain.Refusal {
	acc := x.accounts[x.from]
	acc.ExitAmount, acc.ExitAt = c.Amount, 0
	if !c.Amount.IsZero() {
		acc.ExitAt = x.now + x.params.Delay
	}
	put(x, x.accounts, x.from, acc)
	x.emit(chain.ExitRequested{Account: x.from, Amount: c.Amount, At: acc.ExitAt})
	return nil
}

func (x *execution) exit(c chain.Exit) *chain.Refusal {
	acc := x.accounts[x.from]
	if r := x.ripe(acc.ExitAt); r != nil {
		return r
	}
	amount := acc.ExitAmount.Min(acc.Deposit)
	acc.Deposit = acc.Deposit.Sub(amount)
	acc.ExitAt, acc.ExitAmount = 0, artel.Amount{}
	put(x, x.accounts, x.from, acc)
	x.emit(chain.Exited{Account: x.from, To: c.To, Amount: amount})
	return x.transfer(x.params.Ledger, c.To, amount)
}

// ---- session signers ----

func (x *execution) setSigner(c chain.SetSigner) *chain.Refusal {
	k := signerKey{x.from, c.Key}
	s := x.signers[k]
	s.Until = max(c.Until, min(s.Until, x.now+x.params.Delay))
	s.Allowance = c.Allowance
	put(x, x.signers, k, s)
	x.emit(chain.SignerSet{Account: x.from, Key: c.Key, Allowance: s.Allowance, Until: s.Until})
	return nil
}
