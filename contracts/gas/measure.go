package main

import (
	"fmt"
	"math/big"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain/evm/bindings"
	"github.com/ethereum/go-ethereum/common"
)

// figure is one measured operation. Measure returns the gas of one run; a batch
// returns what each member costs, the transaction's own cost included.
type figure struct {
	Name    string
	Target  uint64 // under Osaka, lowest run; 0: none
	Measure func(w *world) uint64
}

const (
	manyLanes    = 200
	manyVouchers = 100
	manyTasks    = 1_000_000
)

// figures are measured each in a world of its own.
func figures() []figure {
	return []figure{
		{"deploy Credit", 0, func(w *world) uint64 { return w.deployed["Credit"] }},
		{"deploy Ledger", 0, func(w *world) uint64 { return w.deployed["Ledger"] }},
		{"deploy Stake", 0, func(w *world) uint64 { return w.deployed["Stake"] }},
		{"for comparison: ERC-20 transfer to a new holder", 0, func(w *world) uint64 { return transfer(w, w.key(), w.holder(1)) }},
		{"for comparison: ERC-20 transfer to a holder", 0, func(w *world) uint64 { return transfer(w, w.holder(1), w.holder(1)) }},

		{"deposit, first", 0, func(w *world) uint64 { w.renter(1); return deposit(w, w.holder(2)) }},
		{"deposit, later", 0, func(w *world) uint64 { k := w.holder(2); deposit(w, k); return deposit(w, k) }},
		{"reserve, one new lane", 0, func(w *world) uint64 { return reserve(w, 1, false) }},
		{"reserve, raise one lane", 0, func(w *world) uint64 { return reserve(w, 1, true) }},
		{"reserve, new lane in a batch of 200, each", 26_000, func(w *world) uint64 { return reserve(w, manyLanes, false) }},
		{"reserve, raised lane in a batch of 200, each", 0, func(w *world) uint64 { return reserve(w, manyLanes, true) }},
		{"reserveFor, one new lane, signed by the account", 0, func(w *world) uint64 { return reserveFor(w, 1, false) }},
		{"reserveFor, one new lane, signed by a session key", 0, func(w *world) uint64 { return reserveFor(w, 1, true) }},
		{"reserveFor, new lane in a batch of 100 renters, each", 0, func(w *world) uint64 { return reserveFor(w, manyVouchers, false) }},

		{"redeem, one voucher, the provider's first ever", 0, func(w *world) uint64 { return redeem(w, w.key(), 1, false) }},
		{"redeem, one voucher", 0, func(w *world) uint64 { return redeem(w, w.earning(), 1, false) }},
		{"redeem, batch of 10 renters, signed by accounts, each", 0, func(w *world) uint64 { return redeem(w, w.earning(), 10, false) }},
		{"redeem, batch of 100 renters, signed by accounts, each", 18_000, func(w *world) uint64 { return redeem(w, w.earning(), manyVouchers, false) }},
		{"redeem, batch of 100 renters, signed by session keys, each", 20_500, func(w *world) uint64 { return redeem(w, w.earning(), manyVouchers, true) }},
		{"withdrawEarned to a holder", 0, withdrawEarned},
		{"setPayout, first", 0, func(w *world) uint64 { return w.onLedger(w.key(), w.ledger.PackSetPayout(addr(w.key()))) }},

		{"startRelease, one lane", 0, func(w *world) uint64 { g, _ := release(w); return g }},
		{"release, one lane", 0, func(w *world) uint64 { _, g := release(w); return g }},
		{"waive, one lane", 0, waive},
		{"requestExit, first", 0, func(w *world) uint64 { g, _ := exit(w); return g }},
		{"exit", 0, func(w *world) uint64 { _, g := exit(w); return g }},
		{"setSigner, first", 0, func(w *world) uint64 { return setSigner(w, false) }},
		{"setSigner, revoke", 0, func(w *world) uint64 { return setSigner(w, true) }},

		{"stake, first", 0, func(w *world) uint64 { w.staker(1); return stake(w, w.holder(1)) }},
		{"leave", 0, func(w *world) uint64 { g, _ := leave(w); return g }},
		{"unstake", 0, func(w *world) uint64 { _, g := leave(w); return g }},
		{"admit a judge", 0, func(w *world) uint64 { return w.onStake(w.staker(1), w.stake.PackAdmit(addr(w.key()), tokens(1))) }},
		{"slash by a judge", 0, slash},
		{"proveEquivocation", 0, proveEquivocation},

		{"day of 1 renter, 200 providers, 1,000,000 tasks: first day, per task", 20, func(w *world) uint64 { return day(w, false) }},
		{"the same renter and providers: any later day, per task", 20, func(w *world) uint64 { return day(w, true) }},
	}
}

func addr(k artel.Key) common.Address { return common.Address(k.Address()) }

func amount(n *big.Int) artel.Amount {
	a, err := artel.ParseAmount(n.String())
	must(err)
	return a
}

func transfer(w *world, to, from artel.Key) uint64 {
	return w.onCredit(from, w.credit.PackTransfer(addr(to), new(big.Int).Rsh(w.around(tokens(1)), 2)))
}

func deposit(w *world, from artel.Key) uint64 {
	return w.onLedger(from, w.ledger.PackDeposit(addr(from), new(big.Int).Rsh(w.around(tokens(1)), 1)))
}

func reserve(w *world, n int, raise bool) uint64 {
	renter := w.renter(int64(4*n) + 4)
	var list []bindings.ILedgerRes
	for range n {
		list = append(list, res(w.key(), w.number(renter), w.around(tokens(1))))
	}
	gas := w.onLedger(renter, w.ledger.PackReserve(list))
	if raise {
		for i := range list {
			list[i].Cap = w.around(tokens(3))
		}
		gas = w.onLedger(renter, w.ledger.PackReserve(list))
	}
	return gas / uint64(n)
}

func reserveFor(w *world, n int, bySession bool) uint64 {
	provider := w.key()
	var list []bindings.ILedgerSignedRes
	for range n {
		renter := w.renter(3)
		signer := renter
		if bySession {
			signer = w.sessionKey(renter)
		}
		list = append(list, w.signedRes(signer, renter, provider, w.number(signer), w.around(tokens(1))))
	}
	return w.onLedger(provider, w.ledger.PackReserveFor(list)) / uint64(n)
}

func redeem(w *world, provider artel.Key, n int, bySession bool) uint64 {
	var list []bindings.ILedgerV
	for range n {
		renter := w.renter(4)
		signer := renter
		if bySession {
			signer = w.sessionKey(renter)
		}
		lane := w.number(signer)
		w.book(renter, provider, lane, w.around(tokens(3)))
		list = append(list, w.voucher(signer, renter, provider, lane, w.around(tokens(1))))
	}
	return w.onLedger(provider, w.ledger.PackRedeem(addr(provider), list)) / uint64(n)
}

func withdrawEarned(w *world) uint64 {
	p := w.earning()
	w.onCredit(w.faucet, w.credit.PackTransfer(addr(p), tokens(1)))
	return w.onLedger(p, w.ledger.PackWithdrawEarned(new(big.Int).Rsh(w.around(tokens(1)), 2)))
}

// booked returns a renter and a provider with one lane between them.
func booked(w *world) (renter, provider artel.Key, lane uint64) {
	renter, provider = w.renter(4), w.earning()
	lane = w.number(renter)
	w.book(renter, provider, lane, w.around(tokens(1)))
	return renter, provider, lane
}

func release(w *world) (start, execute uint64) {
	renter, provider, lane := booked(w)
	list := []bindings.ILedgerLaneRef{{Party: addr(provider), Lane: lane}}
	start = w.onLedger(renter, w.ledger.PackStartRelease(list))
	w.chain.pass(delay)
	return start, w.onLedger(renter, w.ledger.PackRelease(addr(renter), list))
}

func waive(w *world) uint64 {
	renter, provider, lane := booked(w)
	return w.onLedger(provider, w.ledger.PackWaive([]bindings.ILedgerLaneRef{{Party: addr(renter), Lane: lane}}))
}

func exit(w *world) (request, execute uint64) {
	renter := w.renter(4)
	request = w.onLedger(renter, w.ledger.PackRequestExit(w.around(tokens(1))))
	w.chain.pass(delay)
	return request, w.onLedger(renter, w.ledger.PackExit(addr(renter)))
}

func setSigner(w *world, revoke bool) uint64 {
	account, key := w.key(), w.key()
	until := new(big.Int).SetUint64(w.chain.block.Time + 30*delay)
	gas := w.onLedger(account, w.ledger.PackSetSigner(addr(key), w.around(tokens(1)), until))
	if revoke {
		gas = w.onLedger(account, w.ledger.PackSetSigner(addr(key), new(big.Int), new(big.Int)))
	}
	return gas
}

func stake(w *world, from artel.Key) uint64 {
	return w.onStake(from, w.stake.PackStake(addr(from), new(big.Int).Rsh(w.around(tokens(1)), 1)))
}

// staker returns a new account with n coins at stake.
func (w *world) staker(n int64) artel.Key {
	k := w.holder(n + 1)
	w.onStake(k, w.stake.PackStake(addr(k), tokens(n)))
	return k
}

func leave(w *world) (announce, execute uint64) {
	k := w.staker(4)
	announce = w.onStake(k, w.stake.PackLeave(w.around(tokens(1))))
	w.chain.pass(leaveDelay)
	return announce, w.onStake(k, w.stake.PackUnstake())
}

func slash(w *world) uint64 {
	k, judge := w.staker(4), w.key()
	w.onStake(k, w.stake.PackAdmit(addr(judge), tokens(4)))
	return w.onStake(judge, w.stake.PackSlash(addr(k), w.around(tokens(1)), addr(judge), w.draw()))
}

func proveEquivocation(w *world) uint64 {
	renter, provider := w.key(), w.staker(4)
	now := w.chain.block.Time
	lease := artel.Lease{
		Renter: renter.Address(), Provider: provider.Address(), Lane: w.number(renter), Start: now, End: now + 3600,
		Penalty: amount(w.around(tokens(1))), Rule: artel.RuleResult, Terms: w.draw(),
	}
	id := lease.ID(w.domain)
	a := artel.Result{Lease: id, Task: 7, Attempt: 1, OutputRoot: w.draw()}
	b := a
	b.OutputRoot = w.draw()
	sig := func(k artel.Key, digest artel.Hash) bindings.IStakeSig {
		s := k.Sign(digest)
		return bindings.IStakeSig{R: s.R(), Vs: s.VS()}
	}
	onChain := func(r artel.Result) bindings.IStakeResult {
		return bindings.IStakeResult{
			Lease: r.Lease, Task: r.Task, Attempt: r.Attempt, OutputRoot: r.OutputRoot, ExitCode: r.ExitCode,
		}
	}
	penalty, _ := new(big.Int).SetString(lease.Penalty.String(), 10)
	return w.onStake(renter, w.stake.PackProveEquivocation(bindings.IStakeEquivocation{
		Lease: bindings.IStakeLease{
			Renter: addr(renter), Provider: addr(provider), Lane: lease.Lane,
			Start: new(big.Int).SetUint64(lease.Start), End: new(big.Int).SetUint64(lease.End),
			Penalty: penalty, Rule: uint8(lease.Rule), Terms: lease.Terms,
		},
		ByRenter: sig(renter, id), ByProvider: sig(provider, id),
		A: onChain(a), SigA: sig(provider, a.Digest(w.domain)),
		B: onChain(b), SigB: sig(provider, b.Digest(w.domain)),
	}, addr(renter)))
}

// day replays what one renter and 200 providers put on chain for a million
// tasks: a deposit, one batch of reservations, and one redemption by each
// provider alone. A million vouchers were signed and exchanged off chain; the
// last one of each lane is redeemed, so 200 reach the chain.
func day(w *world, later bool) uint64 {
	renter := w.holder(10_000)
	providers := make([]artel.Key, manyLanes)
	lanes := make([]uint64, manyLanes)
	for i := range providers {
		providers[i], lanes[i] = w.key(), w.number(renter)
	}
	var gas uint64
	days := 1
	if later {
		days = 2
	}
	for d := 1; d <= days; d++ {
		gas = w.onLedger(renter, w.ledger.PackDeposit(addr(renter), tokens(1000)))
		var list []bindings.ILedgerRes
		for i, p := range providers {
			list = append(list, res(p, lanes[i], w.around(tokens(int64(3*d)))))
		}
		gas += w.onLedger(renter, w.ledger.PackReserve(list))
		for i, p := range providers {
			v := w.voucher(renter, renter, p, lanes[i], w.around(tokens(int64(3*d-1))))
			gas += w.onLedger(p, w.ledger.PackRedeem(addr(p), []bindings.ILedgerV{v}))
		}
		w.chain.pass(delay)
	}
	return (gas + manyTasks - 1) / manyTasks
}

// spread is the lowest and the highest of all runs.
type spread struct {
	Low  uint64 `json:"low"`
	High uint64 `json:"high"`
}

const runs = 5

// measure runs one figure under one rule set, each time with other keys.
func measure(r rules, f figure) (s spread, err error) {
	defer func() {
		if x := recover(); x != nil {
			fail, ours := x.(failure)
			if !ours {
				panic(x)
			}
			err = fmt.Errorf("%s under %s: %w", f.Name, r.Name, fail.err)
		}
	}()
	for seed := uint64(1); seed <= runs; seed++ {
		gas := f.Measure(newWorld(r, seed))
		if seed == 1 {
			s = spread{gas, gas}
		}
		s.Low, s.High = min(s.Low, gas), max(s.High, gas)
	}
	return s, nil
}
