package chain_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

var someone, other = artel.Address{1}, artel.Address{2}

// calls has one good call of each kind.
func calls() []chain.Call {
	u := artel.Units
	lanes := []chain.LaneRef{{Provider: other, Lane: 1<<64 - 1}}
	return []chain.Call{
		chain.Deposit{To: someone, Amount: artel.MaxAmount},
		chain.ReserveLanes{Lanes: []chain.LaneCap{{Provider: other, Lane: 9, Cap: u(5)}}},
		chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: artel.Reserve{Renter: someone, Provider: other, Lane: 9, Epoch: 1<<24 - 1, Cap: u(1), ValidUntil: 1<<40 - 1}, Sig: artel.Signature{1}}}},
		chain.Redeem{Provider: other, Vouchers: []chain.SignedVoucher{{Voucher: artel.Voucher{Renter: someone, Provider: other, Cumulative: u(7), Memo: artel.Hash{3}}, Sig: artel.Signature{63: 9}}}},
		chain.WithdrawEarned{Amount: u(1)},
		chain.WithdrawFor{Account: other},
		chain.StartRelease{Lanes: lanes},
		chain.Release{Renter: someone, Lanes: lanes},
		chain.Waive{Lanes: []chain.WaiveRef{{Renter: someone, Lane: 3}}},
		chain.RequestExit{},
		chain.Exit{To: someone},
		chain.SetSigner{Key: other, Allowance: u(8), Until: 1<<40 - 1},
		chain.SetPayout{},
		chain.StakeUp{To: other, Amount: u(3)},
		chain.Leave{Amount: u(3)},
		chain.Unstake{},
		chain.ProveEquivocation{Lease: artel.Lease{Renter: someone, Provider: other, Start: 1, End: 2, Penalty: u(4), Rule: artel.RuleTime},
			A: artel.Result{ExitCode: -1}, B: artel.Result{Task: 1<<64 - 1}, BSig: artel.Signature{5}, Reporter: someone},
		chain.Claim{At: []uint64{5}},
		chain.TransferToken{To: other, Amount: u(1)},
	}
}

func TestTxJSON(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range calls() {
		tx := chain.Tx{ID: "x", From: someone, Call: c}
		if err := tx.Check(); err != nil {
			t.Errorf("%s: %v", c.Kind(), err)
		}
		b, err := json.Marshal(tx)
		if err != nil {
			t.Fatalf("%s: %v", c.Kind(), err)
		}
		var back chain.Tx
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, tx) {
			t.Errorf("%s came back from %s as %+v, %v", c.Kind(), b, back, err)
		}
		if seen[c.Kind()] {
			t.Errorf("two calls are called %s", c.Kind())
		}
		seen[c.Kind()] = true
	}
	for _, bad := range []string{
		``, `{}`, `[]`, `null`, `{"id":"x","kind":"steal","call":{}}`, `{"id":"x","kind":"deposit"}`,
		`{"id":"x","kind":"deposit","call":{"to":"0x12"}}`, `{"id":"x","kind":"deposit","call":{"amount":"-1"}}`,
		`{"id":"x","kind":"exit","call":{"too":"much"}}`,
	} {
		var tx chain.Tx
		if err := json.Unmarshal([]byte(bad), &tx); err == nil {
			if err := tx.Check(); err == nil {
				t.Errorf("%s was taken for %+v", bad, tx)
			}
		}
	}
	if _, err := json.Marshal(chain.Tx{ID: "x"}); err == nil {
		t.Error("a tx without a call was encoded")
	}
}

func TestCheck(t *testing.T) {
	many := make([]uint64, chain.MaxBatch+1)
	for _, row := range []struct {
		tx   chain.Tx
		want chain.Code
	}{
		{chain.Tx{ID: strings.Repeat("x", 129), From: someone, Call: chain.Unstake{}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.Claim{At: many}}, chain.ErrTooBig},
		{chain.Tx{ID: "x", From: someone, Call: chain.Claim{At: []uint64{0}}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.Claim{At: []uint64{1 << 40}}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.ReserveFor{Reserves: []chain.SignedReserve{{Reserve: artel.Reserve{Renter: someone, Provider: other, Epoch: 1 << 24}}}}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.Redeem{Provider: someone, Vouchers: []chain.SignedVoucher{{Voucher: artel.Voucher{Renter: someone, Provider: other}}}}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.SetSigner{Until: 5}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.ProveEquivocation{Lease: artel.Lease{Renter: someone, Provider: other}}}, chain.ErrBadCall},
		{chain.Tx{ID: "x", From: someone, Call: chain.ProveEquivocation{Lease: artel.Lease{Renter: someone, Provider: other, End: 1 << 40}, Reporter: other}}, chain.ErrBadCall},
	} {
		if err := row.tx.Check(); !errors.Is(err, row.want) {
			t.Errorf("%+v: %v, want %s", row.tx, err, row.want)
		}
	}
}

func TestFinality(t *testing.T) {
	for _, s := range []string{"instant", "confirmations:12", "safe", "finalized"} {
		f, err := chain.ParseFinality(s)
		if err != nil || f.String() != s {
			t.Errorf("%s came back as %s, %v", s, f, err)
		}
	}
	if f, err := chain.ParseFinality("confirmations:0"); err != nil || f != (chain.Finality{}) {
		t.Errorf("no confirmations: %s, %v, want instant", f, err)
	}
	for _, s := range []string{"soon", "confirmations:", "confirmations:-1", "confirmations:99999999", "latest"} {
		if f, err := chain.ParseFinality(s); err == nil {
			t.Errorf("%q was taken for %s", s, f)
		}
	}
}

func TestEveryCodeHasASentence(t *testing.T) {
	for _, c := range []chain.Code{chain.ErrUnreachable, chain.ErrReorg, chain.ErrDisagree, chain.ErrWrongChain, chain.ErrNoContract, chain.ErrWrongToken, chain.ErrWrongRules,
		chain.ErrUnknownTx, chain.ErrIDReused, chain.ErrNoKey, chain.ErrBadCall, chain.ErrDeposit, chain.ErrTokens, chain.ErrEarned, chain.ErrStake,
		chain.ErrAllowance, chain.ErrSignature, chain.ErrSigner, chain.ErrLaneTag, chain.ErrExpired, chain.ErrEpoch, chain.ErrWornOut, chain.ErrNotStarted,
		chain.ErrEarly, chain.ErrWindow, chain.ErrNoFault, chain.ErrClaimed, chain.ErrToken, chain.ErrGas, chain.ErrTooBig, chain.ErrRefused} {
		if c.Error() == string(c) {
			t.Errorf("%s has no sentence", string(c))
		}
	}
	o := chain.Outcome{State: chain.Refused, Refusal: chain.Refuse(chain.ErrDeposit, "has %d", 3)}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var back chain.Outcome
	if err := json.Unmarshal(b, &back); err != nil || !errors.Is(back.Err(), chain.ErrDeposit) || !strings.Contains(back.Err().Error(), "has 3") {
		t.Errorf("%s came back as %v, %v", b, back.Err(), err)
	}
	if (chain.Outcome{State: chain.Done}).Err() != nil {
		t.Error("an outcome without a refusal has an error")
	}
}

func TestWindows(t *testing.T) {
	p := chain.Params{Window: 10}
	for _, row := range []struct {
		at, now uint64
		want    bool
	}{{0, 5, false}, {100, 5, true}, {100, 100, true}, {100, 110, true}, {100, 111, false}} {
		if got := (chain.Lane{ReleaseAt: row.at}).Releasing(p, row.now); got != row.want {
			t.Errorf("release at %d, now %d: %v", row.at, row.now, got)
		}
		if got := (chain.Account{ExitAt: row.at}).Exiting(p, row.now); got != row.want {
			t.Errorf("exit at %d, now %d: %v", row.at, row.now, got)
		}
	}
	if got := (chain.Signer{Allowance: artel.Units(3), Booked: artel.Units(5)}).Left(); !got.IsZero() {
		t.Errorf("left %s after the allowance was lowered, want 0", got)
	}
}

func FuzzTxJSON(f *testing.F) {
	for _, c := range calls() {
		b, err := json.Marshal(chain.Tx{ID: "x", From: someone, Call: c})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var tx chain.Tx
		if json.Unmarshal(b, &tx) != nil {
			return
		}
		_ = tx.Check()
		once, err := json.Marshal(tx)
		if err != nil {
			t.Fatalf("decoded %q and cannot encode it: %v", b, err)
		}
		var back chain.Tx
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		if twice, err := json.Marshal(back); err != nil || string(twice) != string(once) {
			t.Fatalf("%s became %s, %v", once, twice, err)
		}
	})
}
