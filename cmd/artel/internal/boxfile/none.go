//go:build !artel_box || !linux || !(amd64 || arm64)

// Package boxfile holds the program that containers are made of (cmd/artel/internal/box),
// where artel was built with it: by make build, with the tag artel_box. Without it artel
// executes itself instead, and containers begin more slowly.
package boxfile

// Packed is the program as gvisor.Unpack takes it, or nil.
func Packed() []byte { return nil }
