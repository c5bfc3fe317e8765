package renter

import (
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/job"
)

// Nobody who could show the journal was asked, or all who hold it say that they have
// none: what runs is left alone, and goes on when the journal comes to light.
func TestWithoutAJournalNothingIsClosed(t *testing.T) {
	for name, hide := range map[string]func(w *world) (ask []artel.Keeper, show func()){
		"nobody is asked": func(*world) ([]artel.Keeper, func()) { return nil, func() {} },
		"all hide it": func(w *world) (ask []artel.Keeper, show func()) {
			w.vault.mu.Lock()
			defer w.vault.mu.Unlock()
			held := w.vault.held
			w.vault.held = newVault().held
			for _, s := range w.sellers {
				ask = append(ask, artel.Keeper{Node: s.key.NodeID(), Addrs: s.offer.Addrs})
			}
			return ask, func() {
				w.vault.mu.Lock()
				w.vault.held = held
				w.vault.mu.Unlock()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			journalled(t, 3, func(t *testing.T, w *world) {
				w.run(func() {
					id := w.submit(longSpec(""))
					time.Sleep(25 * time.Second)
					w.lose()
					ask, show := hide(w)
					nodes := map[artel.NodeID]artel.Address{}
					for _, s := range w.sellers {
						nodes[s.key.NodeID()] = s.key.Address()
					}
					if n, err := w.renter().Recover(t.Context(), nodes); err != nil || n != 1 {
						t.Fatalf("%d lanes, %v", n, err)
					}
					if got, err := w.renter().TakeUp(t.Context(), ask); err != nil || got.Closed != 0 || len(got.Jobs) != 0 {
						t.Fatalf("taken up: %+v, %v", got, err)
					}
					show()
					if got := w.come(); len(got.Jobs) != 1 || got.Jobs[0].Running != 1 {
						t.Fatalf("taken up: %+v", got)
					}
					j, ts := w.end(id, 2*time.Minute)
					if j.Phase != job.Finished || len(ts[0].Attempts) != 1 {
						t.Errorf("%s: %+v", j.Phase, ts[0])
					}
				})
			})
		})
	}
}
