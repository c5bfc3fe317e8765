package evm

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

const (
	logSpan  = 2000 // blocks asked for at once; public RPCs allow 1,000 to 10,000
	logSpans = 25   // spans without any event that one call of Events passes over
)

// entry is the part of a log that is used here.
type entry struct {
	Address   artel.Address  `json:"address"`
	Topics    []common.Hash  `json:"topics"`
	Data      hexutil.Bytes  `json:"data"`
	Block     hexutil.Uint64 `json:"blockNumber"`
	BlockHash artel.Hash     `json:"blockHash"`
	Tx        artel.Hash     `json:"transactionHash"`
	Index     hexutil.Uint64 `json:"logIndex"`
	Removed   bool           `json:"removed"`
}

// Events implements chain.Reader.
func (l *Ledger) Events(ctx context.Context, after chain.Head, most int) ([]chain.Event, chain.Head, error) {
	head, err := l.now(ctx)
	if err != nil {
		return nil, after, err
	}
	from := after.Number + 1
	if after == (chain.Head{}) {
		from = l.net.Birth
	} else if err := l.stillThere(ctx, after, head); err != nil {
		return nil, after, err
	}
	span := uint64(logSpan)
	for spans := 0; from <= head.Number; spans++ {
		to := min(from+span-1, head.Number)
		logs, err := l.logs(ctx, from, to)
		if err != nil && span > 1 && !errors.Is(err, chain.ErrDisagree) && ctx.Err() == nil {
			span = max(span/8, 1) // some RPCs bound the answer rather than the span
			if spans < logSpans {
				continue
			}
		}
		if err != nil {
			return nil, after, err
		}
		if len(logs) == 0 && to < head.Number && spans < logSpans {
			from = to + 1
			continue
		}
		return l.assemble(ctx, cut(logs, most), to, len(logs))
	}
	return nil, after, nil
}

// stillThere checks that a block that was final once is part of the chain.
func (l *Ledger) stillThere(ctx context.Context, b, head chain.Head) error {
	if b.Number > head.Number {
		return fmt.Errorf("read events after block %d: the RPC has only %d: %w; hint: it lags, or its chain was reset", b.Number, head.Number, chain.ErrUnreachable)
	}
	if b == head {
		return nil
	}
	now, err := l.header(ctx, b.Number)
	if err != nil {
		return err
	}
	if now.Hash != b.Hash {
		l.log.Error("the chain replaced a block that was final", "number", b.Number, "was", b.Hash, "is", now.Hash, "policy", l.net.Finality)
		return fmt.Errorf("block %d was %s and is %s, deeper than %s: %w; hint: %s", b.Number, b.Hash.Short(), now.Hash.Short(), l.net.Finality, chain.ErrReorg, chain.ErrReorg.Hint())
	}
	return nil
}

// header returns a block's header as a quorum has it.
func (l *Ledger) header(ctx context.Context, number uint64) (chain.Head, error) {
	return agree(ctx, l, fmt.Sprintf("block %d", number), func(ctx context.Context, e *endpoint) (chain.Head, error) {
		h, err := e.block(ctx, hexNumber(number))
		return h.head(), err
	})
}

func (l *Ledger) logs(ctx context.Context, from, to uint64) ([]entry, error) {
	logs, err := agree(ctx, l, fmt.Sprintf("events of blocks %d to %d", from, to), func(ctx context.Context, e *endpoint) ([]entry, error) {
		var logs []entry
		err := e.call(ctx, &logs, "eth_getLogs", map[string]any{
			"fromBlock": hexNumber(from), "toBlock": hexNumber(to), "address": []artel.Address{l.net.Ledger, l.net.Stake}})
		if logs == nil {
			logs = []entry{}
		}
		return logs, err
	})
	if err != nil {
		return nil, err
	}
	for _, g := range logs {
		if uint64(g.Block) < from || uint64(g.Block) > to || g.Removed {
			return nil, fmt.Errorf("read events of blocks %d to %d: got one of block %d: %w", from, to, g.Block, chain.ErrUnreachable)
		}
	}
	sort.SliceStable(logs, func(i, j int) bool {
		a, b := logs[i], logs[j]
		return a.Block < b.Block || a.Block == b.Block && a.Index < b.Index
	})
	return logs, nil
}

// cut keeps whole blocks until there are most.
func cut(logs []entry, most int) []entry {
	n := min(len(logs), 1)
	for n < len(logs) && (n < most || logs[n].Block == logs[n-1].Block) {
		n++
	}
	return logs[:n]
}

// assemble decodes logs of which there were `of`, read up to block `to`.
func (l *Ledger) assemble(ctx context.Context, logs []entry, to uint64, of int) ([]chain.Event, chain.Head, error) {
	if len(logs) < of {
		to = uint64(logs[len(logs)-1].Block)
	}
	numbers := []uint64{to}
	for _, g := range logs {
		if n := uint64(g.Block); n != numbers[len(numbers)-1] {
			numbers = append(numbers, n)
		}
	}
	blocks, err := l.headers(ctx, numbers)
	if err != nil {
		return nil, chain.Head{}, err
	}
	var events []chain.Event
	for _, g := range logs {
		b := blocks[uint64(g.Block)]
		if b.Hash != g.BlockHash {
			return nil, chain.Head{}, fmt.Errorf("read events: block %d changed meanwhile: %w", g.Block, chain.ErrUnreachable)
		}
		fact, err := l.fact(g)
		if err != nil {
			return nil, chain.Head{}, fmt.Errorf("read event %d of block %d: %w", g.Index, g.Block, err)
		}
		if fact != nil {
			events = append(events, chain.Event{Block: b, Index: uint32(g.Index), Tx: g.Tx, Fact: fact})
		}
	}
	return events, blocks[to], nil
}

func (l *Ledger) headers(ctx context.Context, numbers []uint64) (map[uint64]chain.Head, error) {
	out := map[uint64]chain.Head{}
	const bite = 100
	for len(numbers) > 0 {
		part := numbers[:min(bite, len(numbers))]
		numbers = numbers[len(part):]
		heads, err := agree(ctx, l, "block headers", func(ctx context.Context, e *endpoint) ([]chain.Head, error) {
			hs := make([]*header, len(part))
			elems := make([]rpc.BatchElem, len(part))
			for i, n := range part {
				elems[i] = rpc.BatchElem{Method: "eth_getBlockByNumber", Args: []any{hexNumber(n), false}, Result: &hs[i]}
			}
			if err := e.batch(ctx, elems); err != nil {
				return nil, err
			}
			heads := make([]chain.Head, len(part))
			for i, h := range hs {
				if h == nil || uint64(h.Number) != part[i] {
					return nil, fmt.Errorf("%s: there is no block %d", e.name, part[i])
				}
				heads[i] = h.head()
			}
			return heads, nil
		})
		if err != nil {
			return nil, err
		}
		for _, h := range heads {
			out[h.Number] = h
		}
	}
	return out, nil
}

// fact decodes one log; nil for events that the port does not tell of.
func (l *Ledger) fact(g entry) (chain.Fact, error) {
	if len(g.Topics) == 0 {
		return nil, nil
	}
	raw := &types.Log{Address: common.Address(g.Address), Topics: g.Topics, Data: g.Data}
	if g.Address == l.net.Stake {
		return l.stakeFact(raw)
	}
	return l.ledgerFact(raw)
}

func lane(renter, provider common.Address, number uint64) chain.LaneKey {
	return chain.LaneKey{Renter: artel.Address(renter), Provider: artel.Address(provider), Number: number}
}

func (l *Ledger) ledgerFact(raw *types.Log) (chain.Fact, error) {
	c := l.abi.ledger
	a := c.GetABI()
	ev, err := a.EventByID(raw.Topics[0])
	if err != nil {
		return nil, nil
	}
	d := decoder{}
	var f chain.Fact
	switch ev.Name {
	case "Deposited":
		if v, err := c.UnpackDepositedEvent(raw); keep(&d, err) {
			f = chain.Deposited{Account: artel.Address(v.Account), Amount: d.amount(v.Amount, nil)}
		}
	case "Reserved":
		if v, err := c.UnpackReservedEvent(raw); keep(&d, err) {
			f = chain.Reserved{Lane: lane(v.Renter, v.Provider, v.Lane), Cap: d.amount(v.Cap, nil), Epoch: uint32(d.seconds(v.Epoch, nil))}
		}
	case "Redeemed":
		if v, err := c.UnpackRedeemedEvent(raw); keep(&d, err) {
			f = chain.Redeemed{Lane: lane(v.Renter, v.Provider, v.Lane), Amount: d.amount(v.Paid, nil), Cumulative: d.amount(v.Cumulative, nil), Memo: v.Memo}
		}
	case "EarnedWithdrawn":
		if v, err := c.UnpackEarnedWithdrawnEvent(raw); keep(&d, err) {
			f = chain.Withdrawn{Account: artel.Address(v.Account), To: artel.Address(v.To), Amount: d.amount(v.Amount, nil)}
		}
	case "Releasing":
		if v, err := c.UnpackReleasingEvent(raw); keep(&d, err) {
			f = chain.Releasing{Lane: lane(v.Renter, v.Provider, v.Lane), At: d.seconds(v.ReleaseAt, nil)}
		}
	case "Released":
		if v, err := c.UnpackReleasedEvent(raw); keep(&d, err) {
			f = chain.Released{Lane: lane(v.Renter, v.Provider, v.Lane), Amount: d.amount(v.Amount, nil), Epoch: uint32(d.seconds(v.Epoch, nil))}
		}
	case "Waived":
		if v, err := c.UnpackWaivedEvent(raw); keep(&d, err) {
			f = chain.Waived{Lane: lane(v.Renter, v.Provider, v.Lane), Amount: d.amount(v.Amount, nil), Epoch: uint32(d.seconds(v.Epoch, nil))}
		}
	case "ExitRequested":
		if v, err := c.UnpackExitRequestedEvent(raw); keep(&d, err) {
			f = chain.ExitRequested{Account: artel.Address(v.Account), Amount: d.amount(v.Amount, nil), At: d.seconds(v.ExitAt, nil)}
		}
	case "Exited":
		if v, err := c.UnpackExitedEvent(raw); keep(&d, err) {
			f = chain.Exited{Account: artel.Address(v.Account), To: artel.Address(v.To), Amount: d.amount(v.Amount, nil)}
		}
	case "SignerSet":
		if v, err := c.UnpackSignerSetEvent(raw); keep(&d, err) {
			f = chain.SignerSet{Account: artel.Address(v.Account), Key: artel.Address(v.Key), Allowance: d.amount(v.Allowance, nil), Until: d.seconds(v.Until, nil)}
		}
	case "PayoutSet":
		if v, err := c.UnpackPayoutSetEvent(raw); keep(&d, err) {
			f = chain.PayoutSet{Account: artel.Address(v.Account), To: artel.Address(v.To), At: d.seconds(v.ChangesAt, nil)}
		}
	}
	return f, d.err
}

func (l *Ledger) stakeFact(raw *types.Log) (chain.Fact, error) {
	c := l.abi.stake
	a := c.GetABI()
	ev, err := a.EventByID(raw.Topics[0])
	if err != nil {
		return nil, nil
	}
	d := decoder{}
	var f chain.Fact
	switch ev.Name {
	case "Staked":
		if v, err := c.UnpackStakedEvent(raw); keep(&d, err) {
			f = chain.Staked{Provider: artel.Address(v.Staker), Amount: d.amount(v.Amount, nil)}
		}
	case "Leaving":
		if v, err := c.UnpackLeavingEvent(raw); keep(&d, err) {
			f = chain.Leaving{Provider: artel.Address(v.Staker), Amount: d.amount(v.Amount, nil), At: d.seconds(v.LeaveAt, nil)}
		}
	case "Unstaked":
		if v, err := c.UnpackUnstakedEvent(raw); keep(&d, err) {
			f = chain.Unstaked{Provider: artel.Address(v.Staker), To: artel.Address(v.To), Amount: d.amount(v.Amount, nil)}
		}
	case "Equivocated":
		if v, err := c.UnpackEquivocatedEvent(raw); keep(&d, err) {
			f = chain.Equivocated{Provider: artel.Address(v.Provider), Lease: v.Lease, Task: v.Task, Attempt: v.Attempt}
		}
	case "Slashed":
		if v, err := c.UnpackSlashedEvent(raw); keep(&d, err) {
			f = chain.Slashed{Provider: artel.Address(v.Staker), By: artel.Address(v.By), Reason: v.Reason, Burned: d.amount(v.Burned, nil),
				Share: d.amount(v.Share, nil), Reporter: artel.Address(v.Reporter)}
		}
	case "ClaimOpened":
		if v, err := c.UnpackClaimOpenedEvent(raw); keep(&d, err) {
			f = chain.ClaimOpened{Reporter: artel.Address(v.Reporter), At: d.seconds(v.ClaimableAt, nil), Amount: d.amount(v.Amount, nil)}
		}
	case "Claimed":
		if v, err := c.UnpackClaimedEvent(raw); keep(&d, err) {
			f = chain.Claimed{Reporter: artel.Address(v.Reporter), Amount: d.amount(v.Amount, nil)}
		}
	}
	return f, d.err
}

// keep notes an error and reports whether there is none.
func keep(d *decoder, err error) bool {
	d.note(err)
	return err == nil
}
