//go:build linux

package devnet_test

import (
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// TestMinRedeem: where calls cost gas, a provider makes none for less than its
// owner says, and one for what has gathered.
func TestMinRedeem(t *testing.T) {
	t.Parallel()
	w := onAnvil(t)
	provider := w.providers[0]
	if _, err := w.renter.API.Deposit(w.ctx, artel.Units(100_000_000)); err != nil {
		t.Fatalf("deposit: %v", err)
	}
	offer := func(least artel.Amount) {
		t.Helper()
		c := api.ProvideConfig{Slots: 2, Price: artel.Price(500_000_000), MinRedeem: least}
		if s, err := provider.API.Provide(w.ctx, c); err != nil || s.Config.MinRedeem != least {
			t.Fatalf("provide: %+v, %v", s.Config, err)
		}
	}
	// job runs one, and waits until its leases are closed on both sides. It
	// returns what was promised by then, and what the provider has earned.
	job := func() (promised, earned artel.Amount) {
		t.Helper()
		w.done(t, w.renter, w.submit(t, w.renter, 2, 1))
		var s api.ProvideStatus
		w.until(t, "the leases to be closed", func() bool {
			ls, err := w.renter.API.Leases(w.ctx, api.LeaseQuery{})
			if err != nil || len(ls) > 0 {
				return false
			}
			s, err = provider.API.ProvideStatus(w.ctx)
			return err == nil && s.Leases == 0
		})
		return s.Promised, s.Earned
	}
	calls := func() uint64 { return sent(t, w.ctx, w.url, provider.Account) }

	much := artel.Units(3_000_000) // hours of work
	offer(much)
	if _, err := w.renter.Offers(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	first, earned := job()
	if first.IsZero() || !first.Less(much) || !earned.IsZero() || calls() != 0 {
		t.Fatalf("%s units were promised and %s redeemed, in %d calls; a call is worth %s", first, earned, calls(), much)
	}
	offer(first) // what is there is enough now; with the next job the provider looks at it
	job()
	w.until(t, "what has gathered to be redeemed", func() bool {
		s, err := provider.API.ProvideStatus(w.ctx)
		earned = s.Earned
		return err == nil && s.Promised.IsZero()
	})
	// A booking and a redemption; a minute later the rest of the booking goes back.
	if n := calls(); !first.Less(earned) || n < 2 || n > 3 {
		t.Errorf("%s units were redeemed in %d calls, more than %s were promised", earned, n, first)
	}
	w.statement(t)
}
