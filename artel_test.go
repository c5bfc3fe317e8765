package artel

import (
	"bytes"
	"errors"
	"math/big"
	"testing"
)

func TestAmountAgainstBig(t *testing.T) {
	cases := []string{"0", "1", "999999999999999999", "1000000000000000000", "18446744073709551615",
		"18446744073709551616", "79228162514264337593543950335"}
	for _, s := range cases {
		a, err := ParseAmount(s)
		if err != nil {
			t.Fatalf("ParseAmount(%s): %v", s, err)
		}
		if a.String() != s {
			t.Errorf("String: got %s, want %s", a, s)
		}
		b := a.Bytes()
		if got := new(big.Int).SetBytes(b[:]).String(); got != s {
			t.Errorf("Bytes: got %s, want %s", got, s)
		}
		back, err := AmountFromBytes(b[:])
		if err != nil || back != a {
			t.Errorf("AmountFromBytes: got %s, %v, want %s", back, err, s)
		}
	}
	for _, s := range []string{"", "-1", "1.5", "1e3", "79228162514264337593543950336", "999999999999999999999999999999"} {
		if _, err := ParseAmount(s); !errors.Is(err, ErrAmount) {
			t.Errorf("ParseAmount(%q): got %v, want ErrAmount", s, err)
		}
	}
	if _, err := MaxAmount.Plus(Units(1)); !errors.Is(err, ErrAmount) {
		t.Errorf("Max+1: got %v", err)
	}
	if got := Units(3).Sub(Units(5)); !got.IsZero() {
		t.Errorf("3-5: got %s, want 0", got)
	}
}

func TestAccrualRoundsOnceAndUp(t *testing.T) {
	var x Accrual
	for range 1000 {
		var err error
		if x, err = x.Accrue(1_000_000, 1); err != nil { // 1 unit a second, 1 ms at a time
			t.Fatal(err)
		}
	}
	if got := x.Ceil(); got != Units(1) {
		t.Errorf("1000 × 1 ms at 1 unit/s: got %s, want 1", got)
	}
	x, _ = x.Accrue(1_000_000, 1)
	if got := x.Ceil(); got != Units(2) {
		t.Errorf("one more millisecond: got %s, want 2 (rounded up)", got)
	}
	for _, a := range []Amount{{}, Units(7), MaxAmount} {
		if got := AccrualOf(a).Ceil(); got != a {
			t.Errorf("AccrualOf(%s).Ceil() = %s", a, got)
		}
		b := AccrualOf(a).Bytes()
		if back, err := AccrualFromBytes(b[:]); err != nil || back != AccrualOf(a) {
			t.Errorf("accrual bytes of %s: %v", a, err)
		}
	}
	if _, err := AccrualOf(MaxAmount).Accrue(1<<63, 1<<62); !errors.Is(err, ErrAmount) {
		t.Errorf("overflow: got %v", err)
	}
}

func TestSignatureRecovers(t *testing.T) {
	k, err := KeyFromBytes(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := Keccak([]byte("a digest"))
	s := k.Sign(d)
	if got, err := s.Signer(d); err != nil || got != k.Address() {
		t.Fatalf("Signer: %s, %v; want %s", got, err, k.Address())
	}
	if got, err := s.NodeID(d); err != nil || got != k.NodeID() {
		t.Fatalf("NodeID: %s, %v", got, err)
	}
	if got, _ := s.Signer(Keccak([]byte("another"))); got == k.Address() {
		t.Error("signature counts for another digest")
	}
	high := s // the twin with n−s must be refused
	n, _ := new(big.Int).SetString("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16)
	vs := new(big.Int).SetBytes(append([]byte{s[32] & 0x7f}, s[33:]...))
	new(big.Int).Sub(n, vs).FillBytes(high[32:])
	if got, err := high.Signer(d); err == nil && got == k.Address() {
		t.Error("high-s twin accepted")
	}
	if _, err := (Signature{}).Signer(d); !errors.Is(err, ErrSignature) {
		t.Errorf("zero signature: %v", err)
	}
	if bytes.Contains([]byte(k.String()+k.GoString()), []byte("0707")) {
		t.Error("a key prints its secret")
	}
}

func TestRefText(t *testing.T) {
	r, err := NewRef(CodecDagPB, [32]byte{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseRef(r.String())
	if err != nil || back != r {
		t.Errorf("ParseRef(%s) = %v, %v", r, back, err)
	}
	for _, s := range []string{"", "b", "bafy", "Qm123", r.String() + "a"} {
		if _, err := ParseRef(s); !errors.Is(err, ErrRef) {
			t.Errorf("ParseRef(%q): %v", s, err)
		}
	}
}

func FuzzParseRef(f *testing.F) {
	r, _ := NewRef(CodecRaw, [32]byte{9})
	f.Add(r.String())
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseRef(s); err == nil {
			if back, err := ParseRef(r.String()); err != nil || back != r {
				t.Fatalf("%q does not round-trip", s)
			}
		}
	})
}
