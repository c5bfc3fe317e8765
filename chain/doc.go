// Package chain is the one door to the ledger: the contracts that hold the
// money, on whatever chain they live.
//
// The port is small on purpose. Reads are answered at the newest block that is
// final under the network's finality policy. Writes are calls, which are values
// that can be stored: a caller puts a Tx into an outbox row in the same database
// transaction as its own state, hands it to Submit after the commit, and hands
// it in again after a crash; the id makes that harmless.
//
//	            Submit                    mined            final
//	Tx ──────────────────────► pending ─────────► mined ─────────► done
//	                              │   ◄─────────    │
//	                              │      reorg      │
//	                              └──── refused ◄───┘   (the ledger said no: Outcome.Refusal says why)
//
// What every adapter guarantees, and what package chaintest checks of each:
//
//   - A Tx whose Submit returned nil is never lost and never carried out twice,
//     whatever crashes, and however often the same Tx is submitted.
//   - Calls of one From are carried out in the order in which they were first
//     submitted; a refused one does not hold up the next.
//   - A chain that cannot be reached leaves calls pending. They go on by
//     themselves when it is back.
//   - Events are handed out once they are final, whole blocks at a time, in the
//     order of the chain, none missing and none twice.
//
// Adapters: evm (any EVM chain by JSON-RPC) and fake (in memory, on a clock of
// the caller's).
package chain
