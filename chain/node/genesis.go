package chainnode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"os"
	"time"

	comet "github.com/cometbft/cometbft/types"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"
)

const (
	// DefaultGasLimit is the gas limit of a block unless the genesis says otherwise.
	DefaultGasLimit = 30_000_000

	// genesisBaseFee is the base fee of the first block, in wei per gas. Below
	// eight wei the fee rule's eighth rounds to nothing, so an idle chain stays
	// here: gas is practically free, and a flood still makes itself dear.
	genesisBaseFee = 7

	// maxBlockBytes bounds a CometBFT block. 30 M gas of the cheapest calldata
	// is 3 MB; EIP-7934 caps an EVM block at 10 MiB.
	maxBlockBytes = 8 << 20
)

// Genesis is what all nodes of a network have in common. It is written as one
// JSON file: CometBFT's genesis with geth's genesis as its app_state.
type Genesis struct {
	doc *comet.GenesisDoc
	evm *core.Genesis
}

// ChainConfig are the EVM rules of a chain: everything up to and including
// Osaka from the first block on, nothing later. Later forks are left out on
// purpose: Amsterdam makes a new storage slot five times dearer.
func ChainConfig(chainID uint64) *params.ChainConfig {
	c := *params.AllDevChainProtocolChanges
	c.ChainID = new(big.Int).SetUint64(chainID)
	c.BPO1Time, c.BPO2Time, c.BPO3Time, c.BPO4Time, c.BPO5Time = nil, nil, nil, nil, nil
	c.AmsterdamTime, c.BogotaTime = nil, nil
	return &c
}

// newGenesis assembles a genesis. The alloc is copied, not kept.
func newGenesis(conf Config, validators []comet.GenesisValidator) (*Genesis, error) {
	rules := ChainConfig(conf.ChainID)
	if conf.Forks != nil {
		conf.Forks(rules)
	}
	alloc := core.SystemContractAllocs()
	maps.Copy(alloc, conf.Alloc)
	evm := &core.Genesis{
		Config:     rules,
		Timestamp:  uint64(conf.Time.Unix()),
		ExtraData:  []byte(cometChainID(conf.ChainID)), // so that the genesis hash differs with the chain id
		GasLimit:   conf.GasLimit,
		BaseFee:    big.NewInt(genesisBaseFee),
		Difficulty: new(big.Int),
		Coinbase:   conf.FeeRecipient,
		Alloc:      alloc,
	}
	state, err := json.Marshal(evm)
	if err != nil {
		return nil, fmt.Errorf("write genesis: %w", err)
	}
	cp := comet.DefaultConsensusParams()
	cp.Block.MaxBytes = maxBlockBytes
	doc := &comet.GenesisDoc{
		GenesisTime:     conf.Time.UTC().Truncate(time.Second),
		ChainID:         cometChainID(conf.ChainID),
		InitialHeight:   1,
		ConsensusParams: cp,
		Validators:      validators,
		AppHash:         evm.ToBlock().Hash().Bytes(),
		AppState:        state,
	}
	return checkGenesis(doc)
}

func cometChainID(evm uint64) string { return fmt.Sprintf("artel-%d", evm) }

// ReadGenesis reads and checks a genesis file.
func ReadGenesis(path string) (*Genesis, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read genesis: %w", err)
	}
	g, err := ParseGenesis(raw)
	if err != nil {
		return nil, fmt.Errorf("read genesis %s: %w", path, err)
	}
	return g, nil
}

// ParseGenesis checks the bytes of a genesis file.
func ParseGenesis(raw []byte) (*Genesis, error) {
	doc, err := comet.GenesisDocFromJSON(raw)
	if err != nil {
		return nil, fmt.Errorf("not a genesis file: %w", err)
	}
	return checkGenesis(doc)
}

func checkGenesis(doc *comet.GenesisDoc) (*Genesis, error) {
	if err := doc.ValidateAndComplete(); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	evm := new(core.Genesis)
	if err := json.Unmarshal(doc.AppState, evm); err != nil {
		return nil, fmt.Errorf("genesis: app_state is not a geth genesis: %w", err)
	}
	rules := evm.Config
	switch {
	case rules == nil || rules.ChainID == nil || !rules.ChainID.IsUint64() || rules.ChainID.Sign() == 0:
		return nil, fmt.Errorf("genesis: the chain id is missing or does not fit 64 bits")
	case doc.ChainID != cometChainID(rules.ChainID.Uint64()) || string(evm.ExtraData) != doc.ChainID:
		return nil, fmt.Errorf("genesis: chain_id is %q, but the EVM chain id is %s", doc.ChainID, rules.ChainID)
	case doc.InitialHeight != 1 || evm.Number != 0:
		return nil, fmt.Errorf("genesis: the first block must be block 1")
	case len(doc.Validators) == 0:
		return nil, fmt.Errorf("genesis: no validators")
	case rules.OsakaTime == nil || *rules.OsakaTime > evm.Timestamp:
		return nil, fmt.Errorf("genesis: Osaka rules must hold from the first block")
	case rules.AmsterdamTime != nil || rules.BogotaTime != nil:
		return nil, fmt.Errorf("genesis: this version does not run the Amsterdam fork or later ones")
	case evm.BaseFee == nil || evm.GasLimit < params.MinGasLimit:
		return nil, fmt.Errorf("genesis: base fee or gas limit missing")
	}
	if err := rules.CheckConfigForkOrder(); err != nil {
		return nil, fmt.Errorf("genesis: %w", err)
	}
	if hash := evm.ToBlock().Hash(); !bytes.Equal(hash[:], doc.AppHash) {
		return nil, fmt.Errorf("genesis: app_hash is %s, but the EVM genesis block is %s", doc.AppHash, hash)
	}
	return &Genesis{doc: doc, evm: evm}, nil
}

// ChainID is the EVM chain id.
func (g *Genesis) ChainID() uint64 { return g.evm.Config.ChainID.Uint64() }

// Hash is the hash of the EVM genesis block. It covers the chain id, accounts
// and contracts, not the validators and not the forks: nodes that differ there
// get different CometBFT headers and do not follow each other.
func (g *Genesis) Hash() common.Hash { return common.BytesToHash(g.doc.AppHash) }

// Validators is the number of validators.
func (g *Genesis) Validators() int { return len(g.doc.Validators) }

// Alloc returns the accounts of the genesis, system contracts included.
func (g *Genesis) Alloc() types.GenesisAlloc { return maps.Clone(g.evm.Alloc) }
