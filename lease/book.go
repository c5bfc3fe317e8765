// Package lease is the rule book of a lease: what each side may do, what is
// owed, what is secured, and when to stop. It is pure: a step takes a state, an
// event and the time and gives the next state and what is to be done. The
// caller stores both in one transaction and then does it.
//
// The arithmetic mirrors the Ledger contract: a lane's cap and paid only grow
// within an epoch, vouchers are cumulative, and what a voucher is worth is
// min(cumulative, cap).
package lease

import (
	"bytes"
	"cmp"
	"fmt"
	"time"

	"github.com/artel-network/artel"
)

// Key names a lane.
type Key struct {
	Renter   artel.Address `json:"renter"`
	Provider artel.Address `json:"provider"`
	Number   uint64        `json:"number"`
}

// Compare orders lanes.
func (k Key) Compare(o Key) int {
	return cmp.Or(bytes.Compare(k.Renter[:], o.Renter[:]), bytes.Compare(k.Provider[:], o.Provider[:]), cmp.Compare(k.Number, o.Number))
}

// KeyOf returns the lane a lease is paid on.
func KeyOf(l artel.Lease) Key { return Key{l.Renter, l.Provider, l.Lane} }

// Book is what one side knows of a lane's money. A lane outlives its leases:
// the sums go on.
type Book struct {
	Key     Key           `json:"key"`
	Accrued artel.Accrual `json:"accrued"` // exact running total of what was delivered

	Voucher    artel.Amount    `json:"voucher"` // highest cumulative signed
	VoucherSig artel.Signature `json:"voucherSig"`
	VoucherFor artel.Hash      `json:"memo"`

	Reserve    artel.Reserve   `json:"reserve"` // highest cap signed in the current epoch
	ReserveSig artel.Signature `json:"reserveSig"`

	// What the newest final block says.
	Cap       artel.Amount `json:"cap"`
	Paid      artel.Amount `json:"paid"`
	Epoch     uint32       `json:"epoch"`
	ReleaseAt uint64       `json:"releaseAt"`

	Generation uint64 `json:"generation"` // of the controller; older ones are refused
}

// Due is what was delivered so far, in whole units, rounded up once.
func (b Book) Due() artel.Amount { return b.Accrued.Ceil() }

// Secured is what the provider can turn into money whatever the renter does
// from now on: the voucher, as far as it is booked.
func (b Book) Secured() artel.Amount { return b.Voucher.Min(b.Cap) }

// Exposed is what the provider would lose if the renter vanished now.
func (b Book) Exposed() artel.Amount { return b.Due().Sub(b.Secured()) }

// Redeemable is what a redemption would pay now.
func (b Book) Redeemable() artel.Amount { return b.Secured().Sub(b.Paid) }

// Unbooked is how much of the voucher waits for the reserve to be booked.
func (b Book) Unbooked() artel.Amount { return b.Voucher.Sub(b.Cap) }

// CanBook reports whether the signed reserve would raise the cap if it were
// submitted at unix second now.
func (b Book) CanBook(now uint64) bool {
	return b.Cap.Less(b.Reserve.Cap) && b.Reserve.Epoch == b.Epoch && now < b.Reserve.ValidUntil
}

// SignedVoucher returns the highest voucher as it was signed.
func (b Book) SignedVoucher() (artel.Voucher, artel.Signature) {
	return artel.Voucher{
		Renter: b.Key.Renter, Provider: b.Key.Provider, Lane: b.Key.Number,
		Cumulative: b.Voucher, Memo: b.VoucherFor,
	}, b.VoucherSig
}

// Lane is what a final block says about a lane and those who may sign for it.
type Lane struct {
	Time      uint64 // of the block, unix seconds; 0: not told
	Cap       artel.Amount
	Paid      artel.Amount
	Epoch     uint32
	ReleaseAt uint64 // unix seconds; 0: no release running
	Deposit   artel.Amount
	ExitAt    uint64       // unix seconds; 0: the renter is not leaving
	Signer    SignerRights // of the key that signs for the renter
}

// SignerRights is what a final block says about a session signer.
type SignerRights struct {
	Account   bool         // the key is the account itself
	Allowance artel.Amount // what it may still book
	Until     uint64       // unix seconds
}

// Good reports whether a voucher accepted at now stays redeemable for delay
// seconds.
func (s SignerRights) Good(now, delay uint64) bool { return s.Account || s.Until >= now+delay }

// Short says why Good is false for the vouchers of a lease that ends at now, and
// what to do.
func (s SignerRights) Short(now, delay uint64) (text, hint string) {
	if s.Until == 0 {
		return "the session signer has no rights", "artel wallet signer gives it an allowance and a time"
	}
	date := func(sec uint64) string { return time.Unix(int64(min(sec, 1<<40)), 0).UTC().Format(time.RFC3339) }
	return fmt.Sprintf("the session signer ends at %s, its vouchers of this lease must count until %s", date(s.Until), date(now+delay)), "artel wallet signer: raise its time"
}

// Seen takes over what a final block says.
func (b Book) Seen(l Lane) Book {
	b.Cap, b.Paid, b.Epoch, b.ReleaseAt = l.Cap, l.Paid, l.Epoch, l.ReleaseAt
	if b.Reserve.Epoch != l.Epoch {
		b.Reserve, b.ReserveSig = artel.Reserve{}, artel.Signature{} // a release or a waiver killed it
	}
	return b
}

// TakeVoucher checks a signed voucher and keeps it. A voucher equal to the one
// held changes nothing; a smaller one is refused.
func (b Book) TakeVoucher(d artel.Domain, v artel.Voucher, sig artel.Signature, signer artel.Address) (Book, error) {
	switch {
	case v.Renter != b.Key.Renter || v.Provider != b.Key.Provider || v.Lane != b.Key.Number:
		return b, artel.Invalid("voucher is for another lane")
	case v.Cumulative.Less(b.Voucher):
		return b, artel.Invalid("voucher goes backwards: %s after %s; hint: two controllers may be using one lane, or the renter's database is an old copy; `artel recover` asks providers for the newest", v.Cumulative, b.Voucher)
	case v.Cumulative == b.Voucher:
		return b, nil
	}
	if err := signedBy(sig, v.Digest(d), signer, b.Key); err != nil {
		return b, err
	}
	b.Voucher, b.VoucherSig, b.VoucherFor = v.Cumulative, sig, v.Memo
	return b, nil
}

// TakeReserve checks a signed reserve and keeps it if it is the highest. now is
// in unix seconds.
func (b Book) TakeReserve(d artel.Domain, r artel.Reserve, sig artel.Signature, signer artel.Address, now uint64) (Book, error) {
	switch {
	case r.Renter != b.Key.Renter || r.Provider != b.Key.Provider || r.Lane != b.Key.Number:
		return b, artel.Invalid("reserve is for another lane")
	case r.Epoch != b.Epoch:
		return b, artel.Invalid("reserve is of epoch %d, the lane is in epoch %d; hint: a release or waiver came between", r.Epoch, b.Epoch)
	case r.ValidUntil <= now:
		return b, artel.Invalid("reserve ran out %d s ago", now-r.ValidUntil)
	case r.Cap.Less(b.Reserve.Cap) || r.Cap.Less(b.Cap):
		return b, nil // caps only grow; an old one is harmless
	}
	if err := signedBy(sig, r.Digest(d), signer, b.Key); err != nil {
		return b, err
	}
	b.Reserve, b.ReserveSig = r, sig
	return b, nil
}

func signedBy(sig artel.Signature, digest artel.Hash, want artel.Address, k Key) error {
	got, err := sig.Signer(digest)
	if err != nil {
		return err
	}
	if got != want {
		return artel.Invalid("signed by %s, want %s; hint: another key, chain or contract", got, want)
	}
	if !artel.MaySign(k.Renter, got, k.Number) {
		return artel.Invalid("%s may not sign for lane %x: the lane carries another signer's tag", got, k.Number)
	}
	return nil
}

// shifted moves an instant; 0 is none.
func shifted(at, ms int64) int64 {
	if at == 0 {
		return 0
	}
	return at + ms
}
