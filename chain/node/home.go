package chainnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	comet "github.com/cometbft/cometbft/types"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
	"github.com/gofrs/flock"
)

// ErrHomeInUse: another process runs a node on this home.
var ErrHomeInUse = errors.New("another node is running on this directory")

// Config describes a network to be made by Init.
type Config struct {
	Validators   int                // how many; 0 means 1
	ChainID      uint64             // EVM chain id; must be set
	Alloc        types.GenesisAlloc // accounts with money, and contracts (see DeployInGenesis)
	FeeRecipient common.Address     // gets all fees; the zero address burns them
	GasLimit     uint64             // of a block; 0 means DefaultGasLimit
	Time         time.Time          // of the genesis; zero means now

	// Forks may change the EVM rules; nil keeps ChainConfig's. Rules that this
	// version cannot run are refused.
	Forks func(*params.ChainConfig)

	// P2P are the validators' addresses, host:port, to listen on and to be
	// dialled at, one each. Nil means free ports on the loopback.
	P2P []string

	// RPC are loopback addresses, host:port, of the validators' JSON-RPCs, one each.
	// Nil means Settings.RPC for all.
	RPC []string

	Settings Settings // the rest of each home's settings
}

// Settings are one node's own, kept in its home and free to be edited there.
type Settings struct {
	P2P           string   `json:"p2p"`           // host:port to listen on for other nodes
	RPC           string   `json:"rpc"`           // loopback host:port of the JSON-RPC; port 0 takes a free one at every start
	Peers         []string `json:"peers"`         // id@host:port of nodes to stay connected to
	BlockInterval Duration `json:"blockInterval"` // between blocks while there is work; at least "1s"
	Heartbeat     Duration `json:"heartbeat"`     // until an empty block when there is no work
	RoundTimeout  Duration `json:"roundTimeout"`  // how long to wait for a proposer before the next one's turn
}

// Duration is written as "1s" or "1m30s", and shown so in errors.
type Duration time.Duration

func (d Duration) String() string               { return time.Duration(d).String() }
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

const (
	defaultRPC           = "127.0.0.1:0"
	defaultBlockInterval = Duration(time.Second)
	defaultHeartbeat     = Duration(15 * time.Second)
	defaultRoundTimeout  = Duration(2 * time.Second)
)

// complete fills in defaults and refuses what cannot work.
func (s Settings) complete() (Settings, error) {
	if s.RPC == "" {
		s.RPC = defaultRPC
	}
	if s.BlockInterval == 0 {
		s.BlockInterval = defaultBlockInterval
	}
	if s.Heartbeat == 0 {
		s.Heartbeat = defaultHeartbeat
	}
	if s.RoundTimeout == 0 {
		s.RoundTimeout = defaultRoundTimeout
	}
	host, _, err := net.SplitHostPort(s.RPC)
	if err != nil {
		return s, fmt.Errorf("rpc address %q: %w", s.RPC, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return s, fmt.Errorf("rpc address %q is not on the loopback; put a proxy with access control in front of it instead", s.RPC)
	}
	if _, port, err := net.SplitHostPort(s.P2P); err != nil {
		return s, fmt.Errorf("p2p address %q: %w", s.P2P, err)
	} else if port == "" || port == "0" {
		return s, fmt.Errorf("p2p address %q needs a fixed port: other nodes must find it again after a restart", s.P2P)
	}
	// EVM timestamps are whole seconds that must rise: faster blocks would push
	// chain time ahead of the clock.
	if s.BlockInterval < Duration(time.Second) {
		return s, fmt.Errorf("block interval %s is below 1s: chain time would run ahead of the clock", s.BlockInterval)
	}
	if s.Heartbeat < s.BlockInterval || s.RoundTimeout < 0 {
		return s, fmt.Errorf("heartbeat %s must not be below the block interval %s, nor the round timeout %s below zero", s.Heartbeat, s.BlockInterval, s.RoundTimeout)
	}
	for _, peer := range s.Peers {
		if _, err := p2p.NewNetAddressString(peer); err != nil {
			return s, fmt.Errorf("peer %q is not id@host:port: %w", peer, err)
		}
	}
	return s, nil
}

// home is a node's directory:
//
//	genesis.json           the network, same file on every node
//	node.json              Settings
//	node-key.json          identity towards other nodes
//	validator-key.json     voting key; never copy it to a second machine
//	rpc                    URL of the running node's JSON-RPC
//	LOCK
//	data/validator-state.json   the last vote, so that none is cast twice
//	data/comet/            CometBFT's block store: the log of record
//	data/evm/              geth's databases: can be rebuilt from the log
type home string

func (h home) path(elem ...string) string {
	return filepath.Join(append([]string{string(h)}, elem...)...)
}
func (h home) genesis() string        { return h.path("genesis.json") }
func (h home) settings() string       { return h.path("node.json") }
func (h home) nodeKey() string        { return h.path("node-key.json") }
func (h home) validatorKey() string   { return h.path("validator-key.json") }
func (h home) validatorState() string { return h.path("data", "validator-state.json") }
func (h home) comet() string          { return h.path("data", "comet") }
func (h home) evm() string            { return h.path("data", "evm") }
func (h home) rpc() string            { return h.path("rpc") }

// GenesisPath is where a home keeps the file that Join wants.
func GenesisPath(dir string) string { return home(dir).genesis() }

// Init makes a new network: one home, dir itself, for one validator, or
// dir/node0, dir/node1, ... for several. It returns the homes.
func Init(dir string, conf Config) ([]string, error) {
	if conf.Validators == 0 {
		conf.Validators = 1
	}
	if conf.GasLimit == 0 {
		conf.GasLimit = DefaultGasLimit
	}
	if conf.Time.IsZero() {
		conf.Time = time.Now()
	}
	switch {
	case conf.Validators < 0:
		return nil, fmt.Errorf("make network: %d validators", conf.Validators)
	case conf.ChainID == 0:
		return nil, errors.New("make network: no chain id given")
	case conf.P2P != nil && len(conf.P2P) != conf.Validators:
		return nil, fmt.Errorf("make network: %d p2p addresses for %d validators", len(conf.P2P), conf.Validators)
	case conf.RPC != nil && len(conf.RPC) != conf.Validators:
		return nil, fmt.Errorf("make network: %d rpc addresses for %d validators", len(conf.RPC), conf.Validators)
	}
	addresses := conf.P2P
	if addresses == nil {
		var err error
		if addresses, err = freeAddresses(conf.Validators); err != nil {
			return nil, fmt.Errorf("make network: %w", err)
		}
	}
	homes := make([]string, conf.Validators)
	validators := make([]comet.GenesisValidator, conf.Validators)
	peers := make([]string, conf.Validators)
	for i := range homes {
		h := home(dir)
		if conf.Validators > 1 {
			h = home(filepath.Join(dir, fmt.Sprintf("node%d", i)))
		}
		homes[i] = string(h)
		id, voter, err := h.makeKeys()
		if err != nil {
			return nil, fmt.Errorf("make network: %w", err)
		}
		validators[i] = comet.GenesisValidator{PubKey: voter, Power: 1, Name: fmt.Sprintf("node%d", i)}
		peers[i] = fmt.Sprintf("%s@%s", id, addresses[i])
	}
	genesis, err := newGenesis(conf, validators)
	if err != nil {
		return nil, fmt.Errorf("make network: %w", err)
	}
	for i := range homes {
		s := conf.Settings
		s.P2P, s.Peers = addresses[i], nil
		if conf.RPC != nil {
			s.RPC = conf.RPC[i]
		}
		for j, peer := range peers {
			if j != i {
				s.Peers = append(s.Peers, peer)
			}
		}
		if err := home(homes[i]).write(genesis, s); err != nil {
			return nil, fmt.Errorf("make network: %w", err)
		}
	}
	return homes, nil
}

// Join makes a follower's home from a network's genesis file and the addresses
// of nodes that are in it already (id@host:port, at least one).
func Join(dir string, genesisFile []byte, s Settings) error {
	genesis, err := ParseGenesis(genesisFile)
	if err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	if len(s.Peers) == 0 {
		return errors.New("join network: no peers given; any node of the network prints its own with its status")
	}
	if s.P2P == "" {
		free, err := freeAddresses(1)
		if err != nil {
			return fmt.Errorf("join network: %w", err)
		}
		s.P2P = free[0]
	}
	if _, err := s.complete(); err != nil { // before anything is written
		return fmt.Errorf("join network: %w", err)
	}
	if _, _, err := home(dir).makeKeys(); err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	if err := home(dir).write(genesis, s); err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	return nil
}

func (h home) makeKeys() (p2p.ID, ed25519.PubKey, error) {
	for _, file := range []string{h.genesis(), h.validatorKey(), h.nodeKey()} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return "", nil, fmt.Errorf("%s exists already; choose an empty directory", file)
		}
	}
	for _, d := range []string{h.comet(), h.evm()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", nil, fmt.Errorf("make home: %w", err)
		}
	}
	nodeKey := p2p.NodeKey{PrivKey: ed25519.GenPrivKey()}
	if err := nodeKey.SaveAs(h.nodeKey()); err != nil {
		return "", nil, fmt.Errorf("write node key: %w", err)
	}
	// The library's own Save panics where it cannot write.
	voter := privval.NewFilePV(ed25519.GenPrivKey(), "", "")
	for file, v := range map[string]any{h.validatorKey(): voter.Key, h.validatorState(): voter.LastSignState} {
		raw, err := cmtjson.MarshalIndent(v, "", "  ")
		if err == nil {
			err = os.WriteFile(file, raw, 0o600)
		}
		if err != nil {
			return "", nil, fmt.Errorf("write validator key: %w", err)
		}
	}
	return nodeKey.ID(), voter.Key.PubKey.(ed25519.PubKey), nil
}

func (h home) write(genesis *Genesis, s Settings) error {
	s, err := s.complete()
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := os.WriteFile(h.settings(), append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := genesis.doc.SaveAs(h.genesis()); err != nil {
		return fmt.Errorf("write genesis: %w", err)
	}
	return nil
}

func (h home) readSettings() (Settings, error) {
	raw, err := os.ReadFile(h.settings())
	if errors.Is(err, fs.ErrNotExist) {
		return Settings{}, fmt.Errorf("%s holds no node: init or join a network first", h)
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read settings: %w", err)
	}
	var s Settings
	if err := json.Unmarshal(raw, &s); err != nil {
		return Settings{}, fmt.Errorf("read settings %s: %w", h.settings(), err)
	}
	if s, err = s.complete(); err != nil {
		return s, fmt.Errorf("settings in %s: %w", h.settings(), err)
	}
	return s, nil
}

// readKeys loads both keys. A broken file is an error here; in CometBFT's own
// loader it ends the process.
func (h home) readKeys() (*p2p.NodeKey, *privval.FilePV, error) {
	nodeKey, err := p2p.LoadNodeKey(h.nodeKey())
	if err != nil {
		return nil, nil, fmt.Errorf("read node key %s: %w", h.nodeKey(), err)
	}
	for file, v := range map[string]any{h.validatorKey(): new(privval.FilePVKey), h.validatorState(): new(privval.FilePVLastSignState)} {
		raw, err := os.ReadFile(file)
		if err == nil {
			err = cmtjson.Unmarshal(raw, v)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w (do not make a new one for a validator: it could vote twice)", file, err)
		}
	}
	return nodeKey, privval.LoadFilePV(h.validatorKey(), h.validatorState()), nil
}

// lock takes the home for this process until the returned function is called.
func (h home) lock() (unlock func() error, err error) {
	l := flock.New(h.path("LOCK"))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", h, err)
	}
	if !ok {
		return nil, fmt.Errorf("lock %s: %w", h, ErrHomeInUse)
	}
	return l.Unlock, nil
}

// freeAddresses finds loopback ports that are free now, below the range from
// which systems take ports for outgoing connections: these are written into
// peers' settings and must still be free after a restart.
func freeAddresses(n int) ([]string, error) {
	const lowest, beyond = 10_000, 32_768
	out := make([]string, 0, n)
	for tries := 0; len(out) < n; tries++ {
		if tries > n+1000 {
			return nil, errors.New("find a free port: too many are taken")
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", lowest+rand.IntN(beyond-lowest)))
		if err != nil {
			continue
		}
		defer l.Close() // only when all are found: else the same one comes again
		out = append(out, l.Addr().String())
	}
	return out, nil
}
