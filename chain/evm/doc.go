// Package evm is the ledger on any EVM chain, by JSON-RPC: a public network, the
// embedded chain, or anvil in tests.
//
// # Trust
//
// An RPC is a stranger unless it is one's own: it can invent caps. Given several
// endpoints, a read counts when a quorum of them gives the same answer, and
// fails with chain.ErrDisagree when they contradict each other. Before the first
// answer the adapter checks that the chain id, the code and the contracts'
// references to each other are what the network file says.
//
// # Sending
//
// A call passes through these states, each stored BEFORE what follows it:
//
//	accepted ─► (approval ─►) signed: nonce and raw bytes are fixed ─► mined ─► final
//	                              │  ▲
//	                              └──┘ stuck: a dearer transaction at the SAME nonce
//
// One call of an account is under way at a time. After a crash the same bytes
// are broadcast again. A signed call is given another nonce only when its nonce
// is used up in a final block and none of its transactions is in the chain: then
// none ever can be.
package evm
