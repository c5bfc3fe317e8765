package chainnode_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/rpc"

	chainnode "github.com/artel-network/artel/chain/node"
)

const testChainID = 31_999

// patience bounds every wait. It says when a test gives up, not how fast the
// chain must be.
const patience = 90 * time.Second

// daemon is built once for all tests.
var daemon struct {
	once sync.Once
	path string
	err  error
}

func buildDaemon() {
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", daemon.path, "./nodetest/chaind")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		daemon.err = fmt.Errorf("build chaind: %w\n%s", err, out)
	}
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "chaind")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	daemon.path = filepath.Join(dir, "chaind")
	flag.Parse()
	var early sync.WaitGroup
	if flag.Lookup("test.run").Value.String() == "" { // all tests: it will be needed
		early.Go(func() { daemon.once.Do(buildDaemon) })
	}
	code := m.Run()
	early.Wait()
	os.RemoveAll(dir)
	os.Exit(code)
}

// proc is a real node process.
type proc struct {
	t    *testing.T
	home string
	cmd  *exec.Cmd
	log  *syncBuffer
	done chan struct{} // closed when the process has ended
	err  error         // how, once done
	url  string
}

// spawn starts a node process without waiting for anything.
func spawn(t *testing.T, home string, args ...string) *proc {
	t.Helper()
	daemon.once.Do(buildDaemon)
	if daemon.err != nil {
		t.Fatal(daemon.err)
	}
	p := &proc{t: t, home: home, log: new(syncBuffer), done: make(chan struct{})}
	p.cmd = exec.Command(daemon.path, append([]string{"-home", home}, args...)...)
	p.cmd.Stderr, p.cmd.Stdout = p.log, stdoutMustBeSilent{t}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of %s, last part:\n%s", home, p.log.tail(4000))
		}
	})
	return p
}

// start starts a node process and waits until its RPC answers.
func start(t *testing.T, home string, args ...string) *proc {
	t.Helper()
	p := spawn(t, home, args...)
	p.ready()
	return p
}

func startAll(t *testing.T, homes []string) []*proc {
	t.Helper()
	procs := make([]*proc, len(homes))
	for i, home := range homes {
		procs[i] = spawn(t, home)
	}
	for _, p := range procs {
		p.ready()
	}
	return procs
}

func (p *proc) ready() {
	p.t.Helper()
	eventually(p.t, "node in "+p.home+" answers", func() error {
		select {
		case <-p.done:
			p.t.Fatalf("node ended: %v\n%s", p.err, p.log.tail(4000))
		default:
		}
		status, err := chainnode.ReadStatus(context.Background(), p.home)
		p.url = status.RPC
		return err
	})
}

// kill ends the process as a power cut would end it: nothing is told.
func (p *proc) kill() {
	p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

func (p *proc) status() chainnode.Status {
	p.t.Helper()
	status, err := chainnode.ReadStatus(context.Background(), p.home)
	if err != nil {
		p.t.Fatal(err)
	}
	return status
}

func (p *proc) client() *ethclient.Client {
	p.t.Helper()
	client, err := ethclient.Dial(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(client.Close)
	return client
}

// waitHeight waits until the node has a block.
func (p *proc) waitHeight(height uint64) {
	p.t.Helper()
	eventually(p.t, fmt.Sprintf("%s reaches height %d", filepath.Base(p.home), height), func() error {
		if have := p.status().Height; have < height {
			return fmt.Errorf("height is %d", have)
		}
		return nil
	})
}

// hashes returns the block hashes of a node, by height, from 0 on.
func (p *proc) hashes(upTo uint64) []common.Hash {
	p.t.Helper()
	client := p.client()
	out := make([]common.Hash, upTo+1)
	for i := range out {
		header, err := client.HeaderByNumber(context.Background(), big.NewInt(int64(i)))
		if err != nil {
			p.t.Fatalf("block %d of %s: %v", i, p.home, err)
		}
		out[i] = header.Hash()
	}
	return out
}

func sameHashes(t *testing.T, procs ...*proc) {
	t.Helper()
	height := procs[0].status().Height
	for _, p := range procs {
		height = min(height, p.status().Height)
	}
	want := procs[0].hashes(height)
	for _, p := range procs[1:] {
		for i, have := range p.hashes(height) {
			if have != want[i] {
				t.Fatalf("block %d is %s on %s, %s on %s", i, want[i], procs[0].home, have, p.home)
			}
		}
	}
}

// eventually polls until f has no complaint.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting: %s: %v", what, err)
		}
	}
}

// payer sends transfers from one account and remembers what became of them.
type payer struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	next uint64 // nonce

	mu   sync.Mutex
	sent map[common.Hash]*types.Transaction
	seen map[common.Hash]*types.Receipt // receipts that some node has shown
}

func newPayer(t *testing.T) (*payer, types.GenesisAlloc) {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &payer{t: t, key: key, sent: map[common.Hash]*types.Transaction{}, seen: map[common.Hash]*types.Receipt{}}
	return p, types.GenesisAlloc{crypto.PubkeyToAddress(key.PublicKey): {Balance: big.NewInt(1e18)}}
}

var payee = common.HexToAddress("0xbeef")

func (p *payer) sign() *types.Transaction {
	tx := types.MustSignNewTx(p.key, types.LatestSignerForChainID(big.NewInt(testChainID)), &types.DynamicFeeTx{
		Nonce: p.next, To: &payee, Value: big.NewInt(1), Gas: 21000, GasTipCap: big.NewInt(1), GasFeeCap: big.NewInt(1e9),
	})
	p.next++
	return tx
}

// pay sends one transfer through a node.
func (p *payer) pay(via *proc) *types.Transaction {
	p.t.Helper()
	tx := p.sign()
	if err := via.client().SendTransaction(context.Background(), tx); err != nil {
		p.t.Fatalf("send through %s: %v", via.home, err)
	}
	p.mu.Lock()
	p.sent[tx.Hash()] = tx
	p.mu.Unlock()
	return tx
}

// settled waits for a transaction's receipt on a node.
func (p *payer) settled(on *proc, tx *types.Transaction) *types.Receipt {
	p.t.Helper()
	client := on.client()
	var receipt *types.Receipt
	eventually(p.t, fmt.Sprintf("receipt of nonce %d on %s", tx.Nonce(), filepath.Base(on.home)), func() (err error) {
		receipt, err = client.TransactionReceipt(context.Background(), tx.Hash())
		return err
	})
	if receipt.Status != types.ReceiptStatusSuccessful {
		p.t.Fatalf("transfer failed: %+v", receipt)
	}
	p.mu.Lock()
	p.seen[tx.Hash()] = receipt
	p.mu.Unlock()
	return receipt
}

// flood sends and collects receipts until stop is called, whatever dies
// meanwhile: it goes on with the node's next life.
func (p *payer) flood(via *proc) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		client, err := ethclient.DialContext(ctx, via.url)
		if err != nil {
			return
		}
		defer client.Close()
		var waiting []*types.Transaction
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if len(waiting) < 200 {
				tx := p.sign()
				if err := client.SendTransaction(ctx, tx); err != nil {
					p.next--
					return // the node is gone
				}
				waiting = append(waiting, tx)
				p.mu.Lock()
				p.sent[tx.Hash()] = tx
				p.mu.Unlock()
			}
			for len(waiting) > 0 {
				receipt, err := client.TransactionReceipt(ctx, waiting[0].Hash())
				if err != nil {
					break
				}
				p.mu.Lock()
				p.seen[waiting[0].Hash()] = receipt
				p.mu.Unlock()
				waiting = waiting[1:]
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	return func() { cancel(); work.Wait() }
}

// nothingLost checks that every receipt that was ever shown still holds on a
// node, in the same block, and that the payee got exactly what was settled.
func (p *payer) nothingLost(on *proc) {
	p.t.Helper()
	client := on.client()
	p.mu.Lock()
	defer p.mu.Unlock()
	for hash, want := range p.seen {
		have, err := client.TransactionReceipt(context.Background(), hash)
		if err != nil {
			p.t.Fatalf("receipt of %s, once shown, is lost on %s: %v", hash, on.home, err)
		}
		if have.BlockHash != want.BlockHash || have.TransactionIndex != want.TransactionIndex {
			p.t.Fatalf("receipt of %s moved from block %s to %s", hash, want.BlockHash, have.BlockHash)
		}
	}
}

// resync takes the next nonce from a node, and sends again what a crash took
// out of its pool.
func (p *payer) resync(on *proc) {
	p.t.Helper()
	client := on.client()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, tx := range p.sent {
		if p.seen[tx.Hash()] == nil {
			if err := client.SendTransaction(context.Background(), tx); err != nil && !errors.As(err, new(rpc.Error)) {
				p.t.Fatal(err)
			}
		}
	}
}

// balance checks the payee's balance against the nonce: one unit a transfer.
func (p *payer) balance(on *proc) {
	p.t.Helper()
	client := on.client()
	height := on.status().Height
	at := new(big.Int).SetUint64(height)
	nonce, err := client.NonceAt(context.Background(), crypto.PubkeyToAddress(p.key.PublicKey), at)
	if err != nil {
		p.t.Fatal(err)
	}
	balance, err := client.BalanceAt(context.Background(), payee, at)
	if err != nil {
		p.t.Fatal(err)
	}
	if balance.Uint64() != nonce {
		p.t.Fatalf("%d transfers settled, but the payee has %d", nonce, balance)
	}
}

type stdoutMustBeSilent struct{ t *testing.T }

func (s stdoutMustBeSilent) Write(p []byte) (int, error) {
	s.t.Errorf("node wrote to stdout: %q", p)
	return len(p), nil
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.buf.String()
	return all[max(0, len(all)-n):]
}
