package api

import (
	"time"

	"github.com/artel-network/artel"
)

// Checkpoint is the newest confirmed checkpoint of a task.
type Checkpoint struct {
	Kind       artel.CheckpointKind `json:"kind"`
	Generation uint64               `json:"generation"`
	At         time.Time            `json:"at"`      // when it was confirmed
	Work       uint64               `json:"work"`    // milliseconds of work that are in it
	Stored     uint64               `json:"stored"`  // bytes that its keepers hold
	Node       artel.NodeID         `json:"node"`    // whose machine made it
	Keepers    []artel.NodeID       `json:"keepers"` // where it is
}

// Begun says what an attempt began from.
type Begun struct {
	Generation uint64       `json:"generation"`        // 0: the beginning
	Node       artel.NodeID `json:"node,omitzero"`     // whose machine made that
	Message    string       `json:"message,omitempty"` // why it is not what there was
}

// Lost is work of a job that was done and is gone: it ran and was in no checkpoint
// when its machine was gone, or in one that nobody could restore.
type Lost struct {
	Job    string       `json:"job"`
	Name   string       `json:"name"`
	Millis uint64       `json:"millis"`
	Paid   artel.Amount `json:"paid"`  // for it
	Moves  uint64       `json:"moves"` // attempts that went on from a checkpoint
}
