package chain

import "github.com/artel-network/artel"

const (
	maxTime  = 1<<40 - 1
	maxEpoch = 1<<24 - 1
)

// Check refuses, with ErrBadCall, what no ledger could carry out: an empty id,
// no sender, no call, an empty or too long list, a zero address, a number that
// does not fit the contract's field.
func (t Tx) Check() error {
	if t.ID == "" || len(t.ID) > 128 {
		return Refuse(ErrBadCall, "id of %d bytes, want 1 to 128", len(t.ID))
	}
	if t.From.IsZero() {
		return Refuse(ErrBadCall, "%s: no sender", t.ID)
	}
	if t.Call == nil {
		return Refuse(ErrBadCall, "%s: no call", t.ID)
	}
	return t.Call.check()
}

func checkLen(kind string, n int) error {
	if n == 0 {
		return Refuse(ErrBadCall, "%s: nothing to do", kind)
	}
	if n > MaxBatch {
		return Refuse(ErrTooBig, "%s: %d items, at most %d", kind, n, MaxBatch)
	}
	return nil
}

func checkAddress(what string, as ...artel.Address) error {
	for _, a := range as {
		if a.IsZero() {
			return Refuse(ErrBadCall, "%s: zero address", what)
		}
	}
	return nil
}

func checkAmount(what string, a artel.Amount) error {
	if a.IsZero() {
		return Refuse(ErrBadCall, "%s: amount is zero", what)
	}
	return nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func checkEach[T any](kind string, items []T, check func(T) error) error {
	if err := checkLen(kind, len(items)); err != nil {
		return err
	}
	for _, it := range items {
		if err := check(it); err != nil {
			return err
		}
	}
	return nil
}

func (c Deposit) check() error {
	return first(checkAddress("deposit to", c.To), checkAmount("deposit", c.Amount))
}

func (c ReserveLanes) check() error {
	return checkEach(c.Kind(), c.Lanes, func(l LaneCap) error { return checkAddress("reserve: provider", l.Provider) })
}

func (c ReserveFor) check() error {
	return checkEach(c.Kind(), c.Reserves, func(r SignedReserve) error {
		if r.Epoch > maxEpoch || r.ValidUntil > maxTime {
			return Refuse(ErrBadCall, "reserve: epoch %d or validUntil %d does not fit the ledger", r.Epoch, r.ValidUntil)
		}
		return checkAddress("reserve", r.Renter, r.Provider)
	})
}

func (c Redeem) check() error {
	return checkEach(c.Kind(), c.Vouchers, func(v SignedVoucher) error {
		if v.Provider != c.Provider {
			return Refuse(ErrBadCall, "redeem for %s: a voucher to %s", c.Provider, v.Provider)
		}
		return checkAddress("redeem", v.Renter, v.Provider)
	})
}

func (c WithdrawEarned) check() error { return checkAmount("withdraw", c.Amount) }

func (c WithdrawFor) check() error { return checkAddress("withdraw for", c.Account) }

func (c StartRelease) check() error { return checkLanes(c.Kind(), c.Lanes) }

func (c Release) check() error {
	return first(checkAddress("release: renter", c.Renter), checkLanes(c.Kind(), c.Lanes))
}

func checkLanes(kind string, ls []LaneRef) error {
	return checkEach(kind, ls, func(l LaneRef) error { return checkAddress(kind+": provider", l.Provider) })
}

func (c Waive) check() error {
	return checkEach(c.Kind(), c.Lanes, func(l WaiveRef) error { return checkAddress("waive: renter", l.Renter) })
}

func (RequestExit) check() error { return nil }

func (c Exit) check() error { return checkAddress("exit to", c.To) }

func (c SetSigner) check() error {
	if c.Until > maxTime {
		return Refuse(ErrBadCall, "set signer: until %d does not fit the ledger", c.Until)
	}
	return checkAddress("set signer: key", c.Key)
}

func (SetPayout) check() error { return nil }

func (c StakeUp) check() error {
	return first(checkAddress("stake for", c.To), checkAmount("stake", c.Amount))
}

func (Leave) check() error { return nil }

func (Unstake) check() error { return nil }

func (c ProveEquivocation) check() error {
	if c.Lease.Start > maxTime || c.Lease.End > maxTime {
		return Refuse(ErrBadCall, "prove equivocation: the lease's times do not fit the ledger")
	}
	return checkAddress("prove equivocation", c.Lease.Renter, c.Lease.Provider, c.Reporter)
}

func (c Claim) check() error {
	return checkEach(c.Kind(), c.At, func(at uint64) error {
		if at == 0 || at > maxTime {
			return Refuse(ErrBadCall, "claim: time %d does not fit the ledger", at)
		}
		return nil
	})
}

func (c TransferToken) check() error { return checkAddress("transfer to", c.To) }
