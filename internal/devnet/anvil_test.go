//go:build linux

package devnet_test

import (
	"context"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/internal/anvil"
	"github.com/artel-network/artel/internal/devnet"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
)

// nowhere is a URL at which no RPC answers.
const nowhere = "http://127.0.0.1:1"

// TestOtherChain: two daemons work, pay and redeem on a chain that is not this
// program's, of which the network file gives a wrong door and --chain-rpc the
// right one.
func TestOtherChain(t *testing.T) {
	t.Parallel()
	w := onAnvil(t)
	ctx, bin, provider := w.ctx, w.bin, w.providers[0]
	deposit := artel.Units(100_000_000)
	if _, err := w.renter.API.Deposit(ctx, deposit); err != nil {
		t.Fatalf("deposit: %v", err)
	}
	if _, err := provider.API.Provide(ctx, api.ProvideConfig{Slots: 2, Price: artel.Price(500_000_000), MinRedeem: artel.Units(1)}); err != nil {
		t.Fatalf("provide: %v", err)
	}
	if _, err := w.renter.Offers(ctx, 1); err != nil {
		t.Fatal(err)
	}
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(bin, "digits.wasm"), "--in", w.input(),
		"--array", "1-6", "--failover", "fast", "--detach", "--", "-epochs", "2")
	if code != 0 {
		t.Fatalf("artel run: exit code %d\n%s", code, said)
	}
	js, err := w.renter.API.List(ctx, api.JobQuery{All: true})
	if err != nil || len(js) != 1 {
		t.Fatalf("%d jobs, %v", len(js), err)
	}
	// The renter redeems what it has promised so far: the provider does so by
	// itself only when its lease ends.
	var early api.Done
	w.until(t, "a voucher to be redeemed", func() bool {
		var err error
		early, err = w.renter.API.Redeem(ctx, api.RedeemRequest{Provider: provider.Account})
		if err != nil && !errors.Is(err, &api.Error{Code: api.CodeNotFound}) { // that is: nothing promised yet
			t.Fatalf("redeem: %v", err)
		}
		return err == nil && !early.Amount.IsZero()
	})
	if !early.Final || early.Block <= w.file.Chain.Birth || early.Tx.IsZero() {
		t.Errorf("redeemed: %+v", early)
	}
	t.Logf("redeemed %s in block %d", early.Amount, early.Block)
	var end api.JobDetail
	w.until(t, "the job to end", func() bool {
		var err error
		end, err = w.renter.API.Job(ctx, js[0].ID)
		return err == nil && end.State.Ended()
	})
	if end.State != api.StateDone || end.Done != 6 {
		t.Fatalf("the job %s with %d done: %s", end.State, end.Done, end.Message)
	}
	out := filepath.Join(t.TempDir(), "out")
	if said, code := w.artel(w.renter.Dir, "fetch", end.ID, "--out", out); code != 0 {
		t.Fatalf("fetch: exit code %d\n%s", code, said)
	}
	checkOutput(t, out, 6)
	if said, code := w.artel(w.renter.Dir, "doctor", "--chain-rpc", w.url); code != 0 {
		t.Errorf("doctor: exit code %d\n%s", code, said)
	}
	if said, code := w.artel(w.renter.Dir, "doctor"); code != 1 || !strings.Contains(said, nowhere) {
		t.Errorf("doctor by the file's wrong door: exit code %d\n%s", code, said)
	}
	w.statement(t)
	w.compare(t, w.ledger, w.file, deposit, early.Amount)
}

// anvilWorld is a renter and a provider, with tokens and coin, on a chain that is
// not this program's.
type anvilWorld struct {
	*world
	url    string
	file   network.File
	ledger *evm.Ledger // of none of the daemons
}

func onAnvil(t *testing.T) *anvilWorld {
	t.Helper()
	anvil.Path(t) // or skip, before anything is built
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "artel-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // against a hang
	t.Cleanup(cancel)
	w := &anvilWorld{world: &world{t: t, ctx: ctx, bin: bin, top: map[string]artel.Amount{}}, url: anvil.Start(t, "--block-time", "1")}
	owner := anvil.Rich(t)
	w.file = w.deploy(t, w.url, owner)
	if w.net, err = devnet.On(devnet.Config{Binary: filepath.Join(bin, "artel"), Dir: dir}, w.file, w.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.net.Close()
		if t.Failed() {
			t.Logf("the logs are in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	if w.renter, err = w.net.StartNode(ctx, "renter", 0); err != nil {
		t.Fatal(err)
	}
	provider, err := w.net.StartNode(ctx, "provider", 0)
	if err != nil {
		t.Fatal(err)
	}
	w.providers = []*devnet.Node{provider}
	w.ledger = openLedger(t, ctx, w.file, w.url, owner)
	w.give(t, w.ledger, owner, artel.Units(1_000_000_000), w.renter, provider)
	return w
}

// TestDeploy: the contracts go to a chain once, a second network may pay with
// the first one's token, and what cannot work is refused before it costs
// anything.
func TestDeploy(t *testing.T) {
	t.Parallel()
	anvil.Path(t) // or skip, before anything is built
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // against a hang
	defer cancel()
	url, owner, dir := anvil.Start(t), anvil.Rich(t), t.TempDir()
	poor, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]artel.Key{"rich": owner, "poor": poor} {
		if err := keys.CreateUnprotected(filepath.Join(dir, name), k); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, ctx: ctx, bin: bin}
	deploy := func(key, out string, more ...string) (string, int) {
		return w.artel(dir, append([]string{"network", "deploy", "--chain-rpc", url, "--key-file", filepath.Join(dir, key),
			"--finality", "instant", "--out", filepath.Join(dir, out)}, more...)...)
	}
	load := func(out string) network.File {
		t.Helper()
		f, err := network.Load(filepath.Join(dir, out))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	if said, code := deploy("rich", "one.json"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	one := load("one.json")
	spent := func() uint64 { return sent(t, ctx, url, owner.Address()) }
	if n := spent(); n != 3 {
		t.Errorf("%d transactions for three contracts", n)
	}
	token := one.Contracts.Token.String()
	for _, c := range []struct {
		name, key, out string
		more           []string
		code           int
		want           string
	}{
		{"file is there", "rich", "one.json", nil, 1, "is there already"},
		{"no coin", "poor", "x.json", nil, 1, "has no coin"},
		{"no token there", "rich", "x.json", []string{"--token", one.Contracts.Ledger.String(), "--symbol", "X"}, 1, "is --token an ERC-20"},
		{"no account there", "rich", "x.json", []string{"--token", owner.Address().String(), "--symbol", "X"}, 1, "is --token an ERC-20"},
		{"token without symbol", "rich", "x.json", []string{"--token", token}, 2, "--token wants --symbol"},
		{"symbol without token", "rich", "x.json", []string{"--symbol", "X"}, 2, "without --token"},
		{"bad symbol", "rich", "x.json", []string{"--token", token, "--symbol", "a b"}, 1, "token symbol"},
		{"bad name", "rich", "x.json", []string{"--name", "a b"}, 1, "name"},
		{"bad public RPC", "rich", "x.json", []string{"--public-rpc", "ftp://x"}, 1, "RPC URL"},
	} {
		if said, code := deploy(c.key, c.out, c.more...); code != c.code || !strings.Contains(said, c.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", c.name, code, c.code, c.want, said)
		}
	}
	if n := spent(); n != 3 {
		t.Errorf("what was refused cost %d transactions", n-3)
	}
	if said, code := deploy("rich", "two.json", "--token", token, "--symbol", "ART"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, said)
	}
	two := load("two.json")
	if two.Contracts.Token != one.Contracts.Token || two.Contracts.Ledger == one.Contracts.Ledger || two.Token.Symbol != "ART" || two.Token.Decimals != 6 || two.Hash() == one.Hash() {
		t.Errorf("the second network: %+v, the first: %+v", two, one)
	}
	if n := spent(); n != 5 {
		t.Errorf("%d transactions for two contracts", n-3)
	}
}

// sent is how many transactions of an account are in blocks.
func sent(t *testing.T, ctx context.Context, url string, a artel.Address) uint64 {
	t.Helper()
	e, err := ethclient.DialContext(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	n, err := e.NonceAt(ctx, common.Address(a), nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// compare holds the renter's statement against what another client reads from
// the chain.
func (w *world) compare(t *testing.T, l *evm.Ledger, f network.File, deposit, early artel.Amount) {
	t.Helper()
	s, err := w.renter.API.Statement(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Balanced() || s.Block <= f.Chain.Birth {
		t.Errorf("the statement of block %d does not balance: %+v", s.Block, s)
	}
	held, err := l.Balance(w.ctx, f.Contracts.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	if s.Balance != deposit || held != deposit {
		t.Errorf("the ledger holds %s, the statement says %s, deposited were %s", held, s.Balance, deposit)
	}
	a, err := l.Account(w.ctx, w.providers[0].Account)
	if err != nil {
		t.Fatal(err)
	}
	var promised, redeemed artel.Amount
	for _, x := range s.Lanes {
		promised = promised.Add(x.Voucher)
	}
	for _, p := range s.Parties {
		redeemed = redeemed.Add(p.Redeemed)
	}
	if a.Earned.Less(early) || a.Earned != promised || a.Earned != redeemed {
		t.Errorf("the provider earned %s, was promised %s, events say %s, of which %s early", a.Earned, promised, redeemed, early)
	}
	t.Logf("the provider earned %s; statement of block %d", a.Earned, s.Block)
}

// give sends accounts tokens, and coin for fees.
func (w *world) give(t *testing.T, l *evm.Ledger, owner artel.Key, tokens artel.Amount, to ...*devnet.Node) {
	t.Helper()
	id := func(n *devnet.Node) string { return "give/" + n.Name }
	for _, n := range to {
		x := chain.Tx{ID: id(n), From: owner.Address(), Call: chain.TransferToken{To: n.Account, Amount: tokens}}
		if err := l.Submit(w.ctx, x); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range to {
		if o, err := l.Wait(w.ctx, id(n)); err != nil || o.State != chain.Done {
			t.Fatalf("give %s tokens: %v, %+v", n.Name, err, o)
		}
	}
	// The transfers are mined: the owner's nonces are free to use.
	for _, n := range to {
		if err := evm.SendCoin(w.ctx, w.net.RPC(), owner, n.Account, big.NewInt(1e18)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range to {
		w.until(t, "coin for "+n.Name, func() bool {
			have, err := evm.Coin(w.ctx, w.net.RPC(), n.Account)
			return err == nil && have.Sign() > 0
		})
	}
}

// deploy puts the contracts on the chain and returns the network file, whose RPC
// is a wrong one.
func (w *world) deploy(t *testing.T, url string, owner artel.Key) network.File {
	t.Helper()
	dir := t.TempDir()
	key, out := filepath.Join(dir, "key.json"), filepath.Join(dir, "network.json")
	if err := keys.CreateUnprotected(key, owner); err != nil {
		t.Fatal(err)
	}
	args := []string{"network", "deploy", "--chain-rpc", url, "--key-file", key, "--name", "anvil", "--delay", "1h",
		"--finality", "confirmations:1", "--public-rpc", nowhere, "--out", out}
	if said, code := w.artel(dir, args...); code != 0 {
		t.Fatalf("artel network deploy: exit code %d\n%s", code, said)
	}
	if said, code := w.artel(dir, "network", "check", out, "--chain-rpc", url); code != 0 {
		t.Errorf("artel network check: exit code %d\n%s", code, said)
	}
	f, err := network.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	if f.Chain.Kind != network.KindRPC || f.Finality.String() != "confirmations:1" || f.Rules.Delay != 3600 || len(f.Chain.RPC) != 1 {
		t.Errorf("the network file is not what was asked for: %+v", f)
	}
	return f
}

// openLedger opens a client that is none of the daemons', and runs it until the
// test ends.
func openLedger(t *testing.T, ctx context.Context, f network.File, url string, owner artel.Key) *evm.Ledger {
	t.Helper()
	l, err := evm.New(evm.Options{
		Network: evm.Network{ChainID: f.Chain.ID, Token: f.Contracts.Token, Ledger: f.Contracts.Ledger, Stake: f.Contracts.Stake,
			Finality: chain.Finality{Depth: f.Finality.Confirmations}, Birth: f.Chain.Birth},
		RPC: []string{url}, Store: evm.NewMemStore(), Signers: []evm.Signer{owner},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		l.Close()
	})
	return l
}
