package provider

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

var program, _ = artel.NewRef(artel.CodecRaw, [32]byte{1})

func taskSpec() artel.TaskSpec { return artel.TaskSpec{Program: program, Wall: 60_000} }

func (b *bench) start(h *mem.Host, id artel.Hash, starts ...wire.Start) (wire.StartResponse, error) {
	raw, err := b.call(h, wire.MethodStart, wire.StartRequest{Lease: id, Starts: starts}.Marshal())
	if err != nil {
		return wire.StartResponse{}, err
	}
	return wire.UnmarshalStartResponse(raw)
}

func (b *bench) voucher(h *mem.Host, id artel.Hash, v wire.SignedVoucher) (wire.PayResponse, error) {
	raw, err := b.call(h, wire.MethodPay, wire.PayRequest{Lease: id, Voucher: v}.Marshal())
	if err != nil {
		return wire.PayResponse{}, err
	}
	return wire.UnmarshalPayResponse(raw)
}

func (b *bench) close(h *mem.Host, id artel.Hash) error {
	_, err := b.call(h, wire.MethodClose, wire.CloseRequest{Lease: id}.Marshal())
	return err
}

// opened makes the lease of good(1).
func (b *bench) opened() (artel.Hash, *draft) {
	b.t.Helper()
	d := b.good(1)
	id, err := b.propose(d)
	if err != nil {
		b.t.Fatal(err)
	}
	return id, d
}

// What every call on a lease refuses.
func TestCallsOnALease(t *testing.T) {
	calls := map[string]func(b *bench, h *mem.Host, id artel.Hash, d *draft) error{
		"start": func(b *bench, h *mem.Host, id artel.Hash, _ *draft) error { _, err := b.start(h, id); return err },
		"cancel": func(b *bench, h *mem.Host, id artel.Hash, _ *draft) error {
			_, err := b.call(h, wire.MethodCancel, wire.CancelRequest{Lease: id}.Marshal())
			return err
		},
		"watch": func(b *bench, h *mem.Host, id artel.Hash, _ *draft) error {
			_, err := b.call(h, wire.MethodWatch, wire.WatchRequest{Lease: id}.Marshal())
			return err
		},
		"logs": func(b *bench, h *mem.Host, id artel.Hash, _ *draft) error {
			_, err := b.call(h, wire.MethodLogs, wire.LogsRequest{Lease: id}.Marshal())
			return err
		},
		"close": func(b *bench, h *mem.Host, id artel.Hash, _ *draft) error { return b.close(h, id) },
		"pay": func(b *bench, h *mem.Host, id artel.Hash, d *draft) error {
			_, err := b.voucher(h, id, b.signed(b.renter, b.pay(d, 1)))
			return err
		},
		"reserve": func(b *bench, h *mem.Host, id artel.Hash, d *draft) error {
			r := wire.SignedReserve{Reserve: *d.reserve, Signature: b.renter.Sign(d.reserve.Digest(b.c.Params.Domain()))}
			_, err := b.call(h, wire.MethodReserve, wire.ReserveRequest{Lease: id, Reserve: r}.Marshal())
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			onBench(t, benchPolicy, func(t *testing.T, b *bench) {
				id, d := b.opened()
				wantRefusal(t, call(b, b.host, artel.Hash{7}, d), p2p.NotFound, "no lease", "it ended long ago")
				wantRefusal(t, call(b, b.theirs, id, d), p2p.Unauthorized, "belongs to another node", "")
				b.do(t.Context(), func(*tx) { b.gens[Controller{b.renter.Address(), b.renter.Address()}] = d.terms.Gen + 1 })
				wantRefusal(t, call(b, b.host, id, d), p2p.Conflict, "was replaced by 6", "stop this one")
			})
		})
	}
}

func TestReserve(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(b *bench, id artel.Hash)
		make  func(b *bench, r *wire.SignedReserve)
		code  p2p.Code
		words string
		hint  string
		held  uint64 // the cap that is held afterwards
	}{
		{name: "higher", held: 70_000},
		{name: "lower", make: func(b *bench, r *wire.SignedReserve) { r.Reserve.Cap = artel.Units(50_000) }, held: 60_000},
		{name: "another lane", make: func(_ *bench, r *wire.SignedReserve) { r.Reserve.Lane++ }, code: p2p.Invalid, words: "another lane", held: 60_000},
		{name: "another epoch", make: func(_ *bench, r *wire.SignedReserve) { r.Reserve.Epoch++ }, code: p2p.Invalid, words: "a release or waiver came between", held: 60_000},
		{name: "ran out", make: func(_ *bench, r *wire.SignedReserve) { r.Reserve.ValidUntil = uint64(time.Now().Unix()) }, code: p2p.Invalid, words: "ran out", held: 60_000},
		{name: "on a waiving lane", setup: func(b *bench, id artel.Hash) {
			if err := b.close(b.host, id); err != nil {
				b.t.Fatal(err)
			}
			b.lane(1, func(r *LaneRow) { r.Waiving = true })
		}, code: p2p.Busy, words: "on its way back", hint: "try again", held: 60_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, benchPolicy, func(t *testing.T, b *bench) {
				id, d := b.opened()
				if c.setup != nil {
					c.setup(b, id)
				}
				r := wire.SignedReserve{Reserve: *d.reserve}
				r.Reserve.Cap = artel.Units(70_000)
				if c.make != nil {
					c.make(b, &r)
				}
				r.Signature = b.renter.Sign(r.Reserve.Digest(b.c.Params.Domain()))
				_, err := b.call(b.host, wire.MethodReserve, wire.ReserveRequest{Lease: id, Reserve: r}.Marshal())
				if c.code == "" && err != nil {
					t.Error(err)
				} else if c.code != "" {
					wantRefusal(t, err, c.code, c.words, c.hint)
				}
				b.lane(1, func(row *LaneRow) {
					if row.Reserve.Cap != artel.Units(c.held) {
						t.Errorf("a Reserve of %s is held, want %d", row.Reserve.Cap, c.held)
					}
				})
			})
		})
	}
	t.Run("signed by another", func(t *testing.T) {
		onBench(t, benchPolicy, func(t *testing.T, b *bench) {
			id, d := b.opened()
			d.reserve.Cap = artel.Units(70_000)
			r := wire.SignedReserve{Reserve: *d.reserve, Signature: b.other.Sign(d.reserve.Digest(b.c.Params.Domain()))}
			_, err := b.call(b.host, wire.MethodReserve, wire.ReserveRequest{Lease: id, Reserve: r}.Marshal())
			wantRefusal(t, err, p2p.Invalid, "another key, chain or contract", "")
		})
	})
}

func TestStart(t *testing.T) {
	for _, c := range []struct {
		name   string
		setup  func(b *bench, id artel.Hash)
		make   func(s *wire.Start)
		reason artel.Reason // "": it is taken
		words  string
	}{
		{name: "good"},
		{name: "closed", setup: func(b *bench, id artel.Hash) { _ = b.close(b.host, id) }, reason: artel.ReasonCancelled, words: "takes no new tasks"},
		{name: "paused", setup: func(b *bench, _ artel.Hash) { b.Pause(b.t.Context(), true) }, reason: artel.ReasonRefused, words: "paused"},
		{name: "longer than a unit", make: func(s *wire.Start) { s.Spec.Wall++ }, reason: artel.ReasonBadProgram, words: "60001"},
		{name: "more disk than leased", make: func(s *wire.Start) { s.Spec.Want.Disk = 2 << 20 }, reason: artel.ReasonBadProgram, words: "disk"},
		{name: "no program", make: func(s *wire.Start) { s.Spec.Program = artel.Ref{} }, reason: artel.ReasonBadProgram, words: "program"},
		{name: "a number used before", setup: func(b *bench, id artel.Hash) {
			b.do(b.t.Context(), func(*tx) { b.leases[id].Floor = 4 })
		}, reason: artel.ReasonRefused, words: "task number 4 was used before, the next is 5"},
		{name: "too much is not settled", setup: func(b *bench, id artel.Hash) {
			b.do(b.t.Context(), func(*tx) { b.leases[id].events = make([]EventRow, maxKept) })
		}, reason: artel.ReasonRefused, words: "wait to be settled"},
		{name: "too many wait", setup: func(b *bench, id artel.Hash) {
			for i := range uint64(1024) {
				if _, err := b.start(b.host, id, wire.Start{Task: 100 + i, Attempt: 1, Spec: taskSpec()}); err != nil {
					b.t.Fatal(err)
				}
			}
		}, reason: artel.ReasonRefused, words: "1024 tasks wait already"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, benchPolicy, func(t *testing.T, b *bench) {
				id, _ := b.opened()
				if c.setup != nil {
					c.setup(b, id)
				}
				s := wire.Start{Task: 4, Attempt: 1, Spec: taskSpec()}
				if c.make != nil {
					c.make(&s)
				}
				resp, err := b.start(b.host, id, s)
				switch {
				case err != nil:
					t.Fatal(err)
				case c.reason == "" && len(resp.Refused) > 0:
					t.Errorf("refused: %+v", resp.Refused)
				case c.reason != "" && (len(resp.Refused) != 1 || resp.Refused[0].Reason != c.reason || !strings.Contains(resp.Refused[0].Message, c.words)):
					t.Errorf("got %+v, want %s: %q", resp.Refused, c.reason, c.words)
				}
			})
		})
	}
}

func TestPay(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(b *bench, v *artel.Voucher) artel.Key
		code  p2p.Code
		words string
		held  uint64
	}{
		{name: "higher", held: 200},
		{name: "the same", make: func(b *bench, v *artel.Voucher) artel.Key { v.Cumulative = artel.Units(100); return b.renter }, held: 100},
		{name: "lower", make: func(b *bench, v *artel.Voucher) artel.Key { v.Cumulative = artel.Units(99); return b.renter }, code: p2p.Invalid, words: "goes backwards", held: 100},
		{name: "another lane", make: func(b *bench, v *artel.Voucher) artel.Key { v.Lane++; return b.renter }, code: p2p.Invalid, words: "another lane", held: 100},
		{name: "another provider", make: func(b *bench, v *artel.Voucher) artel.Key { v.Provider = b.other.Address(); return b.renter }, code: p2p.Invalid, words: "another lane", held: 100},
		{name: "signed by another", make: func(b *bench, _ *artel.Voucher) artel.Key { return b.other }, code: p2p.Invalid, words: "another key", held: 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, benchPolicy, func(t *testing.T, b *bench) {
				id, d := b.opened()
				if _, err := b.voucher(b.host, id, b.signed(b.renter, b.pay(d, 100))); err != nil {
					t.Fatal(err)
				}
				v, by := b.pay(d, 200), b.renter
				if c.make != nil {
					by = c.make(b, &v)
				}
				resp, err := b.voucher(b.host, id, b.signed(by, v))
				if c.code != "" {
					wantRefusal(t, err, c.code, c.words, "")
				} else if err != nil || resp.Cumulative != artel.Units(c.held) {
					t.Errorf("answer %+v, %v", resp, err)
				}
				b.lane(1, func(row *LaneRow) {
					if row.Voucher != artel.Units(c.held) {
						t.Errorf("a voucher of %s is held, want %d", row.Voucher, c.held)
					}
				})
			})
		})
	}
}

func TestRecover(t *testing.T) {
	for _, c := range []struct {
		name  string
		make  func(b *bench, r *wire.RecoverRequest) (artel.Key, *mem.Host)
		code  p2p.Code
		words string
		hint  string
		lanes int
	}{
		{name: "the renter", lanes: 1},
		{name: "a stranger for himself", make: func(b *bench, r *wire.RecoverRequest) (artel.Key, *mem.Host) {
			r.Renter, r.Node = b.other.Address(), b.other.NodeID()
			return b.other, b.theirs
		}},
		{name: "a stranger for the renter", make: func(b *bench, r *wire.RecoverRequest) (artel.Key, *mem.Host) {
			r.Node = b.other.NodeID()
			return b.other, b.theirs
		}, code: p2p.Unauthorized, words: "may not speak for"},
		{name: "heard by a stranger and sent again", make: func(b *bench, r *wire.RecoverRequest) (artel.Key, *mem.Host) { return b.renter, b.theirs }, code: p2p.Unauthorized, words: "another node"},
		{name: "an old generation", make: func(b *bench, r *wire.RecoverRequest) (artel.Key, *mem.Host) {
			r.Generation = 6
			return b.renter, b.host
		}, code: p2p.Conflict, words: "generation 6 was replaced by 7", hint: "a higher generation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			onBench(t, benchPolicy, func(t *testing.T, b *bench) {
				id, d := b.opened()
				if _, err := b.voucher(b.host, id, b.signed(b.renter, b.pay(d, 100))); err != nil {
					t.Fatal(err)
				}
				b.do(t.Context(), func(*tx) { b.gens[Controller{b.renter.Address(), b.renter.Address()}] = 7 })
				req := wire.RecoverRequest{Renter: b.renter.Address(), Node: b.renter.NodeID(), Generation: 8}
				by, h := b.renter, b.host
				if c.make != nil {
					by, h = c.make(b, &req)
				}
				req.Signature = by.Sign(wire.RecoverDigest(testNetwork, req))
				raw, err := b.call(h, wire.MethodRecover, req.Marshal())
				if c.code != "" {
					wantRefusal(t, err, c.code, c.words, c.hint)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				resp, err := wire.UnmarshalRecoverResponse(raw)
				if err != nil || len(resp.Lanes) != c.lanes {
					t.Fatalf("%d lanes, want %d (%v)", len(resp.Lanes), c.lanes, err)
				}
				if c.lanes == 0 {
					return
				}
				if v := resp.Lanes[0].Voucher; v == nil || v.Voucher.Cumulative != artel.Units(100) {
					t.Errorf("voucher %+v, want 100 units", v)
				}
				// From now on the older controller is refused.
				_, err = b.start(b.host, id)
				wantRefusal(t, err, p2p.Conflict, "generation 5 was replaced by 8", "stop this one")
			})
		})
	}
}

// From the proposal to the epoch after: the voucher is redeemed, the rest goes
// back, and the renter comes again in the new epoch.
func TestLaneComesBack(t *testing.T) {
	onBench(t, benchPolicy, func(t *testing.T, b *bench) {
		reader := b.chain.Client()
		for round := range uint32(3) {
			d := b.good(1)
			k := chain.LaneKey{Renter: d.lease.Renter, Provider: d.lease.Provider, Number: d.lease.Lane}
			l, err := reader.Lane(t.Context(), k)
			if err != nil || l.Epoch != round || l.Booked() != (artel.Amount{}) {
				t.Fatalf("round %d: the lane is %+v (%v)", round, l, err)
			}
			d.reserve.Epoch, d.reserve.Cap = l.Epoch, l.Paid.Add(artel.Units(60_000))
			d.terms.Base = artel.AccrualOf(l.Paid)
			id, err := b.propose(d)
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if _, err := b.start(b.host, id, wire.Start{Task: 1, Attempt: 1, Spec: taskSpec()}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			if err := b.close(b.host, id); err != nil {
				t.Fatal(err)
			}
			raw, err := b.call(b.host, wire.MethodWatch, wire.WatchRequest{Lease: id}.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			w, err := wire.UnmarshalWatchResponse(raw)
			if err != nil || len(w.Events) != 1 || w.Events[0].Receipt == nil {
				t.Fatalf("round %d: %+v, %v", round, w, err)
			}
			if _, err := b.voucher(b.host, id, b.signed(b.renter, b.pay(d, mustUint(t, w.Due)))); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * time.Minute)
			if l, err = reader.Lane(t.Context(), k); err != nil || l.Paid != w.Due || l.Epoch != round+1 {
				t.Errorf("round %d: %s were due, the lane is %+v (%v)", round, w.Due, l, err)
			}
		}
	})
}

func mustUint(t *testing.T, a artel.Amount) (n uint64) {
	t.Helper()
	if _, err := fmt.Sscan(a.String(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What the wire allows in one message, the transport carries.
func TestMessagesFitTheTransport(t *testing.T) {
	for _, m := range []string{
		wire.MethodPropose, wire.MethodReserve, wire.MethodStart, wire.MethodCancel, wire.MethodWatch, wire.MethodPay,
		wire.MethodLogs, wire.MethodClose, wire.MethodRecover, wire.MethodOffer, wire.MethodOffers, wire.MethodFind, wire.MethodChallenge, wire.MethodProof,
	} {
		if req, answer, ok := wire.Limits(m); !ok || req > p2p.MaxMessage || answer > p2p.MaxMessage {
			t.Errorf("%s: requests of %d bytes and answers of %d, the transport carries %d", m, req, answer, p2p.MaxMessage)
		}
	}
}

// talks is a Runner whose tasks print without end.
type talks struct{ works }

func (talks) Log(_ artel.Hash, _ lease.TaskKey, _ uint64, most int) ([]byte, error) {
	return make([]byte, most), nil
}

func TestLogs(t *testing.T) {
	onBenchWith(t, benchPolicy, talks{}, func(t *testing.T, b *bench) {
		id, _ := b.opened()
		for _, c := range []struct {
			most uint32
			want int
		}{{0, wire.MaxLogData}, {1, 1}, {100_000, 100_000}, {wire.MaxLogData + 1, wire.MaxLogData}, {1<<32 - 1, wire.MaxLogData}} {
			raw, err := b.call(b.host, wire.MethodLogs, wire.LogsRequest{Lease: id, TaskKey: wire.TaskKey{Task: 1, Attempt: 1}, Max: c.most}.Marshal())
			if err != nil {
				t.Fatal(err)
			}
			if r, err := wire.UnmarshalLogsResponse(raw); err != nil || len(r.Data) != c.want || r.EOF {
				t.Errorf("at most %d: %d bytes, end %t, error %v; want %d", c.most, len(r.Data), r.EOF, err, c.want)
			}
		}
	})
}

// A lease of tasks that take two slots each makes two slots busy.
func TestStatusCountsTheMachinesSlots(t *testing.T) {
	onBench(t, benchPolicy, func(t *testing.T, b *bench) {
		d := b.good(1)
		d.terms.Resources.Slots, d.terms.Price = 2, benchPolicy.Price.Times(2)
		if _, err := b.propose(d); err != nil {
			t.Fatal(err)
		}
		st, ok := b.Status(t.Context())
		if !ok || st.Busy != 2 || st.Slots != 2 || st.Leases[0].Slots != 1 {
			t.Errorf("%d of %d slots are busy, leases %+v", st.Busy, st.Slots, st.Leases)
		}
	})
}

// A renter with more lanes than an answer lists hears of those in use first.
func TestRecoverTellsOfOpenLeasesFirst(t *testing.T) {
	onBench(t, benchPolicy, func(t *testing.T, b *bench) {
		id, d := b.opened()
		b.do(t.Context(), func(*tx) {
			for n := range uint32(2 * wire.MaxLanes) {
				k := lease.KeyOf(d.lease)
				k.Number = artel.LaneNumber(b.renter.Address(), n+2)
				if n < wire.MaxLanes {
					k.Number = uint64(n) // and before it by number
				}
				b.lanes[k] = &LaneRow{Book: lease.Book{Key: k}, Rested: 1}
			}
			for n := range maxRenterLeases - 1 {
				s := *b.leases[id]
				s.ID[0], s.ID[1], s.Phase = s.ID[0]^byte(n), s.ID[1]^byte(1+n>>8), lease.Closed
				s.Lease.Start += uint64(n)
				b.leases[s.ID] = &s
			}
		})
		var got wire.RecoverResponse
		b.do(t.Context(), func(*tx) { got = b.held(b.renter.Address(), b.renter.Address()) })
		if len(got.Lanes) != wire.MaxLanes || got.Lanes[0].Lane != d.lease.Lane {
			t.Fatalf("%d lanes, the first is %x", len(got.Lanes), got.Lanes[0].Lane)
		}
		if ls := got.Lanes[0].Leases; len(ls) != maxRenterLeases || !ls[0].Open || ls[1].Open || ls[1].Lease.Start < ls[2].Lease.Start {
			t.Errorf("%d leases of the lane, the first is open: %t", len(ls), ls[0].Open)
		}
		if _, err := wire.UnmarshalRecoverResponse(got.Marshal()); err != nil {
			t.Errorf("the answer cannot be read: %v", err)
		}
	})
}

// The account and a session signer of it have lanes of their own: one that is
// recovered ends its earlier self, and not the other.
func TestControllersApart(t *testing.T) {
	pol := benchPolicy
	pol.Resources.Slots = 3
	onBench(t, pol, func(t *testing.T, b *bench) {
		b.submit(b.renter, chain.SetSigner{Key: b.other.Address(), Allowance: artel.Units(1_000_000), Until: uint64(time.Now().Add(1000 * time.Hour).Unix())})
		own, _ := b.opened()
		d := b.good(1)
		d.signer, d.host = b.other, b.theirs
		d.terms.Renter, d.lease.Lane = b.other.NodeID(), artel.LaneNumber(b.other.Address(), 1)
		d.reserve.Lane = d.lease.Lane
		steward, err := b.propose(d)
		if err != nil {
			t.Fatal(err)
		}
		recovered := func(k artel.Key, h *mem.Host, generation uint64) {
			t.Helper()
			req := wire.RecoverRequest{Renter: b.renter.Address(), Node: k.NodeID(), Generation: generation}
			req.Signature = k.Sign(wire.RecoverDigest(testNetwork, req))
			time.Sleep(2 * time.Second) // strangers' questions are rationed
			if _, err := b.call(h, wire.MethodRecover, req.Marshal()); err != nil {
				t.Fatal(err)
			}
		}
		served := func(h *mem.Host, id artel.Hash) {
			t.Helper()
			if _, err := b.start(h, id); err != nil {
				t.Error(err)
			}
		}
		recovered(b.other, b.theirs, 1<<62)
		served(b.host, own)
		_, err = b.start(b.theirs, steward)
		wantRefusal(t, err, p2p.Conflict, "generation 5 was replaced by", "stop this one")

		d.terms.Gen, d.terms.Nonce = 1<<62, [16]byte{1}
		d.lease.Lane = artel.LaneNumber(b.other.Address(), 2)
		d.reserve.Lane = d.lease.Lane
		if steward, err = b.propose(d); err != nil {
			t.Fatal(err)
		}
		recovered(b.renter, b.host, 8)
		served(b.theirs, steward)
		_, err = b.start(b.host, own)
		wantRefusal(t, err, p2p.Conflict, "generation 5 was replaced by 8", "stop this one")
	})
}
