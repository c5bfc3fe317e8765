//go:build cgo

package wasm

// withCgo: a program with C threads cannot confine all of itself.
const withCgo = true
