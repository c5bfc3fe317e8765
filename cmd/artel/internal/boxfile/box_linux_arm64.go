//go:build artel_box

// Package boxfile holds the program that containers are made of (cmd/artel/internal/box),
// where artel was built with it: by make build, with the tag artel_box. Without it artel
// executes itself instead, and containers begin more slowly.
package boxfile

import _ "embed"

//go:embed box_linux_arm64.zst
var packed []byte

// Packed is the program as gvisor.Unpack takes it, or nil.
func Packed() []byte { return packed }
