package api

import (
	"context"
	"net/http"
	"time"

	"github.com/artel-network/artel"
)

// Keeper tells of checkpoints that this machine holds.
type Keeper interface {
	// Kept lists what is held, by renter and task.
	Kept(ctx context.Context) (KeptList, error)
}

// KeptTask is what is held of one task.
type KeptTask struct {
	Task       artel.Hash           `json:"task"` // what its keepers know it by
	Own        bool                 `json:"own"`  // of this node's own jobs
	Renter     artel.NodeID         `json:"renter"`
	Saver      artel.NodeID         `json:"saver"`      // who brought the newest
	Attempt    uint32               `json:"attempt"`    // of which it is
	Kind       artel.CheckpointKind `json:"kind"`       // of the newest
	Generation uint64               `json:"generation"` // likewise
	Held       int                  `json:"held"`       // generations
	Bytes      uint64               `json:"bytes"`      // of all of them, what they share counted once
	Until      time.Time            `json:"until"`      // what was promised
}

// KeptList is what this machine holds. Checkpoints of this node's own jobs and those
// of others have a limit each.
type KeptList struct {
	Tasks  []KeptTask `json:"tasks"`
	Own    ImageRoom  `json:"own"`
	Others ImageRoom  `json:"others"`
}

func (s *Server) kept(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	l, err := s.node.Kept(r.Context())
	if l.Tasks == nil {
		l.Tasks = []KeptTask{}
	}
	return l, err
}

// Kept lists the checkpoints that the machine holds.
func (c *Client) Kept(ctx context.Context) (KeptList, error) {
	return call[KeptList](ctx, c, http.MethodGet, "/v1/kept", nil, nil)
}
