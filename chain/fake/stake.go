package fake

import (
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

func (x *execution) stakeUp(c chain.StakeUp) *chain.Refusal {
	if r := x.transfer(x.from, x.params.Stake, c.Amount); r != nil {
		return r
	}
	s := x.stakes[c.To]
	s.Amount = s.Amount.Add(c.Amount)
	put(x, x.stakes, c.To, s)
	x.emit(chain.Staked{Provider: c.To, Amount: c.Amount})
	return nil
}

func (x *execution) leave(c chain.Leave) *chain.Refusal {
	s := x.stakes[x.from]
	if s.Amount.Less(c.Amount) {
		return chain.Refuse(chain.ErrStake, "%s has %s, wants %s", x.from, s.Amount, c.Amount)
	}
	s.Leaving, s.LeaveAt = c.Amount, 0
	if !c.Amount.IsZero() {
		s.LeaveAt = x.now + x.params.StakeDelay
	}
	put(x, x.stakes, x.from, s)
	x.emit(chain.Leaving{Provider: x.from, Amount: c.Amount, At: s.LeaveAt})
	return nil
}

func (x *execution) unstake() *chain.Refusal {
	s := x.stakes[x.from]
	if r := x.ripe(s.LeaveAt); r != nil {
		return r
	}
	amount := s.Leaving
	s.Amount = s.Amount.Sub(amount)
	s.Leaving, s.LeaveAt = artel.Amount{}, 0
	put(x, x.stakes, x.from, s)
	to := x.accounts[x.from].Payout.At(x.from, x.now)
	x.emit(chain.Unstaked{Provider: x.from, To: to, Amount: amount})
	return x.transfer(x.params.Stake, to, amount)
}

func (x *execution) proveEquivocation(c chain.ProveEquivocation) *chain.Refusal {
	l, a, b := c.Lease, c.A, c.B
	id := l.ID(x.domain)
	switch {
	case a.Lease != id || b.Lease != id:
		return chain.Refuse(chain.ErrNoFault, "the results are not of lease %s", id)
	case a.Task != b.Task || a.Attempt != b.Attempt:
		return chain.Refuse(chain.ErrNoFault, "the results are of different attempts")
	case a.OutputRoot == b.OutputRoot && a.ExitCode == b.ExitCode:
		return chain.Refuse(chain.ErrNoFault, "the results are the same")
	case l.Penalty.IsZero():
		return chain.Refuse(chain.ErrNoFault, "the lease names no penalty")
	case l.End < l.Start || l.End-l.Start > longestLease:
		return chain.Refuse(chain.ErrNoFault, "the lease ends before it starts, or is too long")
	case x.now > l.End+x.params.StakeDelay:
		return chain.Refuse(chain.ErrNoFault, "the lease ended at %d, which is too long ago", l.End)
	}
	attempt := attemptKey{id, a.Task, a.Attempt}
	if x.proven[attempt] {
		return chain.Refuse(chain.ErrClaimed, "task %d, attempt %d", a.Task, a.Attempt)
	}
	for _, s := range []struct {
		by     artel.Address
		digest artel.Hash
		sig    artel.Signature
	}{
		{l.Renter, id, c.RenterSig}, {l.Provider, id, c.LeaseSig},
		{l.Provider, a.Digest(x.domain), c.ASig}, {l.Provider, b.Digest(x.domain), c.BSig},
	} {
		if r := x.signedBy(s.by, l.Start, s.digest, s.sig); r != nil {
			return r
		}
	}
	put(x, x.proven, attempt, true)
	x.emit(chain.Equivocated{Provider: l.Provider, Lease: id, Task: a.Task, Attempt: a.Attempt})
	return x.slash(l.Provider, l.Penalty, c.Reporter, reasonEquivocation())
}

func reasonEquivocation() (h artel.Hash) {
	copy(h[:], "equivocation")
	return h
}

// signedBy: by the account, or by a key of it that had not ended at the time.
func (x *execution) signedBy(account artel.Address, at uint64, digest artel.Hash, sig artel.Signature) *chain.Refusal {
	key, err := sig.Signer(digest)
	if err != nil {
		return chain.Refuse(chain.ErrSignature, "%v", err)
	}
	if key == account {
		return nil
	}
	if u := x.signers[signerKey{account, key}].Until; u == 0 || u < at {
		return chain.Refuse(chain.ErrSignature, "by %s, not by %s", key, account)
	}
	return nil
}

// slash takes at most amount and burns it but for the reporter's share.
func (x *execution) slash(who artel.Address, amount artel.Amount, reporter artel.Address, reason artel.Hash) *chain.Refusal {
	s := x.stakes[who]
	taken := amount.Min(s.Amount)
	if taken.IsZero() {
		return chain.Refuse(chain.ErrStake, "%s has nothing at stake", who)
	}
	s.Amount = s.Amount.Sub(taken)
	s.Leaving = s.Leaving.Min(s.Amount)
	s.Faults = min(s.Faults+1, lastEpoch)
	put(x, x.stakes, who, s)
	share := percent(taken)
	burned := taken.Sub(share)
	x.emit(chain.Slashed{Provider: who, By: x.from, Reason: reason, Burned: burned, Share: share, Reporter: reporter})
	if !share.IsZero() {
		k := claimKey{reporter, x.now + x.params.StakeDelay}
		put(x, x.claims, k, x.claims[k].Add(share))
		x.emit(chain.ClaimOpened{Reporter: reporter, At: k.at, Amount: share})
	}
	return x.transfer(x.params.Stake, burnt, burned)
}

// percent returns the reporter's share, rounded down: amount / 20.
func percent(a artel.Amount) artel.Amount {
	b := a.Bytes()
	var rest uint32
	for i, d := range b { // long division by one byte
		rest = rest<<8 | uint32(d)
		b[i], rest = byte(rest/(100/reporterPercent)), rest%(100/reporterPercent)
	}
	share, _ := artel.AmountFromBytes(b[:])
	return share
}

func (x *execution) claim(c chain.Claim) *chain.Refusal {
	var sum artel.Amount
	for _, at := range c.At {
		k := claimKey{x.from, at}
		amount := x.claims[k]
		switch {
		case x.now < at:
			return chain.Refuse(chain.ErrEarly, "from %d, it is %d", at, x.now)
		case amount.IsZero():
			return chain.Refuse(chain.ErrNotStarted, "no claim of %s at %d", x.from, at)
		}
		put(x, x.claims, k, artel.Amount{})
		sum = sum.Add(amount)
	}
	x.emit(chain.Claimed{Reporter: x.from, Amount: sum})
	return x.transfer(x.params.Stake, x.from, sum)
}
