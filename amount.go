package artel

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strings"
)

// Amount is a sum of money in the token's smallest unit. It is never negative
// and never exceeds 2⁹⁶−1, the width of the ledger's fields.
//
// The zero value is zero. Amounts are comparable with ==.
type Amount struct{ hi, lo uint64 }

// MaxAmount is the largest amount the ledger can hold, 2⁹⁶−1 units.
var MaxAmount = Amount{hi: 1<<32 - 1, lo: 1<<64 - 1}

// ErrAmount says that a sum does not fit an Amount or is not a number.
var ErrAmount = errors.New("not an amount")

// Units returns an amount of n smallest units.
func Units(n uint64) Amount { return Amount{lo: n} }

// IsZero reports whether a is nothing.
func (a Amount) IsZero() bool { return a == Amount{} }

// Cmp returns −1, 0 or +1 as a is less than, equal to or more than b.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a.hi != b.hi && a.hi < b.hi, a.hi == b.hi && a.lo < b.lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// Less reports whether a is less than b.
func (a Amount) Less(b Amount) bool { return a.Cmp(b) < 0 }

// Min returns the smaller of a and b.
func (a Amount) Min(b Amount) Amount {
	if b.Less(a) {
		return b
	}
	return a
}

// Max returns the larger of a and b.
func (a Amount) Max(b Amount) Amount {
	if a.Less(b) {
		return b
	}
	return a
}

// Plus adds what a peer or a user supplied: it reports ErrAmount when the sum
// does not fit.
func (a Amount) Plus(b Amount) (Amount, error) {
	lo, c := bits.Add64(a.lo, b.lo, 0)
	hi, c := bits.Add64(a.hi, b.hi, c)
	s := Amount{hi, lo}
	if c != 0 || MaxAmount.Less(s) {
		return Amount{}, fmt.Errorf("%w: %s + %s exceeds the ledger's 96 bits", ErrAmount, a, b)
	}
	return s, nil
}

// Add adds amounts that were bounded before; it panics when the sum does not
// fit. Use Plus for a figure that came from outside.
func (a Amount) Add(b Amount) Amount {
	s, err := a.Plus(b)
	if err != nil {
		panic(err)
	}
	return s
}

// Sub returns a−b, or zero where b is more than a.
func (a Amount) Sub(b Amount) Amount {
	if a.Less(b) {
		return Amount{}
	}
	lo, c := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, c)
	return Amount{hi, lo}
}

// Div returns a/n, rounded down. It panics for n = 0.
func (a Amount) Div(n uint64) Amount {
	q, r := bits.Div64(0, a.hi, n)
	lo, _ := bits.Div64(r, a.lo, n)
	return Amount{q, lo}
}

// Uint64 returns a, or 2⁶⁴−1 and false where it does not fit.
func (a Amount) Uint64() (uint64, bool) {
	if a.hi != 0 {
		return 1<<64 - 1, false
	}
	return a.lo, true
}

// Float returns a rounded to a float64: for sorting and display, never for money.
func (a Amount) Float() float64 { return float64(a.hi)*(1<<64) + float64(a.lo) }

// Bytes returns a as 12 bytes, most significant first.
func (a Amount) Bytes() [12]byte {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:4], uint32(a.hi))
	binary.BigEndian.PutUint64(b[4:], a.lo)
	return b
}

// AmountFromBytes is the inverse of Bytes. It accepts at most 12 bytes, most
// significant first.
func AmountFromBytes(b []byte) (Amount, error) {
	if len(b) > 12 {
		return Amount{}, fmt.Errorf("%w: %d bytes, at most 12", ErrAmount, len(b))
	}
	var p [16]byte
	copy(p[16-len(b):], b)
	return Amount{binary.BigEndian.Uint64(p[:8]), binary.BigEndian.Uint64(p[8:])}, nil
}

// String returns a in decimal smallest units.
func (a Amount) String() string {
	const chunk = 1e18
	if a.hi == 0 {
		return fmt.Sprint(a.lo)
	}
	q, r := bits.Div64(a.hi%chunk, a.lo, chunk) // a.hi < 2³² < chunk
	return fmt.Sprintf("%d%018d", q, r)
}

// ParseAmount reads a decimal number of smallest units; underscores may group
// digits.
func ParseAmount(s string) (Amount, error) {
	digits := strings.ReplaceAll(s, "_", "")
	if digits == "" || len(digits) > 29 {
		return Amount{}, fmt.Errorf("%w: %q; hint: a whole number of the token's smallest units", ErrAmount, clip(s))
	}
	var a Amount
	for _, c := range digits {
		if c < '0' || c > '9' {
			return Amount{}, fmt.Errorf("%w: %q; hint: a whole number of the token's smallest units", ErrAmount, clip(s))
		}
		h1, l1 := bits.Mul64(a.lo, 10)
		lo, carry := bits.Add64(l1, uint64(c-'0'), 0)
		a = Amount{hi: a.hi*10 + h1 + carry, lo: lo}
		if MaxAmount.Less(a) {
			return Amount{}, fmt.Errorf("%w: %q exceeds 2^96-1", ErrAmount, clip(s))
		}
	}
	return a, nil
}

// MarshalText writes a in decimal, so that JSON carries it as a string and no
// reader rounds it.
func (a Amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText is the inverse of MarshalText.
func (a *Amount) UnmarshalText(b []byte) error {
	v, err := ParseAmount(string(b))
	if err == nil {
		*a = v
	}
	return err
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// Price is what a machine asks for its time: token units per 10⁶ seconds
// (about 11.6 days), so that cheap machines and tokens of few decimals still
// have a price that is a whole number.
type Price uint64

// Times is the price of n such slots, or the highest there is.
func (p Price) Times(n uint32) Price {
	high, low := bits.Mul64(uint64(p), uint64(n))
	if high != 0 {
		return 1<<64 - 1
	}
	return Price(low)
}

// Accrual is an exact, unrounded sum of price × milliseconds. A lane keeps one
// running accrual; it is rounded (up) to an Amount once, for the voucher, and
// never per task.
type Accrual struct{ hi, lo uint64 }

// accrualUnit is how many price-milliseconds make one token unit:
// 10⁶ seconds × 1000.
const accrualUnit = 1_000_000_000

// Accrue adds ms milliseconds at price p. It reports ErrAmount on overflow.
func (x Accrual) Accrue(p Price, ms uint64) (Accrual, error) {
	hi, lo := bits.Mul64(uint64(p), ms)
	var c uint64
	lo, c = bits.Add64(x.lo, lo, 0)
	hi, c = bits.Add64(x.hi, hi, c)
	s := Accrual{hi, lo}
	if c != 0 || s.hi >= accrualUnit<<32 {
		return x, fmt.Errorf("%w: accrual of %d ms at price %d does not fit", ErrAmount, ms, p)
	}
	return s, nil
}

// AccrualOf returns the accrual that equals a exactly.
func AccrualOf(a Amount) Accrual {
	hi, lo := bits.Mul64(a.lo, accrualUnit)
	return Accrual{hi + a.hi*accrualUnit, lo}
}

// Ceil rounds the accrual up to whole units. The result never exceeds
// MaxAmount.
func (x Accrual) Ceil() Amount {
	q1, r := x.hi/accrualUnit, x.hi%accrualUnit
	q0, r := bits.Div64(r, x.lo, accrualUnit)
	a := Amount{q1, q0}
	if r != 0 && a.Less(MaxAmount) {
		a = a.Add(Units(1))
	}
	return a.Min(MaxAmount)
}

// Bytes returns the accrual as 16 bytes, most significant first.
func (x Accrual) Bytes() [16]byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], x.hi)
	binary.BigEndian.PutUint64(b[8:], x.lo)
	return b
}

// AccrualFromBytes is the inverse of Bytes.
func AccrualFromBytes(b []byte) (Accrual, error) {
	if len(b) != 16 {
		return Accrual{}, fmt.Errorf("%w: accrual of %d bytes", ErrAmount, len(b))
	}
	x := Accrual{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
	if x.hi >= accrualUnit<<32 {
		return Accrual{}, fmt.Errorf("%w: accrual exceeds the ledger's 96 bits", ErrAmount)
	}
	return x, nil
}

// Cost returns what ms milliseconds at price p come to, rounded up: for
// estimates and caps. A lease's own bill goes through Accrual.
func Cost(p Price, ms uint64) Amount {
	x, err := Accrual{}.Accrue(p, ms)
	if err != nil {
		return MaxAmount
	}
	return x.Ceil()
}

// MarshalText writes the accrual in hex, exactly.
func (x Accrual) MarshalText() ([]byte, error) {
	b := x.Bytes()
	return hex.AppendEncode(nil, b[:]), nil
}

// UnmarshalText is the inverse of MarshalText.
func (x *Accrual) UnmarshalText(text []byte) error {
	b, err := hex.AppendDecode(nil, text)
	if err != nil {
		return fmt.Errorf("%w: accrual: %v", ErrAmount, err)
	}
	*x, err = AccrualFromBytes(b)
	return err
}
