package evm

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// maxGas is the most gas one transaction may use. Source: EIP-7825.
const maxGas = 1 << 24

// maxAhead is how many transactions of an account may wait for a block or for
// finality.
const maxAhead = 256

// maxFeeGwei bounds the price of gas: an RPC that lies about it must not empty
// an account.
const maxFeeGwei = 1000

// begin signs and sends a call for the first time, or for the first time since
// its nonce was lost. refused: the ledger would say no, so it was not sent.
func (l *Ledger) begin(ctx context.Context, r TxRecord) (refused bool, err error) {
	by := l.send.signer(r.Tx.From)
	if by == nil {
		return false, chain.Refuse(chain.ErrNoKey, "account %s", r.Tx.From)
	}
	to, data, err := l.encode(r.Tx.Call)
	if err == nil {
		to, data, r.Approval, err = l.pay(ctx, r, by, to, data)
	}
	if why := refusalIn(err); why != nil {
		return true, l.refuse(ctx, r, artel.Hash{}, why)
	}
	if err != nil {
		return false, err
	}
	latest, err := anyOf(ctx, l, "latest block", func(ctx context.Context, e *endpoint) (header, error) { return e.block(ctx, "latest") })
	if err != nil {
		return false, err
	}
	gas, err := l.estimate(ctx, r.Tx.From, to, data)
	if err != nil {
		now, none := anyOf(ctx, l, "pending block", func(ctx context.Context, e *endpoint) (uint64, error) { return e.pending(ctx) })
		if none != nil {
			now = uint64(latest.Time) // it was estimated on that one, then
		}
		why := l.refusal(err, now)
		switch {
		case why == nil:
			return false, err
		case why.Code == chain.ErrEarly && l.ripeSoon(ctx, r.Tx):
			// The clock says it is time and the chain's last block is older than
			// that: with the next block it will be.
			l.send.note(r.Tx.ID, "waits for the chain's time: %s", why.Detail)
			return false, nil
		}
		return true, l.refuse(ctx, r, artel.Hash{}, why)
	}
	if gas > maxGas {
		return true, l.refuse(ctx, r, artel.Hash{}, chain.Refuse(chain.ErrTooBig, "%d gas, at most %d", gas, maxGas))
	}
	gas = min(gas+gas/4+10_000, maxGas) // others may change the state before it is mined
	f, err := l.fees(ctx, nil)
	if err != nil {
		return false, err
	}
	have, err := l.Coins(ctx, r.Tx.From)
	if err != nil {
		return false, err
	}
	if err := f.afford(have, gas, r.Tx.From); err != nil {
		return true, l.refuse(ctx, r, artel.Hash{}, err)
	}
	nonce, err := l.freshNonce(ctx, r.Tx.From)
	if err != nil {
		return false, err
	}
	return false, l.attempt(ctx, r, by, l.send.nextNonce(r.Tx.From, nonce), f, gas, common.Address(to), data)
}

// freshNonce returns the next nonce after what waits for a block. It is bounded:
// an RPC that names one far ahead would have the account fill a long gap.
func (l *Ledger) freshNonce(ctx context.Context, a artel.Address) (uint64, error) {
	pending, err := l.nonce(ctx, a, "pending")
	if err != nil {
		return 0, err
	}
	head, err := l.head(ctx)
	if err != nil {
		return 0, err
	}
	final, err := l.nonceAt(ctx, a, head.Number)
	if err != nil {
		return 0, err
	}
	if pending > final+maxAhead {
		return 0, fmt.Errorf("the RPC says that %d transactions of %s wait for a block, and that is hard to believe; hint: ask another RPC", pending-final, a)
	}
	return max(pending, final), nil
}

func refusalIn(err error) *chain.Refusal {
	if why, ok := err.(*chain.Refusal); ok && why.Code != chain.ErrNoKey {
		return why
	}
	return nil
}

// nextNonce is the chain's next one, or the one after our calls that are mined
// and not final, which a lagging RPC may not know.
func (s *sender) nextNonce(a artel.Address, chain uint64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.open {
		if r.Tx.From == a && len(r.Attempts) > 0 {
			chain = max(chain, r.Attempts[0].Nonce+1)
		}
	}
	return chain
}

// ripeSoon reports whether a call that is too early for the chain's last block
// is due by this machine's clock.
func (l *Ledger) ripeSoon(ctx context.Context, tx chain.Tx) bool {
	now := uint64(time.Now().Unix())
	var due uint64
	switch c := tx.Call.(type) {
	case chain.Release:
		for _, ref := range c.Lanes {
			v, err := l.Lane(ctx, chain.LaneKey{Renter: c.Renter, Provider: ref.Provider, Number: ref.Lane})
			if err != nil {
				return false
			}
			due = max(due, v.ReleaseAt)
		}
	case chain.Exit:
		v, err := l.Account(ctx, tx.From)
		if err != nil {
			return false
		}
		due = v.ExitAt
	case chain.Unstake:
		v, err := l.Stake(ctx, tx.From)
		if err != nil {
			return false
		}
		due = v.LeaveAt
	case chain.Claim:
		for _, at := range c.At {
			due = max(due, at)
		}
	}
	return due != 0 && now >= due
}

// pay makes a call that moves tokens one that may: with a permit where the token
// knows EIP-2612, by an approval that goes first where it does not.
func (l *Ledger) pay(ctx context.Context, r TxRecord, by Signer, to artel.Address, data []byte) (artel.Address, []byte, bool, error) {
	var amount artel.Amount
	var who artel.Address
	stake := false
	switch c := r.Tx.Call.(type) {
	case chain.Deposit:
		amount, who = c.Amount, c.To
	case chain.StakeUp:
		amount, who, stake = c.Amount, c.To, true
	default:
		return to, data, false, nil
	}
	tok, owner, spender := l.abi.credit, common.Address(r.Tx.From), common.Address(to)
	out, err := l.peek(ctx, l.net.Token, tok.PackAllowance(owner, spender))
	if err != nil {
		return to, nil, false, err
	}
	allowed, err := tok.UnpackAllowance(out)
	if err != nil {
		return to, nil, false, fmt.Errorf("read allowance: %w", err)
	}
	if allowed.Cmp(bigOf(amount)) >= 0 {
		return to, data, false, nil
	}
	if r.Approved {
		return to, nil, false, chain.Refuse(chain.ErrToken, "it was told to allow %s and allows %s", amount, allowed)
	}
	if s, ok := l.permit(ctx, by, owner, spender, amount); ok {
		if stake {
			return to, l.abi.stake.PackStakeWithPermit(common.Address(who), bigOf(amount), s.deadline, s.v, s.r, s.s), false, nil
		}
		return to, l.abi.ledger.PackDepositWithPermit(common.Address(who), bigOf(amount), s.deadline, s.v, s.r, s.s), false, nil
	}
	return l.net.Token, tok.PackApprove(spender, bigOf(amount)), true, nil
}

type permit struct {
	deadline *big.Int
	v        uint8
	r, s     [32]byte
}

// permit signs an EIP-2612 permit; false where the token knows none.
func (l *Ledger) permit(ctx context.Context, by Signer, owner, spender common.Address, amount artel.Amount) (p permit, ok bool) {
	tok := l.abi.credit
	out, err := l.peek(ctx, l.net.Token, tok.PackNonces(owner))
	if err != nil {
		return p, false
	}
	nonce, err := tok.UnpackNonces(out)
	if err != nil {
		return p, false
	}
	if out, err = l.peek(ctx, l.net.Token, tok.PackDOMAINSEPARATOR()); err != nil {
		return p, false
	}
	domain, err := tok.UnpackDOMAINSEPARATOR(out)
	if err != nil {
		return p, false
	}
	p.deadline = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	word := func(v *big.Int) []byte { return common.LeftPadBytes(v.Bytes(), 32) }
	kind := artel.Keccak([]byte("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"))
	structHash := artel.Keccak(kind[:], common.LeftPadBytes(owner[:], 32), common.LeftPadBytes(spender[:], 32),
		word(bigOf(amount)), word(nonce), word(p.deadline))
	sig := by.Sign(artel.Keccak([]byte{0x19, 0x01}, domain[:], structHash[:]))
	p.r, p.s = sig.R(), sig.VS()
	p.v = 27 + p.s[0]>>7
	p.s[0] &= 0x7f
	// A token that answers both questions may still have another permit (DAI
	// has): ask it.
	_, err = l.peek(ctx, l.net.Token, tok.PackPermit(owner, spender, bigOf(amount), p.deadline, p.v, p.r, p.s))
	return p, err == nil
}

// peek calls a contract at the newest block of any endpoint.
func (l *Ledger) peek(ctx context.Context, to artel.Address, data []byte) ([]byte, error) {
	return anyOf(ctx, l, "contract "+to.String(), func(ctx context.Context, e *endpoint) (b hexutil.Bytes, err error) {
		return b, e.call(ctx, &b, "eth_call", map[string]any{"to": to, "data": hexutil.Bytes(data)}, "latest")
	})
}

// estimate asks what a call will take on top of what waits for the next block.
func (l *Ledger) estimate(ctx context.Context, from, to artel.Address, data []byte) (uint64, error) {
	n, err := anyOf(ctx, l, "gas", func(ctx context.Context, e *endpoint) (n hexutil.Uint64, err error) {
		call := map[string]any{"from": from, "to": to, "data": hexutil.Bytes(data)}
		err = e.call(ctx, &n, "eth_estimateGas", call, "pending")
		if err != nil && l.refusal(err, 0) == nil { // not every node has a pending block
			err = e.call(ctx, &n, "eth_estimateGas", call, "latest")
		}
		return n, err
	})
	return uint64(n), err
}

// Coins returns an account's balance of the chain's own coin, in wei, at the
// newest block of any endpoint: for a look, and to see whether fees can be paid.
func (l *Ledger) Coins(ctx context.Context, a artel.Address) (*big.Int, error) {
	v, err := anyOf(ctx, l, "coins", func(ctx context.Context, e *endpoint) (v hexutil.Big, err error) {
		return v, e.call(ctx, &v, "eth_getBalance", a, "latest")
	})
	return v.ToInt(), err
}

// fee is the price of a unit of gas, in wei.
type fee struct {
	tip, cap, least *big.Int // least: what would do in the next block
	legacy          bool
}

// fees asks for the price of gas; with old, for one that may replace it: at
// least a quarter dearer (nodes ask for a tenth).
func (l *Ledger) fees(ctx context.Context, old *types.Transaction) (f fee, err error) {
	h, err := anyOf(ctx, l, "fees", func(ctx context.Context, e *endpoint) (header, error) { return e.block(ctx, "latest") })
	if err != nil {
		return f, err
	}
	if h.BaseFee == nil {
		price, err := anyOf(ctx, l, "gas price", func(ctx context.Context, e *endpoint) (v hexutil.Big, err error) {
			return v, e.call(ctx, &v, "eth_gasPrice")
		})
		if err != nil {
			return f, err
		}
		f = fee{tip: price.ToInt(), cap: price.ToInt(), least: price.ToInt(), legacy: true}
	} else {
		tip, err := anyOf(ctx, l, "gas tip", func(ctx context.Context, e *endpoint) (v hexutil.Big, err error) {
			return v, e.call(ctx, &v, "eth_maxPriorityFeePerGas")
		})
		if err != nil {
			return f, err
		}
		base := h.BaseFee.ToInt()
		f = fee{tip: tip.ToInt(), least: new(big.Int).Add(base, tip.ToInt())}
		f.cap = new(big.Int).Add(f.least, base)
	}
	if old != nil {
		f.tip, f.cap = atLeast(f.tip, dearer(old.GasTipCap())), atLeast(f.cap, dearer(old.GasFeeCap()))
		f.least = f.cap
	}
	if most := new(big.Int).Mul(big.NewInt(maxFeeGwei), big.NewInt(1e9)); f.least.Cmp(most) > 0 {
		return f, fmt.Errorf("the RPC asks for %s wei a unit of gas, beyond the limit of %s; hint: wait, or ask another RPC", f.least, most)
	}
	return f, nil
}

func dearer(v *big.Int) *big.Int {
	d := new(big.Int).Div(v, big.NewInt(4))
	return d.Add(d, v).Add(d, big.NewInt(1))
}

func atLeast(v, least *big.Int) *big.Int {
	if v.Cmp(least) < 0 {
		return least
	}
	return v
}

// afford lowers the cap to what the account can pay, or refuses.
func (f *fee) afford(have *big.Int, gas uint64, who artel.Address) *chain.Refusal {
	g := bigUint(gas)
	if most := new(big.Int).Div(have, g); most.Cmp(f.cap) < 0 {
		if most.Cmp(f.least) < 0 {
			return chain.Refuse(chain.ErrGas, "%s has %s wei, the call may cost %s", who, have, new(big.Int).Mul(f.least, g))
		}
		f.cap = most
	}
	return nil
}
