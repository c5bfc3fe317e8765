package api_test

import (
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// A ledger after a day: 1000 and 500 deposited; 300 booked for p of which 120
// paid, 100 for q of which all paid; p withdrew 20; the second renter exited
// with 50.
func balanced() api.Statement {
	u := artel.Units
	r1, r2, p, q := artel.Address{1}, artel.Address{2}, artel.Address{3}, artel.Address{4}
	return api.Statement{
		Balance: u(1430),
		Parties: []api.PartyFigures{
			{Account: r1, Deposited: u(1000), Deposit: u(700)},
			{Account: r2, Deposited: u(500), Exited: u(50), Deposit: u(350)},
			{Account: p, Redeemed: u(120), Earned: u(100), Withdrawn: u(20)},
			{Account: q, Redeemed: u(100), Earned: u(100)},
		},
		Lanes: []api.LaneFigures{
			{Renter: r1, Provider: p, Lane: 1, Cap: u(300), Paid: u(120), Voucher: u(150)},
			{Renter: r2, Provider: q, Lane: 2, Cap: u(100), Paid: u(100), Voucher: u(90)},
		},
	}
}

func TestStatementMutations(t *testing.T) {
	one := artel.Units(1)
	rows := []struct {
		name   string
		change func(*api.Statement)
		ok     bool
	}{
		{"as it was", func(*api.Statement) {}, true},
		{"ledger holds a unit less", func(s *api.Statement) { s.Balance = s.Balance.Sub(one) }, false},
		{"ledger holds a unit more", func(s *api.Statement) { s.Balance = s.Balance.Add(one) }, false},
		{"a deposit without an event", func(s *api.Statement) { s.Parties[0].Deposit = s.Parties[0].Deposit.Add(one) }, false},
		{"an event without a deposit", func(s *api.Statement) { s.Parties[0].Deposited = s.Parties[0].Deposited.Add(one) }, false},
		{"an exit that was not paid", func(s *api.Statement) { s.Parties[1].Exited = s.Parties[1].Exited.Add(one) }, false},
		{"a redeemed unit that was not earned", func(s *api.Statement) { s.Parties[2].Earned = s.Parties[2].Earned.Sub(one) }, false},
		{"earned moved to another", func(s *api.Statement) {
			s.Parties[2].Earned, s.Parties[3].Earned = s.Parties[2].Earned.Add(one), s.Parties[3].Earned.Sub(one)
		}, false},
		{"paid moved to another lane", func(s *api.Statement) {
			s.Lanes[0].Paid, s.Lanes[1].Paid = s.Lanes[0].Paid.Add(one), s.Lanes[1].Paid.Sub(one)
		}, false},
		{"paid beyond the cap", func(s *api.Statement) { s.Lanes[1].Cap = s.Lanes[1].Cap.Sub(one) }, false},
		{"redeemed by nobody known", func(s *api.Statement) { s.Parties = s.Parties[:3] }, false},
		{"does not fit", func(s *api.Statement) { s.Parties[0].Deposited = artel.MaxAmount }, false},
		{"more left than came", func(s *api.Statement) { s.Parties[1].Exited = artel.Units(5000) }, false},
		{"another voucher", func(s *api.Statement) { s.Lanes[0].Voucher = artel.Units(7) }, true},
		{"nothing at all", func(s *api.Statement) { *s = api.Statement{} }, true},
	}
	for _, r := range rows {
		s := balanced()
		r.change(&s)
		if got := s.Balanced(); got != r.ok {
			t.Errorf("%s: balanced %v, want %v: %+v", r.name, got, r.ok, s.Check())
		}
	}
	if n := len(balanced().Check()); n != 6 {
		t.Errorf("%d findings, want 2 of the ledger and 2 of each provider", n)
	}
}

func TestUnredeemed(t *testing.T) {
	s := balanced()
	if got := s.Lanes[0].Unredeemed(); got != artel.Units(30) {
		t.Errorf("got %s, want 30", got)
	}
	if got := s.Lanes[1].Unredeemed(); !got.IsZero() { // an older voucher pays nothing more
		t.Errorf("got %s, want 0", got)
	}
	s.Lanes[0].Voucher = artel.Units(900)
	if got := s.Lanes[0].Unredeemed(); got != artel.Units(180) { // the cap bounds it
		t.Errorf("got %s, want 180", got)
	}
}
