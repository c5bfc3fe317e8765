package main

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain/evm/bindings"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

const (
	delay      = 24 * 60 * 60
	leaveDelay = 7 * delay
)

// world is the three contracts on a fresh chain and a source of keys and
// numbers that depends on its seed only. The first error sticks; see must.
type world struct {
	chain  *evmChain
	seed   uint64
	drawn  uint64
	faucet artel.Key

	credit *bindings.Credit
	ledger *bindings.Ledger
	stake  *bindings.Stake

	creditAt, ledgerAt, stakeAt common.Address
	domain                      artel.Domain

	deployed map[string]uint64
}

// failure carries an error out of a scenario, so that scenarios read as the
// list of transactions that they are. run turns it back into an error.
type failure struct{ err error }

func must(err error) {
	if err != nil {
		panic(failure{err})
	}
}

func newWorld(r rules, seed uint64) *world {
	c, err := newEVMChain(r)
	must(err)
	w := &world{
		chain: c, seed: seed, deployed: map[string]uint64{},
		credit: bindings.NewCredit(), ledger: bindings.NewLedger(), stake: bindings.NewStake(),
	}
	w.faucet = w.key()
	supply := new(big.Int).Lsh(big.NewInt(1), 95)
	faucet := common.Address(w.faucet.Address())
	w.creditAt = w.deploy("Credit", bindings.CreditMetaData.Bin, w.credit.PackConstructor(faucet, supply))
	w.ledgerAt = w.deploy("Ledger", bindings.LedgerMetaData.Bin, w.ledger.PackConstructor(w.creditAt, big.NewInt(delay)))
	w.stakeAt = w.deploy("Stake", bindings.StakeMetaData.Bin, w.stake.PackConstructor(w.ledgerAt, big.NewInt(leaveDelay)))
	w.domain = artel.NewDomain(chainID, artel.Address(w.ledgerAt), artel.Address(w.stakeAt))
	return w
}

func (w *world) deploy(name, code string, args []byte) common.Address {
	at := crypto.CreateAddress(common.Address(w.faucet.Address()), w.chain.state.GetNonce(common.Address(w.faucet.Address())))
	raw, err := hexutil.Decode(code)
	must(err)
	gas, _, err := w.chain.send(w.faucet.Address(), nil, append(raw, args...))
	if err != nil {
		must(fmt.Errorf("deploy %s: %w", name, err))
	}
	w.deployed[name] = gas
	return at
}

// draw returns the next pseudo-random hash of this seed.
func (w *world) draw() artel.Hash {
	w.drawn++
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], w.seed)
	binary.BigEndian.PutUint64(b[8:], w.drawn)
	return artel.Keccak(b[:])
}

func (w *world) key() artel.Key {
	h := w.draw()
	k, err := artel.KeyFromBytes(h[:])
	must(err)
	return k
}

// number draws a lane number of that signer.
func (w *world) number(signer artel.Key) uint64 {
	h := w.draw()
	return artel.LaneNumber(signer.Address(), binary.BigEndian.Uint32(h[:]))
}

// around draws an amount a little above n, so that its calldata has no
// convenient zeroes.
func (w *world) around(n *big.Int) *big.Int {
	h := w.draw()
	return new(big.Int).Add(n, new(big.Int).SetBytes(h[:len(n.Bytes())-1]))
}

// tokens is n whole coins of 18 decimals.
func tokens(n int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
}

func (w *world) onLedger(from artel.Key, data []byte) uint64 {
	gas, _, err := w.chain.send(from.Address(), &w.ledgerAt, data)
	must(err)
	return gas
}

func (w *world) onStake(from artel.Key, data []byte) uint64 {
	gas, _, err := w.chain.send(from.Address(), &w.stakeAt, data)
	must(err)
	return gas
}

func (w *world) onCredit(from artel.Key, data []byte) uint64 {
	gas, _, err := w.chain.send(from.Address(), &w.creditAt, data)
	must(err)
	return gas
}

// holder returns a new account with n coins that the ledger and the stake may take.
func (w *world) holder(n int64) artel.Key {
	k := w.key()
	unlimited := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	w.onCredit(w.faucet, w.credit.PackTransfer(common.Address(k.Address()), tokens(n)))
	w.onCredit(k, w.credit.PackApprove(w.ledgerAt, unlimited))
	w.onCredit(k, w.credit.PackApprove(w.stakeAt, unlimited))
	return k
}

// renter returns a new account with n coins in the ledger.
func (w *world) renter(n int64) artel.Key {
	k := w.holder(n)
	w.onLedger(k, w.ledger.PackDeposit(common.Address(k.Address()), tokens(n)))
	return k
}

// sessionKey authorises a new key of account.
func (w *world) sessionKey(account artel.Key) artel.Key {
	k := w.key()
	until := new(big.Int).SetUint64(w.chain.block.Time + 30*delay)
	w.onLedger(account, w.ledger.PackSetSigner(common.Address(k.Address()), tokens(1000), until))
	return k
}

// earning returns a new provider account that has earned before and withdrawn
// some, so that its slots are in use.
func (w *world) earning() artel.Key {
	p, r := w.key(), w.renter(10)
	lane := w.number(r)
	w.book(r, p, lane, tokens(2))
	w.onLedger(p, w.ledger.PackRedeem(common.Address(p.Address()), []bindings.ILedgerV{w.voucher(r, r, p, lane, tokens(1))}))
	return p
}

func (w *world) book(renter, provider artel.Key, lane uint64, cap *big.Int) uint64 {
	return w.onLedger(renter, w.ledger.PackReserve([]bindings.ILedgerRes{res(provider, lane, cap)}))
}

func res(provider artel.Key, lane uint64, cap *big.Int) bindings.ILedgerRes {
	return bindings.ILedgerRes{Provider: common.Address(provider.Address()), Lane: lane, Cap: cap}
}

func (w *world) voucher(signer, renter, provider artel.Key, lane uint64, cumulative *big.Int) bindings.ILedgerV {
	v := artel.Voucher{
		Renter: renter.Address(), Provider: provider.Address(), Lane: lane,
		Cumulative: amount(cumulative), Memo: w.draw(),
	}
	s := signer.Sign(v.Digest(w.domain))
	return bindings.ILedgerV{
		Renter: common.Address(v.Renter), Lane: lane, Cumulative: cumulative, Memo: v.Memo, R: s.R(), Vs: s.VS(),
	}
}

func (w *world) signedRes(signer, renter, provider artel.Key, lane uint64, cap *big.Int) bindings.ILedgerSignedRes {
	r := artel.Reserve{
		Renter: renter.Address(), Provider: provider.Address(), Lane: lane,
		Cap: amount(cap), ValidUntil: w.chain.block.Time + 3600,
	}
	s := signer.Sign(r.Digest(w.domain))
	return bindings.ILedgerSignedRes{
		Renter: common.Address(r.Renter), Provider: common.Address(r.Provider), Lane: lane, Epoch: new(big.Int),
		Cap: cap, ValidUntil: new(big.Int).SetUint64(r.ValidUntil), R: s.R(), Vs: s.VS(),
	}
}
