package mem

import (
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
)

func TestStore(t *testing.T) {
	blobtest.Run(t, blobtest.Subject{
		Open: func(_ *testing.T, limit int64) blob.Store { return New(limit) },
		Rot: func(t *testing.T, s blob.Store, ref artel.Ref) {
			m := s.(*Store)
			m.mu.Lock()
			defer m.mu.Unlock()
			m.blocks[ref].data[0] ^= 1
		},
	})
}
