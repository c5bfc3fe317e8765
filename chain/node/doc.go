// Package chainnode is the embedded chain: CometBFT agrees on blocks, geth's
// execution layer runs them, both inside this process. There is no beacon
// client and no second binary.
//
// One CometBFT block carries exactly one EVM block, RLP encoded, so the two
// heights are the same number. A block is final the moment it is adopted.
//
//	transaction → geth's pool → CometBFT's mempool → every node's geth pool
//	PrepareProposal  geth builds a block from its pool
//	ProcessProposal  every field that execution takes on trust is recomputed
//	                 (see rule), then the block is executed in full
//	FinalizeBlock    the decided block is executed (a no-op if it already was)
//	Commit           it becomes head, safe and final in geth
//
// The set of validators is fixed in the genesis: one on a laptop, N as a real
// network. A node that joins later is a follower: it executes and checks every
// block and serves the same RPC, but does not vote.
//
// CometBFT's block store is the fsynced log. geth's own database may lose its
// newest blocks in a crash; at start they are replayed from that log. See
// docs/spec/chain.md for the rules and for what is and is not guaranteed.
//
// Importing this package links go-ethereum and CometBFT. go-ethereum's logger
// is one per process, so running two nodes in one process mixes their logs.
package chainnode
