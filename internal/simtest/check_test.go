package simtest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/provider"
)

// The check that providers give back what was booked and not used notices the
// one that does not, and blames nobody who has a reason.
func TestKeptNotices(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(p *node, k lease.Key, row *provider.LaneRow)
		want   int
	}{
		{"an hour at rest", func(*node, lease.Key, *provider.LaneRow) {}, 1},
		{"all promised and redeemed", func(_ *node, _ lease.Key, row *provider.LaneRow) {
			row.Accrued, row.Voucher, row.Paid = artel.AccrualOf(artel.Units(7)), artel.Units(7), artel.Units(7)
		}, 1},
		{"a moment at rest", func(p *node, k lease.Key, _ *provider.LaneRow) { p.prov.rested[k] = time.Now() }, 0},
		{"a lease is open", func(_ *node, _ lease.Key, row *provider.LaneRow) { row.Rested = 0 }, 0},
		{"something is due", func(_ *node, _ lease.Key, row *provider.LaneRow) { row.Accrued = artel.AccrualOf(artel.Units(7)) }, 0},
		{"a voucher is not redeemed", func(_ *node, _ lease.Key, row *provider.LaneRow) { row.Voucher = artel.Units(7) }, 0},
		{"its calls cost gas", func(p *node, _ lease.Key, _ *provider.LaneRow) { p.policy.MinRedeem = artel.Units(1) }, 0},
		{"a cheat", func(p *node, _ lease.Key, _ *provider.LaneRow) { p.habit = lazy }, 0},
		{"it does not know the lane", func(p *node, k lease.Key, _ *provider.LaneRow) { delete(p.prov.lanes, k) }, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(1, 1, 1, newStory(false))
				p, r := w.nodes[0], w.nodes[1]
				p.policy.MinRedeem = artel.Amount{}
				r.deposit()
				k := lease.Key{Renter: r.key.Address(), Provider: p.key.Address(), Number: 1}
				book := chain.ReserveLanes{Lanes: []chain.LaneCap{{Provider: k.Provider, Lane: k.Number, Cap: artel.Units(100)}}}
				if err := r.ledger.Submit(t.Context(), chain.Tx{ID: "book", From: k.Renter, Call: book}); err != nil {
					t.Fatal(err)
				}
				if o, err := r.ledger.Wait(t.Context(), "book"); err != nil || o.State != chain.Done {
					t.Fatalf("%+v, %v", o, err)
				}
				row := provider.LaneRow{Book: lease.Book{Key: k, Cap: artel.Units(100)}, Rested: 1}
				p.prov.lanes[k], p.prov.rested[k] = row, time.Now().Add(-time.Hour)
				c.change(p, k, &row)
				if _, known := p.prov.lanes[k]; known {
					p.prov.lanes[k] = row
				}
				if broken := w.kept(); len(broken) != c.want {
					t.Errorf("%d complaints, want %d: %q", len(broken), c.want, broken)
				}
			})
		})
	}
}
