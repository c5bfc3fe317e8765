// Package network reads the network file: which chain and contracts a network
// lives on, when a block counts as final, and where to find the first peers.
//
// Its Hash is in every topic, handshake, offer and lease, so two networks never
// mix. The hash covers what makes two nodes disagree about money or about who
// they are if it differs, and nothing that two honest nodes of one network may
// have differently:
//
//	in the hash                              not in the hash
//	  schema, protocol                         name, token symbol and decimals (display)
//	  chain id, genesis hash                   chain kind, RPC URLs (each node has its own door to the chain)
//	  token, ledger, stake contracts           bootstrap peers (each node has its own friends)
//	  finality policy                          faucet (it gives, it is not believed)
//	  delay, window, least stake               birth (the contracts' addresses fix it)
package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/artel-network/artel"
)

// Schema is the version of the file that this program reads.
const Schema = 1

// MaxFile is the most bytes a network file may have.
const MaxFile = 64 << 10

// Errors to match with errors.Is.
var (
	ErrNone    = errors.New("no network file")
	ErrSchema  = errors.New("network file of another schema")
	ErrInvalid = errors.New("invalid network file")
)

// File is a network.
type File struct {
	Schema    int       `json:"schema"`
	Name      string    `json:"name"`     // for people
	Protocol  string    `json:"protocol"` // prefix of protocol ids and topics: /artel/1
	Chain     Chain     `json:"chain"`
	Contracts Contracts `json:"contracts"`
	Token     Token     `json:"token"`
	Finality  Finality  `json:"finality"`
	Rules     Rules     `json:"rules"`
	Bootstrap []string  `json:"bootstrap,omitempty"` // multiaddrs that end in /p2p/…
	Faucet    *Faucet   `json:"faucet,omitempty"`    // on private networks
}

// Faucet gives newcomers of a private network their first tokens.
type Faucet struct {
	Account artel.Address `json:"account"`       // where they come from
	URL     string        `json:"url,omitempty"` // where to ask, if not at the chain's own node
}

// Chain says which chain, and how to reach it unless the user says otherwise.
type Chain struct {
	Kind    string     `json:"kind"` // KindEmbedded or KindRPC
	ID      uint64     `json:"id"`
	Genesis artel.Hash `json:"genesis"`         // hash of block 0
	Birth   uint64     `json:"birth,omitempty"` // a block not after the contracts' creation: events are read from there on
	RPC     []string   `json:"rpc,omitempty"`
}

// The kinds of chain.
const (
	KindEmbedded = "embedded" // this program runs it: artel chain
	KindRPC      = "rpc"      // any EVM chain
)

// Contracts are where the money is.
type Contracts struct {
	Token  artel.Address `json:"token"`
	Ledger artel.Address `json:"ledger"`
	Stake  artel.Address `json:"stake"`
}

// Token says how people write amounts.
type Token struct {
	Symbol   string `json:"symbol"`
	Decimals uint8  `json:"decimals"`
}

// Finality says when a block cannot change any more.
type Finality struct {
	Policy        string `json:"policy"`                  // PolicyInstant, PolicyConfirmations or PolicyTag
	Confirmations uint64 `json:"confirmations,omitempty"` // blocks on top
	Tag           string `json:"tag,omitempty"`           // "finalized" or "safe"
}

// The finality policies.
const (
	PolicyInstant       = "instant"
	PolicyConfirmations = "confirmations"
	PolicyTag           = "tag"
)

// Rules are constants of the contracts and of the network's gossip.
type Rules struct {
	Delay    uint64       `json:"delay"`    // seconds from the start of a release, exit or revocation to its effect
	Window   uint64       `json:"window"`   // seconds in which a matured one may be carried out
	MinStake artel.Amount `json:"minStake"` // offers of less are not passed on
}

// Load reads and checks the network file at path.
func Load(path string) (File, error) {
	h, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, fmt.Errorf("open network file: %w at %s; hint: `artel devnet` or `artel chain init` makes one; to join a network, put its file there or give --network FILE", ErrNone, path)
	}
	if err != nil {
		return File{}, fmt.Errorf("open network file: %w", err)
	}
	defer h.Close()
	b, err := io.ReadAll(io.LimitReader(h, MaxFile+1))
	if err != nil {
		return File{}, fmt.Errorf("read network file %s: %w", path, err)
	}
	f, err := Parse(b)
	if err != nil {
		return File{}, fmt.Errorf("read network file %s: %w", path, err)
	}
	return f, nil
}

// Parse reads and checks a network file. Unknown and repeated fields are
// refused: they would be read one way here and another way elsewhere.
func Parse(b []byte) (File, error) {
	var f File
	if len(b) > MaxFile {
		return f, invalid("more than %d bytes", MaxFile)
	}
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return f, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	if version.Schema != Schema { // before anything else: its fields may be others
		return f, fmt.Errorf("%w: %d, this program knows %d; hint: %s", ErrSchema, version.Schema, Schema, schemaHint(version.Schema))
	}
	if err := checkFields(b); err != nil {
		return f, err
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return File{}, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	if err := f.Check(); err != nil {
		return File{}, err
	}
	return f, nil
}

func schemaHint(v int) string {
	if v > Schema {
		return "use a newer artel"
	}
	return `"schema": 1 comes first in the file`
}

// Encode writes the file as Parse reads it.
func (f File) Encode() ([]byte, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// Domain returns the signing domain of the network's contracts.
func (f File) Domain() artel.Domain {
	return artel.NewDomain(f.Chain.ID, f.Contracts.Ledger, f.Contracts.Stake)
}

// Hash is the network's identity. The encoding is fixed: keccak-256 over
// 32-byte words, numbers big-endian, texts as their own keccak-256.
func (f File) Hash() artel.Hash {
	words := []artel.Hash{
		text("artel network"),
		number(uint64(f.Schema)),
		text(f.Protocol),
		number(f.Chain.ID),
		f.Chain.Genesis,
		address(f.Contracts.Token),
		address(f.Contracts.Ledger),
		address(f.Contracts.Stake),
		text(f.Finality.Policy),
		number(f.Finality.Confirmations),
		text(f.Finality.Tag),
		number(f.Rules.Delay),
		number(f.Rules.Window),
		amount(f.Rules.MinStake),
	}
	b := make([]byte, 0, 32*len(words))
	for _, w := range words {
		b = append(b, w[:]...)
	}
	return artel.Keccak(b)
}

func text(s string) artel.Hash { return artel.Keccak([]byte(s)) }

func number(n uint64) (w artel.Hash) {
	for i := 31; n > 0; i-- {
		w[i], n = byte(n), n>>8
	}
	return w
}

func address(a artel.Address) (w artel.Hash) { copy(w[12:], a[:]); return w }

func amount(a artel.Amount) (w artel.Hash) {
	b := a.Bytes()
	copy(w[20:], b[:])
	return w
}

// Limits of lists and texts.
const (
	maxBootstrap = 64
	maxRPC       = 16
	maxText      = 256
)

// maxDelay bounds delay and window: a year, in seconds.
const maxDelay = 365 * 24 * 3600

// Check says what is wrong with a network.
func (f File) Check() error {
	if f.Schema != Schema {
		return fmt.Errorf("%w: %d, this program knows %d", ErrSchema, f.Schema, Schema)
	}
	for _, err := range []error{f.checkNames(), f.checkChain(), f.Contracts.check(), f.Finality.check(), f.Rules.check(), f.checkPeers()} {
		if err != nil {
			return err
		}
	}
	return nil
}

func (f File) checkNames() error {
	switch {
	case !word(f.Name, 64):
		return invalid("name %q; hint: up to 64 letters, digits, - . or _", clip(f.Name))
	case !strings.HasPrefix(f.Protocol, "/") || !word(strings.ReplaceAll(f.Protocol[1:], "/", "_"), 64) ||
		strings.HasSuffix(f.Protocol, "/") || strings.Contains(f.Protocol, "//"):
		return invalid("protocol %q; hint: a prefix like /artel/1", clip(f.Protocol))
	case !word(f.Token.Symbol, 16):
		return invalid("token symbol %q; hint: up to 16 letters or digits", clip(f.Token.Symbol))
	case f.Token.Decimals > 28:
		return invalid("token of %d decimals; hint: the ledger's 96 bits hold 28 digits", f.Token.Decimals)
	case f.Faucet != nil && f.Faucet.Account.IsZero():
		return invalid("faucet has no account")
	case f.Faucet != nil && f.Faucet.URL != "":
		return checkURL("faucet", f.Faucet.URL, "http", "https")
	}
	return nil
}

func (f File) checkChain() error {
	c := f.Chain
	switch {
	case c.Kind != KindEmbedded && c.Kind != KindRPC:
		return invalid("chain kind %q; hint: %q or %q", clip(c.Kind), KindEmbedded, KindRPC)
	case c.ID == 0:
		return invalid("chain id is 0")
	case c.Genesis.IsZero():
		return invalid("chain has no genesis hash; hint: eth_getBlockByNumber(\"0x0\").hash")
	case c.Kind == KindEmbedded && f.Finality.Policy != PolicyInstant:
		return invalid("finality %q on an embedded chain; hint: its blocks are final at once: %q", f.Finality.Policy, PolicyInstant)
	case len(c.RPC) > maxRPC:
		return invalid("%d RPC URLs, at most %d", len(c.RPC), maxRPC)
	}
	for _, u := range c.RPC {
		if err := checkURL("RPC URL", u, "http", "https", "ws", "wss"); err != nil {
			return err
		}
	}
	return nil
}

func checkURL(what, s string, schemes ...string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Fragment != "" || len(s) > maxText || !printable(s) {
		return invalid("%s %q; hint: like https://host:port/path", what, clip(s))
	}
	for _, want := range schemes {
		if u.Scheme == want {
			return nil
		}
	}
	return invalid("%s %q; hint: begin it with %s", what, clip(s), strings.Join(schemes, ", "))
}

func (c Contracts) check() error {
	for _, x := range []struct {
		name string
		at   artel.Address
	}{{"token", c.Token}, {"ledger", c.Ledger}, {"stake", c.Stake}} {
		if x.at.IsZero() {
			return invalid("contracts: no %s address", x.name)
		}
	}
	if c.Token == c.Ledger || c.Token == c.Stake || c.Ledger == c.Stake {
		return invalid("contracts: two of token, ledger and stake have one address")
	}
	return nil
}

func (f Finality) check() error {
	ok := false
	switch f.Policy {
	case PolicyInstant:
		ok = f.Confirmations == 0 && f.Tag == ""
	case PolicyConfirmations:
		ok = f.Confirmations > 0 && f.Confirmations <= 1<<16-1 && f.Tag == ""
	case PolicyTag:
		ok = f.Confirmations == 0 && (f.Tag == "finalized" || f.Tag == "safe")
	}
	if !ok {
		return invalid(`finality %q with %d confirmations and tag %q; hint: {"policy":"instant"}, {"policy":"confirmations","confirmations":12} or {"policy":"tag","tag":"finalized"}`,
			clip(f.Policy), f.Confirmations, clip(f.Tag))
	}
	return nil
}

// String returns the policy in a word, as chain.ParseFinality reads it.
func (f Finality) String() string {
	switch f.Policy {
	case PolicyConfirmations:
		return "confirmations:" + strconv.FormatUint(f.Confirmations, 10)
	case PolicyTag:
		return f.Tag
	}
	return f.Policy
}

func (r Rules) check() error {
	if r.Delay == 0 || r.Delay > maxDelay {
		return invalid("delay of %d s, want 1 s to a year; hint: what the ledger's delay() answers", r.Delay)
	}
	if r.Window == 0 || r.Window > maxDelay {
		return invalid("window of %d s, want 1 s to a year; hint: what the ledger's WINDOW() answers", r.Window)
	}
	return nil
}

func (f File) checkPeers() error {
	if len(f.Bootstrap) > maxBootstrap {
		return invalid("%d bootstrap peers, at most %d", len(f.Bootstrap), maxBootstrap)
	}
	for _, a := range f.Bootstrap {
		if !strings.HasPrefix(a, "/") || !strings.Contains(a, "/p2p/") || len(a) > maxText || !printable(a) {
			return invalid("bootstrap peer %q; hint: like /ip4/192.0.2.1/tcp/4001/p2p/16Uiu2…", clip(a))
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

// word keeps names printable and harmless in a terminal.
func word(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
