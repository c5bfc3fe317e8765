package evm

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

// view is a question to a contract.
type view struct {
	to   artel.Address
	data []byte
}

// ask puts questions to contracts at one block, of a quorum.
func (l *Ledger) ask(ctx context.Context, what string, at chain.Head, views ...view) ([]hexutil.Bytes, error) {
	return agree(ctx, l, what, func(ctx context.Context, e *endpoint) ([]hexutil.Bytes, error) {
		out := make([]hexutil.Bytes, len(views))
		elems := make([]rpc.BatchElem, len(views))
		for i, v := range views {
			elems[i] = rpc.BatchElem{Method: "eth_call", Result: &out[i],
				Args: []any{map[string]any{"to": v.to, "data": hexutil.Bytes(v.data)}, hexNumber(at.Number)}}
		}
		return out, e.batch(ctx, elems)
	})
}

// now checks the network once and returns the newest final block.
func (l *Ledger) now(ctx context.Context) (chain.Head, error) {
	if err := l.Check(ctx); err != nil {
		return chain.Head{}, err
	}
	return l.head(ctx)
}

// Check asks whether the endpoints serve the network that the network file
// names. A good answer is remembered; every read asks for it first.
func (l *Ledger) Check(ctx context.Context) error {
	_, err := l.Params(ctx)
	return err
}

// Params implements chain.Reader.
func (l *Ledger) Params(ctx context.Context) (chain.Params, error) {
	select {
	case <-ctx.Done():
		return chain.Params{}, ctx.Err()
	case <-l.checked.turn:
	}
	defer func() { l.checked.turn <- struct{}{} }()
	if l.checked.ok {
		return l.checked.params, nil
	}
	p, err := l.check(ctx)
	if err == nil {
		l.checked.ok, l.checked.params = true, p
	}
	return p, err
}

func (l *Ledger) check(ctx context.Context) (p chain.Params, err error) {
	asking, enough := context.WithCancel(ctx)
	defer enough()
	answers := askAll(asking, l, func(ctx context.Context, e *endpoint) (id hexutil.Big, err error) {
		return id, e.call(ctx, &id, "eth_chainId")
	})
	for good, asked := 0, 0; good < l.quorum && asked < len(l.endpoints); asked++ {
		a := <-answers
		if a.err != nil {
			continue // too few answers: the next question says so
		}
		if want := bigUint(l.net.ChainID); a.value.ToInt().Cmp(want) != 0 {
			return p, chain.Refuse(chain.ErrWrongChain, "%s serves chain %s, the network is on %s", a.from.name, a.value.ToInt(), want)
		}
		good++
	}
	head, err := l.head(ctx)
	if err != nil {
		return p, err
	}
	names := []string{"token", "ledger", "stake"}
	code, err := agree(ctx, l, "contracts", func(ctx context.Context, e *endpoint) ([3]bool, error) {
		var has [3]bool
		var code [3]hexutil.Bytes
		var elems []rpc.BatchElem
		for i, a := range []artel.Address{l.net.Token, l.net.Ledger, l.net.Stake} {
			elems = append(elems, rpc.BatchElem{Method: "eth_getCode", Args: []any{a, hexNumber(head.Number)}, Result: &code[i]})
		}
		err := e.batch(ctx, elems)
		for i := range code {
			has[i] = len(code[i]) > 0
		}
		return has, err
	})
	if err != nil {
		return p, err
	}
	for i, ok := range code {
		if !ok {
			return p, chain.Refuse(chain.ErrNoContract, "no code at the %s's address %s at block %d", names[i], []artel.Address{l.net.Token, l.net.Ledger, l.net.Stake}[i], head.Number)
		}
	}
	led, st := l.abi.ledger, l.abi.stake
	out, err := l.ask(ctx, "the contracts' constants", head,
		view{l.net.Ledger, led.PackToken()}, view{l.net.Ledger, led.PackDelay()}, view{l.net.Ledger, led.PackWINDOW()},
		view{l.net.Stake, st.PackToken()}, view{l.net.Stake, st.PackLedger()}, view{l.net.Stake, st.PackLeaveDelay()}, view{l.net.Stake, st.PackWINDOW()})
	if err != nil {
		return p, fmt.Errorf("%w; hint: are the addresses in the network file those of this network?", err)
	}
	d := decoder{}
	token, delay, window := d.address(led.UnpackToken(out[0])), d.seconds(led.UnpackDelay(out[1])), d.seconds(led.UnpackWINDOW(out[2]))
	token2, ledger, leave, window2 := d.address(st.UnpackToken(out[3])), d.address(st.UnpackLedger(out[4])), d.seconds(st.UnpackLeaveDelay(out[5])), d.seconds(st.UnpackWINDOW(out[6]))
	if d.err != nil {
		return p, chain.Refuse(chain.ErrNoContract, "what lies at the addresses is something else: %v", d.err)
	}
	if token != l.net.Token || token2 != l.net.Token || ledger != l.net.Ledger || window != window2 {
		return p, chain.Refuse(chain.ErrWrongToken, "the ledger's token is %s, the stake's %s, the network's %s; the stake's ledger is %s", token, token2, l.net.Token, ledger)
	}
	if l.net.Delay != 0 && l.net.Delay != delay || l.net.Window != 0 && l.net.Window != window {
		return p, chain.Refuse(chain.ErrWrongRules, "the ledger's delay is %d s and its window %d s, the network's %d and %d", delay, window, l.net.Delay, l.net.Window)
	}
	return chain.Params{ChainID: l.net.ChainID, Ledger: l.net.Ledger, Stake: l.net.Stake, Token: l.net.Token,
		Delay: delay, Window: window, StakeDelay: leave}, nil
}

// decoder turns the bindings' answers into ours and keeps the first error.
type decoder struct{ err error }

func (d *decoder) note(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *decoder) address(a common.Address, err error) artel.Address {
	d.note(err)
	return artel.Address(a)
}

func (d *decoder) seconds(v *big.Int, err error) uint64 {
	d.note(err)
	if err != nil || !v.IsUint64() {
		return 0
	}
	return v.Uint64()
}

func (d *decoder) amount(v *big.Int, err error) artel.Amount {
	d.note(err)
	if err != nil || v == nil {
		return artel.Amount{}
	}
	a, err := amountOf(v)
	d.note(err)
	return a
}

func amountOf(v *big.Int) (artel.Amount, error) {
	if v.Sign() < 0 {
		return artel.Amount{}, artel.ErrAmount
	}
	return artel.AmountFromBytes(v.Bytes())
}

func bigOf(a artel.Amount) *big.Int {
	b := a.Bytes()
	return new(big.Int).SetBytes(b[:])
}

// Head implements chain.Reader.
func (l *Ledger) Head(ctx context.Context) (chain.Head, error) { return l.now(ctx) }

// Account implements chain.Reader.
func (l *Ledger) Account(ctx context.Context, a artel.Address) (acc chain.Account, err error) {
	at, err := l.now(ctx)
	if err != nil {
		return acc, err
	}
	led, who := l.abi.ledger, common.Address(a)
	out, err := l.ask(ctx, "account "+a.String(), at, view{l.net.Ledger, led.PackAccounts(who)},
		view{l.net.Ledger, led.PackExitAmount(who)}, view{l.net.Ledger, led.PackPayouts(who)})
	if err != nil {
		return acc, err
	}
	d := decoder{}
	v, err := led.UnpackAccounts(out[0])
	d.note(err)
	pay, err := led.UnpackPayouts(out[2])
	d.note(err)
	exit := d.amount(led.UnpackExitAmount(out[1]))
	if d.err != nil {
		return acc, fmt.Errorf("read account %s: %w", a, d.err)
	}
	acc = chain.Account{Deposit: d.amount(v.Deposit, nil), Earned: d.amount(v.Earned, nil), ExitAt: d.seconds(v.ExitAt, nil), ExitAmount: exit,
		Payout: chain.Payout{To: artel.Address(pay.To), ChangesAt: d.seconds(pay.ChangesAt, nil), Next: artel.Address(pay.Next)}}
	return acc, d.err
}

// Lane implements chain.Reader.
func (l *Ledger) Lane(ctx context.Context, k chain.LaneKey) (lane chain.Lane, err error) {
	at, err := l.now(ctx)
	if err != nil {
		return lane, err
	}
	what := fmt.Sprintf("lane %d from %s to %s", k.Number, k.Renter, k.Provider)
	out, err := l.ask(ctx, what, at, view{l.net.Ledger, l.abi.ledger.PackLanes(common.Address(k.Renter), common.Address(k.Provider), k.Number)})
	if err != nil {
		return lane, err
	}
	v, err := l.abi.ledger.UnpackLanes(out[0])
	if err != nil {
		return lane, fmt.Errorf("read %s: %w", what, err)
	}
	d := decoder{}
	return chain.Lane{Cap: d.amount(v.Cap, nil), Paid: d.amount(v.Paid, nil), ReleaseAt: d.seconds(v.ReleaseAt, nil), Epoch: uint32(d.seconds(v.Epoch, nil))}, d.err
}

// Signer implements chain.Reader.
func (l *Ledger) Signer(ctx context.Context, account, key artel.Address) (s chain.Signer, err error) {
	at, err := l.now(ctx)
	if err != nil {
		return s, err
	}
	out, err := l.ask(ctx, "signer "+key.String(), at, view{l.net.Ledger, l.abi.ledger.PackSigners(common.Address(account), common.Address(key))})
	if err != nil {
		return s, err
	}
	v, err := l.abi.ledger.UnpackSigners(out[0])
	if err != nil {
		return s, fmt.Errorf("read signer %s: %w", key, err)
	}
	d := decoder{}
	return chain.Signer{Allowance: d.amount(v.Allowance, nil), Until: d.seconds(v.Until, nil), Booked: d.amount(v.Booked, nil)}, d.err
}

// Stake implements chain.Reader.
func (l *Ledger) Stake(ctx context.Context, provider artel.Address) (s chain.Stake, err error) {
	at, err := l.now(ctx)
	if err != nil {
		return s, err
	}
	out, err := l.ask(ctx, "stake of "+provider.String(), at, view{l.net.Stake, l.abi.stake.PackStakers(common.Address(provider))})
	if err != nil {
		return s, err
	}
	v, err := l.abi.stake.UnpackStakers(out[0])
	if err != nil {
		return s, fmt.Errorf("read stake of %s: %w", provider, err)
	}
	d := decoder{}
	return chain.Stake{Amount: d.amount(v.Amount, nil), Leaving: d.amount(v.Leaving, nil), LeaveAt: d.seconds(v.LeaveAt, nil), Faults: uint32(d.seconds(v.Faults, nil))}, d.err
}

// Balance implements chain.Reader. A balance beyond the ledger's 96 bits reads as
// the largest amount.
func (l *Ledger) Balance(ctx context.Context, a artel.Address) (artel.Amount, error) {
	at, err := l.now(ctx)
	if err != nil {
		return artel.Amount{}, err
	}
	out, err := l.ask(ctx, "balance of "+a.String(), at, view{l.net.Token, l.abi.credit.PackBalanceOf(common.Address(a))})
	if err != nil {
		return artel.Amount{}, err
	}
	v, err := l.abi.credit.UnpackBalanceOf(out[0])
	if err != nil {
		return artel.Amount{}, fmt.Errorf("read balance of %s: %w", a, err)
	}
	if v.BitLen() > 96 {
		return artel.MaxAmount, nil
	}
	return amountOf(v)
}
