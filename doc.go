// Package artel holds the nouns of a decentralised cloud: who rents, who
// provides, what they agreed, what was delivered and what is owed for it.
//
// Everything here is a value. Nothing in this package opens a file, a socket or
// a clock; what acts lives in the rooms around it (see ARCHITECTURE.md).
package artel
