package devnet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// TestSessionSigner: an account whose own key stays away works through a daemon
// that has a session signer's key, as far and as long as it was allowed.
func TestSessionSigner(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(1)
	cold, provider := w.renter, w.providers[0]
	hot, err := w.net.StartNode(w.ctx, "hot", 0, "--account", cold.Account.String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := hot.API.Balance(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if b.Account != cold.Account || b.Signer == cold.Account || b.Deposit.IsZero() {
		t.Fatalf("the hot node works for %s, key %s, deposit %s", b.Account, b.Signer, b.Deposit)
	}
	if _, err := hot.Offers(w.ctx, 1); err != nil {
		t.Fatal(err)
	}
	allow := func(flags ...string) {
		t.Helper()
		if said, code := w.artel(cold.Dir, append([]string{"wallet", "signer", b.Signer.String()}, flags...)...); code != 0 {
			t.Fatalf("artel wallet signer: exit code %d\n%s", code, said)
		}
	}
	earned := func() artel.Amount {
		t.Helper()
		b, err := provider.API.Balance(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return b.Earned
	}
	// redeemed waits until all that was promised is paid.
	redeemed := func() {
		t.Helper()
		w.until(t, "the vouchers to be redeemed", func() bool {
			vs, err := hot.API.Vouchers(w.ctx)
			return err == nil && len(vs) == 0
		})
		if got, promised := earned(), w.promised(t); got != promised || got.IsZero() {
			t.Errorf("the provider earned %s, it was promised %s", got, promised)
		}
	}

	// Nobody allowed anything.
	id := w.submit(t, hot, 2, 1)
	w.waits(t, hot, id, "session signer", "artel wallet signer")
	// Too little: the first Reserve is of 10 minutes, on 2 slots.
	allow("--allowance", "0.1CREDIT")
	w.waits(t, hot, id, "the session signer may book 100000", "artel wallet signer: raise its allowance")
	allow("--allowance", "1CREDIT")
	w.done(t, hot, id)
	redeemed()
	spent := earned()

	// The allowance counts all that was ever booked.
	if _, err := provider.API.Provide(w.ctx, api.ProvideConfig{Slots: 2, Price: artel.Price(5_000_000_000)}); err != nil {
		t.Fatal(err)
	}
	id = w.submit(t, hot, 2, 1)
	w.waits(t, hot, id, "the Reserve books", "the session signer may book", "raise its allowance")
	allow("--allowance", "20CREDIT")
	w.done(t, hot, id)
	redeemed()
	if !spent.Less(earned()) {
		t.Errorf("the provider earned %s, and %s before", earned(), spent)
	}

	// Time: a lease's vouchers must count until they can be redeemed.
	allow("--allowance", "20CREDIT", "--lasts", "90m")
	id = w.submit(t, hot, 2, 1)
	w.waits(t, hot, id, "the session signer ends", "artel wallet signer: raise its time")
	allow("--allowance", "20CREDIT")
	w.done(t, hot, id)

	// Its rights are taken away while it works.
	id = w.submit(t, hot, 2, 1000)
	working := func(want bool) {
		t.Helper()
		w.until(t, "the provider's work to start or stop", func() bool {
			j, err := hot.API.Job(w.ctx, id)
			s, perr := provider.API.ProvideStatus(w.ctx)
			return err == nil && perr == nil && (j.Running > 0) == want && (s.Busy > 0) == want
		})
	}
	working(true)
	w.until(t, "the Reserve to be booked", func() bool {
		ls, err := provider.API.Leases(w.ctx, api.LeaseQuery{})
		return err == nil && slices.ContainsFunc(ls, func(l api.Lease) bool { return l.Running > 0 && !l.Cap.IsZero() })
	})
	allow("--revoke")
	working(false)
	w.waits(t, hot, id, "session signer", "artel wallet signer")
	redeemed() // what it had signed

	// It never could do more than that.
	for _, verb := range [][]string{{"wallet", "signer", provider.Account.String(), "--allowance", "1CREDIT"}, {"wallet", "withdraw", "1CREDIT"}} {
		said, code := w.artel(hot.Dir, verb...)
		if code != 1 || !strings.Contains(said, "no key to send as that account") || !strings.Contains(said, "hint: ") {
			t.Errorf("artel %s on the hot node: exit code %d\n%s", strings.Join(verb, " "), code, said)
		}
	}
	if b, err := cold.API.Balance(w.ctx); err != nil || !b.Exiting.IsZero() {
		t.Errorf("exiting %s, %v", b.Exiting, err)
	}
}
