package keeper

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/artel-network/artel"
)

// ID names a task: two renters' tasks are apart, whatever they call them.
type ID struct {
	Renter artel.NodeID
	Task   artel.Hash
}

func (a ID) compare(b ID) int {
	return cmp.Or(bytes.Compare(a.Renter[:], b.Renter[:]), bytes.Compare(a.Task[:], b.Task[:]))
}

// Task is what a keeper knows of a task.
type Task struct {
	Renter artel.NodeID // who signed Grant
	Grant  artel.Grant  // of the latest attempt that was seen
	Held   []Held       // newest first; see with
	Bytes  int64        // that the blocks of Held take of the disk, each counted once
	Seen   uint64       // unix seconds of the last change
	Let    bool         // the renter has let go of this attempt and those before
}

// Held is a generation whose blocks are all on this disk.
type Held struct {
	Grant     artel.Grant // under which it came
	Saved     artel.Saved
	Signature artel.Signature // the saver's
	Kept      artel.Kept      // what was promised
}

// ID returns the task's name.
func (t Task) ID() ID { return ID{t.Renter, t.Grant.Task} }

// Store keeps what a keeper knows.
type Store interface {
	// Load returns every task, in any order.
	Load(ctx context.Context) ([]Task, error)
	// Save stores tasks in the place of what was known of them, and forgets others,
	// all or nothing. When it returns nil a power cut undoes none of it.
	Save(ctx context.Context, put []Task, drop []ID) error
}

// Memory is a Store that lives as long as the process, for tests.
type Memory struct {
	mu   sync.Mutex
	rows map[ID][]byte
}

// Load implements Store.
func (m *Memory) Load(ctx context.Context) (ts []Task, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, row := range m.rows {
		var t Task
		if err := json.Unmarshal(row, &t); err != nil {
			return nil, err
		}
		ts = append(ts, t)
	}
	slices.SortFunc(ts, func(a, b Task) int { return a.ID().compare(b.ID()) })
	return ts, ctx.Err()
}

// Save implements Store.
func (m *Memory) Save(_ context.Context, put []Task, drop []ID) error {
	rows := map[ID][]byte{}
	for _, t := range put {
		b, err := json.Marshal(t)
		if err != nil {
			return err
		}
		rows[t.ID()] = b
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = map[ID][]byte{}
	}
	for _, id := range drop {
		delete(m.rows, id)
	}
	for id, b := range rows {
		m.rows[id] = b
	}
	return nil
}
