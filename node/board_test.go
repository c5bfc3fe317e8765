package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/fake"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

func testKey(t *testing.T, n byte) artel.Key {
	t.Helper()
	k, err := artel.KeyFromBytes(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// offered is a sealed offer of a key's machine for an account.
func offered(network artel.Hash, k artel.Key, account artel.Address, seq uint64) []byte {
	now := uint64(time.Now().Unix())
	return wire.SealOffer(artel.Offer{
		Network: network, Node: k.NodeID(), Account: account, Seq: seq, Issued: now, Expires: now + 600, UpSince: now - 86400,
		Resources: artel.Resources{Slots: 2, Memory: 1 << 30, Disk: 1 << 30}, Price: 100, Sandboxes: []string{"wasm"},
		Speed: 1000, MaxUnpaid: artel.Units(1000), MaxUnit: 36_000_000, Addrs: []string{"/ip4/127.0.0.1/tcp/1"},
	}, k)
}

var boardNetwork = artel.Keccak([]byte("a board's network"))

// counted is a chain that counts the questions about stakes.
type counted struct {
	chain.Reader
	asked int
	away  bool
}

func (c *counted) Stake(ctx context.Context, a artel.Address) (chain.Stake, error) {
	if c.asked++; c.away {
		return chain.Stake{}, chain.ErrUnreachable
	}
	if err := ctx.Err(); err != nil {
		return chain.Stake{}, err
	}
	return c.Reader.Stake(ctx, a)
}

func newTestBoard(minStake artel.Amount) (*board, *counted) {
	c := &counted{Reader: fake.New(fake.Options{}).Client()}
	return newBoard(boardNetwork, minStake, c, fake.DefaultParams()), c
}

func TestBoardAdmits(t *testing.T) {
	key, other := testKey(t, 1), testKey(t, 2)
	for _, c := range []struct {
		name     string
		minStake uint64
		away     bool
		sealed   []byte
		want     p2p.Verdict
		asked    int
	}{
		{"its own account, and no stake is asked for", 0, false, offered(boardNetwork, key, key.Address(), 1), p2p.Accept, 0},
		{"another account", 0, false, offered(boardNetwork, key, other.Address(), 1), p2p.Accept, 1},
		{"another account, and the chain is away", 0, true, offered(boardNetwork, key, other.Address(), 1), p2p.Accept, 1},
		{"too little at stake", 5, false, offered(boardNetwork, key, key.Address(), 1), p2p.Ignore, 1},
		{"a stake is asked for, and the chain is away", 5, true, offered(boardNetwork, key, key.Address(), 1), p2p.Ignore, 1},
		{"another network", 0, false, offered(artel.Hash{1}, key, key.Address(), 1), p2p.Reject, 0},
		{"garbage", 0, false, []byte("garbage"), p2p.Reject, 0},
		{"nothing", 0, false, nil, p2p.Reject, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, ledger := newTestBoard(artel.Units(c.minStake))
			ledger.away = c.away
			if got := b.validate(t.Context(), p2p.Message{Data: c.sealed}); got != c.want || ledger.asked != c.asked {
				t.Errorf("verdict %v after %d questions to the chain, want %v after %d", got, ledger.asked, c.want, c.asked)
			}
			if n := b.len(); (n == 1) != (c.want == p2p.Accept) {
				t.Errorf("%d offers are listed", n)
			}
			list, err := wire.UnmarshalOffers(b.share())
			if err != nil || (len(list) == 1) != (c.want == p2p.Accept) {
				t.Errorf("%d offers are passed on, error %v", len(list), err)
			}
		})
	}
}

// An account is asked about once in a while, however often its offer comes.
func TestBoardRemembersWhatTheChainSaid(t *testing.T) {
	b, ledger := newTestBoard(artel.Amount{})
	key, other := testKey(t, 1), testKey(t, 2)
	for seq := range uint64(5) {
		b.validate(t.Context(), p2p.Message{Data: offered(boardNetwork, key, other.Address(), seq)})
	}
	if ledger.asked != 1 {
		t.Errorf("the chain was asked %d times", ledger.asked)
	}
}

// Strangers' keys cost nothing to make: what they claim leads to no more questions
// to the chain than the peer that hands it over may cause, and every offer is
// verified once.
func TestBoardBoundsAPeersQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, ledger := newTestBoard(artel.Amount{})
		opened := 0
		b.open = func(sealed []byte, network artel.Hash) (artel.Offer, artel.Hash, error) {
			opened++
			return wire.OpenOffer(sealed, network)
		}
		account, loud, quiet := testKey(t, 1).Address(), testKey(t, 2).NodeID(), testKey(t, 3).NodeID()
		stranger := func(i int) []byte {
			k, err := artel.KeyFromBytes(append(make([]byte, 29), 1, byte(i>>8), byte(i)))
			if err != nil {
				t.Fatal(err)
			}
			return offered(boardNetwork, k, account, 1)
		}
		send := func(from artel.NodeID, sealed []byte, want p2p.Verdict, asked int) {
			t.Helper()
			ledger.asked = 0
			if got := b.validate(t.Context(), p2p.Message{From: from, Data: sealed}); got != want || ledger.asked != asked {
				t.Fatalf("verdict %v after %d questions, want %v after %d", got, ledger.asked, want, asked)
			}
		}
		for i := range askBurst {
			send(loud, stranger(i), p2p.Accept, 1)
		}
		send(loud, stranger(askBurst), p2p.Accept, 0) // listed as one of the stranger's own
		send(quiet, stranger(askBurst+1), p2p.Accept, 1)
		if opened != askBurst+2 || b.len() != askBurst+2 {
			t.Errorf("%d verified and %d listed of %d offers", opened, b.len(), askBurst+2)
		}
		again := stranger(0)
		time.Sleep(time.Second)
		send(loud, stranger(askBurst+2), p2p.Accept, 1)
		time.Sleep(standingFor)
		send(loud, offered(boardNetwork, testKey(t, 4), account, 5), p2p.Accept, 1)
		time.Sleep(standingFor)
		send(loud, offered(boardNetwork, testKey(t, 4), account, 4), p2p.Ignore, 0) // an older one
		send(loud, again, p2p.Ignore, 0)                                            // it has expired
	})
}

// A validator's time is its caller's: the chain is not asked beyond it.
func TestBoardKeepsItsCallersTime(t *testing.T) {
	b, ledger := newTestBoard(artel.Amount{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b.validate(ctx, p2p.Message{Data: offered(boardNetwork, testKey(t, 1), testKey(t, 2).Address(), 1)})
	if _, known := b.seen[testKey(t, 1).NodeID()]; known || ledger.asked != 1 {
		t.Errorf("an answer is kept: %t, after %d questions", known, ledger.asked)
	}
}

// The record of a machine that has brought home long tasks counts for the next
// long one.
func TestBoardLearns(t *testing.T) {
	b, _ := newTestBoard(artel.Amount{})
	node := testKey(t, 1).NodeID()
	now := time.Now()
	const long = uint64(time.Hour / time.Millisecond)
	o := artel.Offer{UpSince: uint64(now.Add(-24 * time.Hour).Unix())}
	rate := func() float64 { return b.history.Nodes[node].Success(o, long, uint64(now.Unix())) }
	newcomer := rate()
	note := func(o market.Outcome) { b.Keep(node, b.Record(node).Learn(o, uint64(now.Unix()))) }
	note(market.Outcome{OK: true, Wall: long})
	if rate() < 2*newcomer {
		t.Errorf("%.3f for a newcomer, %.3f for one that has run an hour", newcomer, rate())
	}
	note(market.Outcome{})
	note(market.Outcome{})
	if r := b.history.Nodes[node]; r.Rest(uint64(now.Unix())) == 0 || r.Longest != long {
		t.Errorf("after two failures: %+v", r)
	}
}

func TestJoined(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{{nil, 0}, {errors.New("one"), 1}, {errors.Join(errors.New("one"), errors.New("two")), 2}} {
		if got := joined(c.err); got != c.want {
			t.Errorf("%v: %d errors, want %d", c.err, got, c.want)
		}
	}
}
