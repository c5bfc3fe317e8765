package evm

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm/bindings"
)

// Network is what the network file says about the ledger's chain.
type Network struct {
	ChainID  uint64         `json:"chainId"`
	Token    artel.Address  `json:"token"`
	Ledger   artel.Address  `json:"ledger"`
	Stake    artel.Address  `json:"stake"`
	Finality chain.Finality `json:"finality"`
	Birth    uint64         `json:"birth"` // a block not after the contracts' creation, where Events begins
	// Delay and Window are the ledger's, in seconds, as the network file has them; 0:
	// whatever the ledger says.
	Delay  uint64 `json:"delay,omitempty"`
	Window uint64 `json:"window,omitempty"`
}

// Signer makes signatures of one address; artel.Key is one.
type Signer interface {
	Address() artel.Address
	Sign(digest artel.Hash) artel.Signature
}

// Options say how to reach a network.
type Options struct {
	Network Network
	RPC     []string // URLs of endpoints: http, https, ws, wss or a path to an IPC socket
	// Quorum is how many endpoints must give the same answer; 0: one of one, two
	// of several.
	Quorum int
	// Store keeps calls across crashes; nil: this Ledger only reads.
	Store TxStore
	// Signers are the accounts that this Ledger can send as; see AddSigner.
	Signers []Signer
	// Poll is the time between looks at calls under way; zero: 1 s.
	Poll time.Duration
	// BumpAfter is how long a transaction may wait before it is replaced by a
	// dearer one; zero: 45 s.
	BumpAfter time.Duration
	// Timeout bounds one request to one endpoint; zero: 10 s.
	Timeout time.Duration
	Log     *slog.Logger // nil: silent
}

// Ledger implements chain.Ledger. Its calls go on while Run runs.
type Ledger struct {
	net       Network
	endpoints []*endpoint
	quorum    int
	poll      time.Duration
	bumpAfter time.Duration
	timeout   time.Duration
	log       *slog.Logger
	abi       contracts

	best    atomic.Uint64 // number of the newest final block ever seen
	checked struct {
		turn   chan struct{} // holds a token while nobody looks; guards the following
		ok     bool
		params chain.Params
	}
	send sender
}

type contracts struct {
	ledger *bindings.Ledger
	stake  *bindings.Stake
	credit *bindings.Credit
}

func newContracts() contracts {
	return contracts{bindings.NewLedger(), bindings.NewStake(), bindings.NewCredit()}
}

var _ chain.Ledger = (*Ledger)(nil)

// New checks the options and starts nothing; nothing is dialled before the first
// read.
func New(o Options) (*Ledger, error) {
	if len(o.RPC) == 0 {
		return nil, errors.New("open chain: no RPC URL; hint: --chain-rpc URL")
	}
	if o.Network.ChainID == 0 || o.Network.Ledger.IsZero() || o.Network.Stake.IsZero() || o.Network.Token.IsZero() {
		return nil, fmt.Errorf("open chain: the network file lacks the chain id or a contract's address: %+v", o.Network)
	}
	l := &Ledger{
		net: o.Network, quorum: o.Quorum, poll: o.Poll, bumpAfter: o.BumpAfter, timeout: o.Timeout, log: o.Log,
		abi: newContracts(),
	}
	for _, u := range o.RPC {
		e, err := newEndpoint(u)
		if err != nil {
			return nil, err
		}
		l.endpoints = append(l.endpoints, e)
	}
	if l.quorum == 0 {
		l.quorum = min(2, len(l.endpoints))
	}
	if l.quorum < 0 || l.quorum > len(l.endpoints) {
		return nil, fmt.Errorf("open chain: a quorum of %d among %d RPC URLs; hint: name more endpoints", l.quorum, len(l.endpoints))
	}
	setDefault(&l.poll, time.Second)
	setDefault(&l.bumpAfter, 45*time.Second)
	setDefault(&l.timeout, 10*time.Second)
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.checked.turn = make(chan struct{}, 1)
	l.checked.turn <- struct{}{}
	l.send.init(o.Store)
	for _, s := range o.Signers {
		l.AddSigner(s)
	}
	return l, nil
}

func setDefault(d *time.Duration, to time.Duration) {
	if *d <= 0 {
		*d = to
	}
}

// Close gives the connections back.
func (l *Ledger) Close() {
	for _, e := range l.endpoints {
		e.close()
	}
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	if err != nil || s == "" {
		return fmt.Errorf("RPC URL %q; hint: like http://127.0.0.1:8545", s)
	}
	switch u.Scheme {
	case "http", "https", "ws", "wss":
		if u.Host == "" {
			return fmt.Errorf("RPC URL %q names no host; hint: like http://127.0.0.1:8545", s)
		}
	case "":
	default:
		return fmt.Errorf("RPC URL %q: scheme %q is not known; hint: http, https, ws, wss or a path", s, u.Scheme)
	}
	return nil
}
