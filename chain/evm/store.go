package evm

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// TxStore keeps calls across crashes. What PutTx returned nil for must survive a
// power cut: a transaction is broadcast only after it was stored, and only that
// keeps it from being sent twice.
type TxStore interface {
	// PutTx stores a record, or replaces the one of its Tx.ID.
	PutTx(ctx context.Context, r TxRecord) error
	// GetTx returns a record; false if there is none.
	GetTx(ctx context.Context, id string) (TxRecord, bool, error)
	// OpenTxs returns the records whose outcome is not final, in the order in
	// which they were first put.
	OpenTxs(ctx context.Context) ([]TxRecord, error)
}

// TxRecord is a call with everything that was done to carry it out. It is stored
// as JSON.
type TxRecord struct {
	Tx       chain.Tx      `json:"tx"`
	Approval bool          `json:"approval,omitempty"` // the attempts are those of the token's approval, which goes first
	Approved bool          `json:"approved,omitempty"` // the approval is final
	Attempts []Attempt     `json:"attempts,omitempty"` // oldest first, all with one nonce
	Outcome  chain.Outcome `json:"outcome"`
}

// Attempt is one signed transaction.
type Attempt struct {
	Nonce uint64        `json:"nonce"`
	Hash  artel.Hash    `json:"hash"`
	Raw   hexutil.Bytes `json:"raw"`
	At    int64         `json:"at"` // unix seconds of the machine's clock
}

// MemStore is a TxStore in memory: for tools that end with their calls, and for
// tests.
type MemStore struct {
	mu    sync.Mutex // guards the following
	order []string
	byID  map[string][]byte
}

var _ TxStore = (*MemStore)(nil)

// NewMemStore returns an empty store.
func NewMemStore() *MemStore { return &MemStore{byID: map[string][]byte{}} }

// PutTx implements TxStore.
func (m *MemStore) PutTx(_ context.Context, r TxRecord) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byID[r.Tx.ID] == nil {
		m.order = append(m.order, r.Tx.ID)
	}
	m.byID[r.Tx.ID] = b
	return nil
}

// GetTx implements TxStore.
func (m *MemStore) GetTx(_ context.Context, id string) (r TxRecord, ok bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.byID[id]
	if b == nil {
		return r, false, nil
	}
	return r, true, json.Unmarshal(b, &r)
}

// OpenTxs implements TxStore.
func (m *MemStore) OpenTxs(context.Context) (open []TxRecord, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.order {
		var r TxRecord
		if err := json.Unmarshal(m.byID[id], &r); err != nil {
			return nil, err
		}
		if !r.Outcome.State.Final() {
			open = append(open, r)
		}
	}
	return open, nil
}
