package chain

import "fmt"

// Code is what went wrong, for programs. It is an error to match with
// errors.Is.
type Code string

// Error returns the code's sentence.
func (c Code) Error() string {
	if e, ok := codeText(c); ok {
		return e.sentence
	}
	return string(c)
}

// Hint says what to do next; "" where there is nothing to say.
func (c Code) Hint() string {
	e, _ := codeText(c)
	return e.hint
}

// What can go wrong with the chain itself.
const (
	ErrUnreachable Code = "chain-unreachable"
	ErrReorg       Code = "chain-reorg"
	ErrDisagree    Code = "rpc-disagree"
	ErrWrongChain  Code = "wrong-chain"
	ErrNoContract  Code = "no-contract"
	ErrWrongToken  Code = "wrong-token"
	ErrWrongRules  Code = "wrong-rules"
	ErrUnknownTx   Code = "unknown-tx"
	ErrIDReused    Code = "id-reused"
	ErrNoKey       Code = "no-key"
	ErrBadCall     Code = "bad-call"
)

// Why the ledger refuses a call.
const (
	ErrDeposit    Code = "insufficient-deposit"
	ErrTokens     Code = "insufficient-tokens"
	ErrEarned     Code = "insufficient-earned"
	ErrStake      Code = "insufficient-stake"
	ErrAllowance  Code = "signer-allowance"
	ErrSignature  Code = "bad-signature"
	ErrSigner     Code = "signer-expired"
	ErrLaneTag    Code = "foreign-lane"
	ErrExpired    Code = "reserve-expired"
	ErrEpoch      Code = "wrong-epoch"
	ErrWornOut    Code = "lane-worn-out"
	ErrNotStarted Code = "not-started"
	ErrEarly      Code = "too-early"
	ErrWindow     Code = "window-over"
	ErrNoFault    Code = "no-fault"
	ErrClaimed    Code = "already-claimed"
	ErrToken      Code = "token-misbehaves"
	ErrGas        Code = "no-gas"
	ErrTooBig     Code = "call-too-big"
	ErrRefused    Code = "refused"
)

type text struct{ sentence, hint string }

func codeText(c Code) (text, bool) {
	t, ok := map[Code]text{
		ErrUnreachable: {"the chain cannot be reached", "work goes on; money waits until the RPC answers again (artel doctor shows which one)"},
		ErrReorg:       {"the chain has replaced blocks that counted as final", "do not trust this network's finality policy; ask its operator, and raise the confirmations"},
		ErrDisagree:    {"the RPC endpoints give different answers", "one of them lies or lags far behind; remove it or ask a third"},
		ErrWrongChain:  {"the RPC serves another chain than the network file names", "wrong RPC URL?"},
		ErrNoContract:  {"there is no contract at the ledger's address", "wrong RPC URL, or a chain that was reset?"},
		ErrWrongToken:  {"the contracts do not belong together", "check the addresses in the network file"},
		ErrWrongRules:  {"the ledger's delay or window is not that of the network file", "correct the rules in the network file: a shorter delay than it says would let renters withdraw what providers count on"},
		ErrUnknownTx:   {"no call of that id was submitted", ""},
		ErrIDReused:    {"a different call was submitted under that id", "give every call an id of its own"},
		ErrNoKey:       {"there is no key to send as that account", "unlock the account's key, or have its owner send the call"},
		ErrBadCall:     {"the call is malformed", ""},
		ErrDeposit:     {"the deposit does not cover it", "deposit more, or wait until lanes are released"},
		ErrTokens:      {"the account does not hold enough tokens", "get tokens first (on a private network: the faucet)"},
		ErrEarned:      {"that much was not earned", "redeem vouchers first"},
		ErrStake:       {"that much is not at stake", ""},
		ErrAllowance:   {"the session signer's allowance does not cover it", "raise it from the account with artel wallet signer"},
		ErrSignature:   {"the signature was not made by the account or a signer of it", ""},
		ErrSigner:      {"the session signer's time is over", "extend it from the account with artel wallet signer"},
		ErrLaneTag:     {"the session signer signed for a lane that does not carry its tag", ""},
		ErrExpired:     {"the signed Reserve has expired", "ask the renter for a new one"},
		ErrEpoch:       {"the signed Reserve is of another epoch of the lane", "the lane was released or waived since; ask the renter for a new one"},
		ErrWornOut:     {"the lane has used up its epochs", "draw another lane number"},
		ErrNotStarted:  {"nothing was started that could be carried out", "start it first and wait out the delay"},
		ErrEarly:       {"the delay has not passed yet", "try again when it has"},
		ErrWindow:      {"the window to carry it out has passed", "start it again"},
		ErrNoFault:     {"that proves no fault", ""},
		ErrClaimed:     {"that fault was claimed already", ""},
		ErrGas:         {"the sending account cannot pay the chain's fees", "send it some of the chain's own coin"},
		ErrTooBig:      {"the call does not fit one transaction", "split it"},
		ErrToken:       {"the token does not deliver what it is asked to move", "use a plain ERC-20: no fee on transfer, no blocklist"},
		ErrRefused:     {"the ledger refused the call", ""},
	}[c]
	return t, ok
}

// Refusal is the ledger's no, with what is known of it.
type Refusal struct {
	Code   Code   `json:"code"`
	Detail string `json:"detail,omitempty"` // figures, for people
}

// Refuse returns a refusal with a detail for people.
func Refuse(c Code, format string, args ...any) *Refusal {
	return &Refusal{Code: c, Detail: fmt.Sprintf(format, args...)}
}

// Error returns the sentence, the figures and the hint.
func (r *Refusal) Error() string {
	s := r.Code.Error()
	if r.Detail != "" {
		s += " (" + r.Detail + ")"
	}
	if h := r.Code.Hint(); h != "" {
		s += "; hint: " + h
	}
	return s
}

// Unwrap returns the code, so that errors.Is(err, ErrDeposit) holds.
func (r *Refusal) Unwrap() error { return r.Code }
