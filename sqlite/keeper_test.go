package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/keeper/keepertest"
)

func TestKeeperStore(t *testing.T) {
	keepertest.Run(t, func(t *testing.T) (keeper.Store, func() keeper.Store) {
		path := filepath.Join(t.TempDir(), "artel.db")
		d := open(t, path)
		return d.Keeper(), func() keeper.Store {
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, path).Keeper()
		}
	})
}
