package evm

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel/chain"
)

// refusal turns an execution error of an RPC into the port's refusal; nil for
// any other error. now is the chain time at which it was executed.
func (l *Ledger) refusal(err error, now uint64) *chain.Refusal {
	var data rpc.DataError
	if errors.As(err, &data) {
		if s, ok := data.ErrorData().(string); ok {
			if raw, e := hexutil.Decode(s); e == nil && len(raw) >= 4 {
				return l.refusalOf(raw, now)
			}
		}
	}
	if err == nil {
		return nil
	}
	var coded rpc.Error
	if errors.As(err, &coded) {
		msg := strings.ToLower(coded.Error())
		switch {
		case strings.Contains(msg, "gas required exceeds"), strings.Contains(msg, "exceeds block gas limit"):
			return chain.Refuse(chain.ErrTooBig, "%s", coded.Error())
		case coded.ErrorCode() == 3, strings.Contains(msg, "execution reverted"), strings.Contains(msg, "revert"):
			return chain.Refuse(chain.ErrRefused, "%s", coded.Error())
		}
	}
	return nil
}

// refusalOf decodes what a contract reverted with.
func (l *Ledger) refusalOf(raw []byte, now uint64) *chain.Refusal {
	if reason, err := abi.UnpackRevert(raw); err == nil {
		return chain.Refuse(chain.ErrRefused, "%s", reason)
	}
	for _, a := range []*abi.ABI{new(l.abi.ledger.GetABI()), new(l.abi.stake.GetABI()), new(l.abi.credit.GetABI())} {
		e, err := a.ErrorByID([4]byte(raw[:4]))
		if err != nil {
			continue
		}
		values, err := e.Inputs.Unpack(raw[4:])
		if err != nil {
			return chain.Refuse(chain.ErrRefused, "%s, malformed", e.Name)
		}
		return &chain.Refusal{Code: code(e, values, now), Detail: detail(e, values)}
	}
	return chain.Refuse(chain.ErrRefused, "unknown error %x", raw[:4])
}

func code(e *abi.Error, values []any, now uint64) chain.Code {
	arg := func(name string) uint64 {
		for i, in := range e.Inputs {
			if in.Name == name && i < len(values) {
				if v, ok := values[i].(*big.Int); ok && v.IsUint64() {
					return v.Uint64()
				}
			}
		}
		return 0
	}
	switch e.Name {
	case "InsufficientDeposit":
		return chain.ErrDeposit
	case "InsufficientEarned":
		return chain.ErrEarned
	case "ReserveExpired":
		return chain.ErrExpired
	case "WrongEpoch":
		return chain.ErrEpoch
	case "LaneWornOut":
		return chain.ErrWornOut
	case "SignerNotValid":
		if arg("until") == 0 {
			return chain.ErrSignature // not a signer that ran out: never one
		}
		return chain.ErrSigner
	case "SignerNotOnLane":
		return chain.ErrLaneTag
	case "AllowanceExceeded":
		return chain.ErrAllowance
	case "NotReleasable", "NotExitable", "NotUnstakable":
		switch from := arg("from"); {
		case from == 0:
			return chain.ErrNotStarted
		case now < from:
			return chain.ErrEarly
		}
		return chain.ErrWindow
	case "NothingToClaim":
		if now < arg("claimableAt") {
			return chain.ErrEarly
		}
		return chain.ErrNotStarted
	case "InsufficientStake", "NothingToSlash":
		return chain.ErrStake
	case "WrongLease", "DifferentAttempts", "SameResult", "NoPenalty", "LeaseOutOfRange", "LeaseTooOld":
		return chain.ErrNoFault
	case "AlreadyProven":
		return chain.ErrClaimed
	case "NotSignedBy", "ECDSAInvalidSignature", "ECDSAInvalidSignatureS", "ECDSAInvalidSignatureLength":
		return chain.ErrSignature
	case "ERC20InsufficientBalance":
		return chain.ErrTokens
	case "FeeOnTransfer", "SafeERC20FailedOperation", "ERC20InsufficientAllowance":
		return chain.ErrToken
	case "ZeroAddress":
		return chain.ErrBadCall
	}
	return chain.ErrRefused
}

// detail lists a contract error's figures for people.
func detail(e *abi.Error, values []any) string {
	var b strings.Builder
	b.WriteString(e.Name)
	for i, in := range e.Inputs {
		if i < len(values) {
			fmt.Fprintf(&b, " %s=%v", in.Name, values[i])
		}
	}
	return b.String()
}
