package market_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/market"
	"github.com/artel-network/artel/wire"
)

const now = 1_800_000_000 // unix seconds

func key(i byte) artel.Key {
	k, err := artel.KeyFromBytes(bytes.Repeat([]byte{i}, 32))
	if err != nil {
		panic(err)
	}
	return k
}

func network() artel.Hash { return artel.Keccak([]byte("a network")) }

func goodOffer() artel.Offer {
	return artel.Offer{
		Network: network(), Node: key(1).NodeID(), Account: key(1).Address(), Machine: [16]byte{1}, Seq: 10, Issued: now, Expires: now + 1200,
		Resources: artel.Resources{Slots: 4, Memory: 1 << 30, Disk: 1 << 30}, Price: 1000, Region: "eu", Sandboxes: []string{"wasm"},
		Speed: 1000, MaxUnit: 60_000, Addrs: []string{"/ip4/127.0.0.1/tcp/4001"},
	}
}

// TestAdmitMutations: a good offer, one change per row, and what becomes of it.
func TestAdmitMutations(t *testing.T) {
	cold := artel.Address{7} // an account that is not the node's own
	stake := func(signer bool, n uint64) market.Lookup {
		return func(artel.Address, artel.NodeID) (market.Standing, error) {
			return market.Standing{Signer: signer, Stake: artel.Units(n)}, nil
		}
	}
	away := func(artel.Address, artel.NodeID) (market.Standing, error) {
		return market.Standing{}, errors.New("chain is away")
	}
	for name, tc := range map[string]struct {
		offer   func(*artel.Offer)
		bytes   func([]byte) []byte
		policy  func(*market.Policy)
		lookup  market.Lookup
		before  []uint64 // numbers announced before, a second apart
		key     byte
		action  market.Action
		cause   market.Cause
		owner   artel.Address // where accepted; zero: the node's own address
		secured bool
	}{
		"good":                   {},
		"too large":              {policy: func(p *market.Policy) { p.MaxSize = 100 }, action: market.Reject, cause: market.CauseSize},
		"larger than the wire":   {bytes: func(b []byte) []byte { return append(b, make([]byte, wire.MaxOffer)...) }, policy: func(p *market.Policy) { p.MaxSize = 1 << 20 }, action: market.Reject, cause: market.CauseMalformed},
		"empty":                  {bytes: func([]byte) []byte { return nil }, action: market.Reject, cause: market.CauseMalformed},
		"last byte flipped":      {bytes: func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, action: market.Reject, cause: market.CauseSignature},
		"signed by another":      {key: 2, action: market.Reject, cause: market.CauseSignature},
		"another network":        {offer: func(o *artel.Offer) { o.Network[0] ^= 1 }, action: market.Reject, cause: market.CauseMalformed},
		"lives too long":         {offer: func(o *artel.Offer) { o.Expires = o.Issued + artel.MaxOfferTTL + 1 }, action: market.Reject, cause: market.CauseMalformed},
		"lives as long as may":   {offer: func(o *artel.Offer) { o.Expires = o.Issued + artel.MaxOfferTTL }},
		"expires before issued":  {offer: func(o *artel.Offer) { o.Expires = o.Issued }, action: market.Reject, cause: market.CauseMalformed},
		"expired":                {offer: func(o *artel.Offer) { o.Issued, o.Expires = now-1200, now-artel.ClockSkew }, action: market.Ignore, cause: market.CauseExpired},
		"expired within skew":    {offer: func(o *artel.Offer) { o.Issued, o.Expires = now-1200, now-artel.ClockSkew+1 }},
		"from the future":        {offer: func(o *artel.Offer) { o.Issued, o.Expires = now+2*artel.ClockSkew+1, now+900 }, action: market.Ignore, cause: market.CauseClock},
		"future within skew":     {offer: func(o *artel.Offer) { o.Issued, o.Expires = now+2*artel.ClockSkew, now+900 }},
		"no price":               {offer: func(o *artel.Offer) { o.Price = 0 }, action: market.Reject, cause: market.CauseMalformed},
		"no address":             {offer: func(o *artel.Offer) { o.Addrs = nil }, action: market.Reject, cause: market.CauseMalformed},
		"escape in the region":   {offer: func(o *artel.Offer) { o.Region = "\x1b[2J" }, action: market.Reject, cause: market.CauseMalformed},
		"no account":             {offer: func(o *artel.Offer) { o.Account = artel.Address{} }, action: market.Reject, cause: market.CauseMalformed},
		"newer":                  {before: []uint64{9}},
		"the same again":         {before: []uint64{10}, action: market.Ignore, cause: market.CauseDuplicate},
		"same number, other":     {before: []uint64{10}, offer: func(o *artel.Offer) { o.Price = 999 }, action: market.Ignore, cause: market.CauseConflict},
		"older":                  {before: []uint64{11}, action: market.Ignore, cause: market.CauseOld},
		"third within a minute":  {before: []uint64{8, 9}, action: market.Ignore, cause: market.CauseRate},
		"a cold account":         {offer: func(o *artel.Offer) { o.Account = cold }, lookup: stake(true, 0), owner: cold},
		"somebody's account":     {offer: func(o *artel.Offer) { o.Account = cold }, lookup: stake(false, 0)},
		"an account, no lookup":  {offer: func(o *artel.Offer) { o.Account = cold }},
		"an account, chain away": {offer: func(o *artel.Offer) { o.Account = cold }, lookup: away},
		"enough stake":           {policy: func(p *market.Policy) { p.MinStake = artel.Units(5) }, lookup: stake(false, 5)},
		"too little stake":       {policy: func(p *market.Policy) { p.MinStake = artel.Units(5) }, lookup: stake(true, 4), action: market.Ignore, cause: market.CauseStake},
		"borrowed stake":         {offer: func(o *artel.Offer) { o.Account = cold }, policy: func(p *market.Policy) { p.MinStake = artel.Units(5) }, lookup: stake(false, 5), action: market.Ignore, cause: market.CauseStake},
		"stake, no lookup":       {policy: func(p *market.Policy) { p.MinStake = artel.Units(5) }, action: market.Ignore, cause: market.CauseStake},
		"stake, chain away":      {policy: func(p *market.Policy) { p.MinStake = artel.Units(5) }, lookup: away, action: market.Ignore, cause: market.CauseUnknown},
		"safe stake":             {offer: func(o *artel.Offer) { o.Account = cold }, policy: func(p *market.Policy) { p.SafeStake = artel.Units(5) }, lookup: stake(true, 5), owner: cold, secured: true},
		"less than safe":         {policy: func(p *market.Policy) { p.SafeStake = artel.Units(5) }, lookup: stake(true, 4)},
		"borrowed safe stake":    {offer: func(o *artel.Offer) { o.Account = cold }, policy: func(p *market.Policy) { p.SafeStake = artel.Units(5) }, lookup: stake(false, 5)},
		"no share left":          {policy: func(p *market.Policy) { p.PerNode = 0 }, action: market.Ignore, cause: market.CauseShare},
		"index full":             {policy: func(p *market.Policy) { p.Total = 0 }, action: market.Ignore, cause: market.CauseFull},
	} {
		t.Run(name, func(t *testing.T) {
			p := market.DefaultPolicy(network())
			if tc.policy != nil {
				tc.policy(&p)
			}
			x := market.NewIndex(p)
			for i, seq := range tc.before {
				o := goodOffer()
				o.Seq = seq
				l, v := market.Admit(wire.SealOffer(o, key(1)), wire.OpenOffer, x, nil, now)
				if v.Action != market.Accept {
					t.Fatalf("offer %d before: %v", seq, v)
				}
				if _, err := x.Put(l, now+uint64(i)); err != nil {
					t.Fatal(err)
				}
			}
			o := goodOffer()
			if tc.offer != nil {
				tc.offer(&o)
			}
			sealed := wire.SealOffer(o, key(max(tc.key, 1)))
			if tc.bytes != nil {
				sealed = tc.bytes(sealed)
			}
			live := x.Len()
			l, v := market.Admit(sealed, wire.OpenOffer, x, tc.lookup, now)
			if v.Action != tc.action || v.Cause != tc.cause || (v.Err == nil) != (tc.action == market.Accept) {
				t.Fatalf("got %s %q (%v), want %s %q", v.Action, v.Cause, v.Err, tc.action, tc.cause)
			}
			if x.Len() != live {
				t.Error("Admit changed the index")
			}
			if v.Action != market.Accept {
				if !l.ID.IsZero() {
					t.Error("a listing came with the refusal")
				}
				return
			}
			owner := tc.owner
			if owner.IsZero() {
				owner = key(1).Address()
			}
			if l.Owner != owner || l.Secured != tc.secured {
				t.Errorf("owner %s, secured %v; want %s, %v", l.Owner, l.Secured, owner, tc.secured)
			}
			if changed, err := x.Put(l, now); !changed || err != nil {
				t.Errorf("Put of what was admitted: %v, %v", changed, err)
			}
		})
	}
}

// TestSizeIsTheWires: the policy's limit is the message's.
func TestSizeIsTheWires(t *testing.T) {
	if got := market.DefaultPolicy(network()).MaxSize; got != wire.MaxOffer {
		t.Errorf("the policy takes offers of %d bytes, the wire of %d", got, wire.MaxOffer)
	}
}

func TestVerdictWords(t *testing.T) {
	for a, want := range map[market.Action]string{market.Accept: "accept", market.Ignore: "ignore", market.Reject: "reject", 9: "action 9"} {
		if a.String() != want {
			t.Errorf("%d: %q", a, a)
		}
	}
	x := market.NewIndex(market.DefaultPolicy(network()))
	o := goodOffer()
	o.Issued, o.Expires = now-1200, now-400
	_, v := market.Admit(wire.SealOffer(o, key(1)), wire.OpenOffer, x, nil, now)
	if v.Err == nil || !strings.Contains(v.Err.Error(), "expired 400 s ago") {
		t.Errorf("a refusal without figures: %v", v.Err)
	}
}

// FuzzAdmit: whatever a peer sends, there is a verdict and no panic.
func FuzzAdmit(f *testing.F) {
	good := wire.SealOffer(goodOffer(), key(1))
	f.Add(good, uint64(now))
	f.Add([]byte{}, uint64(0))
	f.Add(good, ^uint64(0))
	f.Add(good[:50], uint64(now))
	f.Fuzz(func(t *testing.T, b []byte, at uint64) {
		x := market.NewIndex(market.DefaultPolicy(network()))
		l, v := market.Admit(b, wire.OpenOffer, x, nil, at)
		if (v.Action == market.Accept) != (v.Err == nil) {
			t.Fatalf("%s with %v", v.Action, v.Err)
		}
		if v.Action == market.Accept {
			if _, err := x.Put(l, at); err != nil {
				t.Fatalf("admitted, and not listed: %v", err)
			}
		}
	})
}
