package provider

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/fake"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/wire"
)

var testNetwork = artel.Keccak([]byte("test network"))

// works is a Runner whose tasks take a second and leave nothing.
type works struct{}

func (works) Run(ctx context.Context, _ artel.NodeID, _ artel.Hash, _ artel.Terms, _ lease.Running, _ Course) lease.Finish {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return lease.Finish{Reason: artel.ReasonCancelled, Message: "killed"}
	case <-timer.C:
	}
	return lease.Finish{Reason: artel.ReasonExited, Billed: true, Root: artel.Hash{1}, Usage: artel.Usage{Wall: 1000}}
}
func (works) Log(artel.Hash, lease.TaskKey, uint64, int) ([]byte, error) {
	return nil, errors.New("no log")
}
func (works) Begin(context.Context, []Ran) []Attempt { return nil }
func (works) Closed(artel.NodeID)                    {}

func (works) Live(artel.Hash, lease.TaskKey) (sandbox.Run, bool)           { return nil, false }
func (works) Keep(context.Context, artel.Hash, lease.TaskKey, artel.Ref)   {}
func (works) Forget(context.Context, artel.Hash, lease.TaskKey, artel.Ref) {}

// bench is a provider that runs on a fake chain and network, and a renter's keys
// to speak to it. It lives in a synctest bubble.
type bench struct {
	*Provider
	t      *testing.T
	renter artel.Key // the account and its node
	other  artel.Key // a stranger
	chain  *fake.Chain
	host   *mem.Host
	theirs *mem.Host // the stranger's
	knocks []p2p.Stream
}

// benchPolicy takes tasks of a minute for 100 units a second and slot.
var benchPolicy = Policy{
	Price: 100_000_000, Resources: artel.Resources{Slots: 2, Memory: 1 << 20, Disk: 1 << 20}, MaxUnit: 60_000, MaxUnpaid: artel.Units(18_000),
	MaxLease: 3600, Penalty: artel.Units(5), Patience: time.Minute, Sandboxes: []string{"wasm"}, OfferTTL: 10 * time.Minute, RedeemAt: artel.Units(18_000),
}

// onBench runs f beside a provider of the policy.
func onBench(t *testing.T, pol Policy, f func(t *testing.T, b *bench)) {
	onBenchWith(t, pol, works{}, f)
}

func onBenchWith(t *testing.T, pol Policy, r Runner, f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, renter: testKey(t, 1), other: testKey(t, 2)}
		net := mem.NewNetwork(1)
		b.chain = fake.New(fake.Options{Balances: map[artel.Address]artel.Amount{b.renter.Address(): artel.Units(1_000_000)}, Inclusion: time.Second})
		key := testKey(t, 9)
		host := func(k artel.Key) *mem.Host {
			return net.NewHost(mem.Config{ID: k.NodeID(), Network: testNetwork, Wire: p2p.Versions{Min: 1, Max: 1}})
		}
		own := host(key)
		b.host, b.theirs = host(b.renter), host(b.other)
		params, _ := b.chain.Client().Params(t.Context())
		b.Provider = New(Config{
			Key: key, Account: key.Address(), Network: testNetwork, Params: params, Policy: pol, Host: own, Ledger: b.chain.Client(),
			Store: &heap{}, Runner: r, Log: slog.New(slog.DiscardHandler),
		})
		b.Register()
		ctx, cancel := context.WithCancel(context.Background())
		var all sync.WaitGroup
		for _, run := range []func(context.Context) error{own.Run, b.host.Run, b.theirs.Run, b.Run} {
			all.Go(func() {
				if err := run(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			})
		}
		defer all.Wait()
		defer cancel()
		b.submit(b.renter, chain.Deposit{To: b.renter.Address(), Amount: artel.Units(1_000_000)})
		f(t, b)
	})
}

func (b *bench) submit(by artel.Key, c chain.Call) {
	b.t.Helper()
	client := b.chain.Client()
	id := artel.Keccak([]byte(time.Now().String() + c.Kind())).String()
	if err := client.Submit(b.t.Context(), chain.Tx{ID: id, From: by.Address(), Call: c}); err != nil {
		b.t.Fatal(err)
	}
	if o, err := client.Wait(b.t.Context(), id); err != nil || o.State != chain.Done {
		b.t.Fatalf("%s: %+v, %v", c.Kind(), o, err)
	}
}

// draft is a proposal before it is signed.
type draft struct {
	terms   artel.Terms
	lease   artel.Lease
	reserve *artel.Reserve
	voucher *artel.Voucher
	signer  artel.Key
	bySelf  bool // the terms' hash is left as it is
	host    *mem.Host
}

// good is a proposal that the bench's provider accepts, on a lane of that
// number.
func (b *bench) good(lane uint32) *draft {
	now := uint64(time.Now().Unix())
	d := &draft{signer: b.renter, host: b.host, terms: artel.Terms{
		Network: testNetwork, Node: b.c.Key.NodeID(), Renter: b.renter.NodeID(), Slots: 1, Price: benchPolicy.Price, Unit: 60_000,
		Resources: artel.Resources{Slots: 1, Memory: 1 << 20, Disk: 1 << 20}, Sandbox: "wasm", MaxUnpaid: artel.Units(12_000), Gen: 5,
	}}
	d.lease = artel.Lease{
		Renter: b.renter.Address(), Provider: b.c.Account, Lane: artel.LaneNumber(b.renter.Address(), lane), Start: now, End: now + 600, Rule: artel.RuleResult,
	}
	d.reserve = &artel.Reserve{Renter: d.lease.Renter, Provider: d.lease.Provider, Lane: d.lease.Lane, Cap: artel.Units(60_000), ValidUntil: now + 3600}
	return d
}

func (b *bench) pay(d *draft, n uint64) artel.Voucher {
	return artel.Voucher{Renter: d.lease.Renter, Provider: d.lease.Provider, Lane: d.lease.Lane, Cumulative: artel.Units(n)}
}

func (b *bench) signed(k artel.Key, v artel.Voucher) wire.SignedVoucher {
	return wire.SignedVoucher{Voucher: v, Signature: k.Sign(v.Digest(b.c.Params.Domain()))}
}

// propose sends a draft and returns the lease's id.
func (b *bench) propose(d *draft) (artel.Hash, error) {
	dom := b.c.Params.Domain()
	raw := wire.EncodeTerms(d.terms)
	if !d.bySelf {
		d.lease.Terms = wire.TermsHash(raw)
	}
	req := wire.ProposeRequest{Lease: d.lease, Terms: raw, Signature: d.signer.Sign(d.lease.ID(dom))}
	if d.reserve != nil {
		by := b.renter
		if uint32(d.reserve.Lane>>32) == b.other.Address().Tag() { // a session signer's lane
			by = b.other
		}
		req.Reserve = &wire.SignedReserve{Reserve: *d.reserve, Signature: by.Sign(d.reserve.Digest(dom))}
	}
	if d.voucher != nil {
		v := b.signed(b.renter, *d.voucher)
		req.Voucher = &v
	}
	time.Sleep(2 * time.Second) // strangers' questions to the chain are rationed
	resp, err := d.host.Call(b.t.Context(), b.c.Key.NodeID(), wire.MethodPropose, req.Marshal(), wire.MaxPropose)
	if err != nil {
		return artel.Hash{}, err
	}
	m, err := wire.UnmarshalProposeResponse(resp)
	if err != nil {
		b.t.Fatal(err)
	}
	if by, err := m.Signature.NodeID(d.lease.ID(dom)); err != nil || by != b.c.Key.NodeID() {
		b.t.Fatalf("countersigned by %s, %v", by, err)
	}
	return d.lease.ID(dom), nil
}

func (b *bench) call(h *mem.Host, method string, req []byte) ([]byte, error) {
	return h.Call(b.t.Context(), b.c.Key.NodeID(), method, req, 1<<20)
}

// refusal checks what a peer is told: a code, words, and a hint where there is
// something to do.
func wantRefusal(t *testing.T, err error, code p2p.Code, words, hint string) {
	t.Helper()
	var e *p2p.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %s: %q", err, code, words)
	}
	if e.Code != code || !strings.Contains(e.Message, words) || !strings.Contains(e.Hint, hint) || hint == "" && e.Hint != "" {
		t.Errorf("got %v, want %s: %q; hint: %q", err, code, words, hint)
	}
}
