package evm

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm/bindings"
)

// encode returns the contract and the data of a call, the approval of tokens
// aside.
func (l *Ledger) encode(c chain.Call) (to artel.Address, data []byte, err error) {
	led, st := l.abi.ledger, l.abi.stake
	switch c := c.(type) {
	case chain.Deposit:
		return l.net.Ledger, led.PackDeposit(common.Address(c.To), bigOf(c.Amount)), nil
	case chain.ReserveLanes:
		list := make([]bindings.ILedgerRes, len(c.Lanes))
		for i, x := range c.Lanes {
			list[i] = bindings.ILedgerRes{Provider: common.Address(x.Provider), Lane: x.Lane, Cap: bigOf(x.Cap)}
		}
		return l.net.Ledger, led.PackReserve(list), nil
	case chain.ReserveFor:
		list := make([]bindings.ILedgerSignedRes, len(c.Reserves))
		for i, x := range c.Reserves {
			list[i] = bindings.ILedgerSignedRes{Renter: common.Address(x.Renter), Provider: common.Address(x.Provider), Lane: x.Lane,
				Epoch: bigUint(uint64(x.Epoch)), Cap: bigOf(x.Cap), ValidUntil: bigUint(x.ValidUntil), R: x.Sig.R(), Vs: x.Sig.VS()}
		}
		return l.net.Ledger, led.PackReserveFor(list), nil
	case chain.Redeem:
		list := make([]bindings.ILedgerV, len(c.Vouchers))
		for i, x := range c.Vouchers {
			list[i] = bindings.ILedgerV{Renter: common.Address(x.Renter), Lane: x.Lane, Cumulative: bigOf(x.Cumulative),
				Memo: x.Memo, R: x.Sig.R(), Vs: x.Sig.VS()}
		}
		return l.net.Ledger, led.PackRedeem(common.Address(c.Provider), list), nil
	case chain.WithdrawEarned:
		return l.net.Ledger, led.PackWithdrawEarned(bigOf(c.Amount)), nil
	case chain.WithdrawFor:
		return l.net.Ledger, led.PackWithdrawEarnedFor(common.Address(c.Account)), nil
	case chain.StartRelease:
		return l.net.Ledger, led.PackStartRelease(laneRefs(c.Lanes)), nil
	case chain.Release:
		return l.net.Ledger, led.PackRelease(common.Address(c.Renter), laneRefs(c.Lanes)), nil
	case chain.Waive:
		list := make([]bindings.ILedgerLaneRef, len(c.Lanes))
		for i, x := range c.Lanes {
			list[i] = bindings.ILedgerLaneRef{Party: common.Address(x.Renter), Lane: x.Lane}
		}
		return l.net.Ledger, led.PackWaive(list), nil
	case chain.RequestExit:
		return l.net.Ledger, led.PackRequestExit(bigOf(c.Amount)), nil
	case chain.Exit:
		return l.net.Ledger, led.PackExit(common.Address(c.To)), nil
	case chain.SetSigner:
		return l.net.Ledger, led.PackSetSigner(common.Address(c.Key), bigOf(c.Allowance), bigUint(c.Until)), nil
	case chain.SetPayout:
		return l.net.Ledger, led.PackSetPayout(common.Address(c.To)), nil
	case chain.StakeUp:
		return l.net.Stake, st.PackStake(common.Address(c.To), bigOf(c.Amount)), nil
	case chain.Leave:
		return l.net.Stake, st.PackLeave(bigOf(c.Amount)), nil
	case chain.Unstake:
		return l.net.Stake, st.PackUnstake(), nil
	case chain.ProveEquivocation:
		return l.net.Stake, st.PackProveEquivocation(equivocation(c), common.Address(c.Reporter)), nil
	case chain.Claim:
		at := make([]*big.Int, len(c.At))
		for i, t := range c.At {
			at[i] = bigUint(t)
		}
		return l.net.Stake, st.PackClaim(at), nil
	case chain.TransferToken:
		return l.net.Token, l.abi.credit.PackTransfer(common.Address(c.To), bigOf(c.Amount)), nil
	}
	return to, nil, chain.Refuse(chain.ErrBadCall, "kind %s cannot be sent", c.Kind())
}

func bigUint(v uint64) *big.Int { return new(big.Int).SetUint64(v) }

func laneRefs(refs []chain.LaneRef) []bindings.ILedgerLaneRef {
	list := make([]bindings.ILedgerLaneRef, len(refs))
	for i, x := range refs {
		list[i] = bindings.ILedgerLaneRef{Party: common.Address(x.Provider), Lane: x.Lane}
	}
	return list
}

func equivocation(c chain.ProveEquivocation) bindings.IStakeEquivocation {
	sig := func(s artel.Signature) bindings.IStakeSig { return bindings.IStakeSig{R: s.R(), Vs: s.VS()} }
	result := func(r artel.Result) bindings.IStakeResult {
		return bindings.IStakeResult{Lease: r.Lease, Task: r.Task, Attempt: r.Attempt, OutputRoot: r.OutputRoot, ExitCode: r.ExitCode}
	}
	l := c.Lease
	return bindings.IStakeEquivocation{
		Lease: bindings.IStakeLease{Renter: common.Address(l.Renter), Provider: common.Address(l.Provider), Lane: l.Lane,
			Start: bigUint(l.Start), End: bigUint(l.End), Penalty: bigOf(l.Penalty), Rule: uint8(l.Rule), Terms: l.Terms},
		ByRenter: sig(c.RenterSig), ByProvider: sig(c.LeaseSig),
		A: result(c.A), SigA: sig(c.ASig), B: result(c.B), SigB: sig(c.BSig),
	}
}
