//go:build !linux || !(amd64 || arm64)

package gvisor

import (
	"context"
	"fmt"
	"runtime"

	"github.com/artel-network/artel/sandbox"
)

// Box cannot be made here.
type Box struct{ sandbox.Adopter }

// Limited returns an error that wraps ErrUnsupported.
func (*Box) Limited() error { return errPlatform }

// Needs is sandbox.Mover's; there is nothing to move here.
func (*Box) Needs() sandbox.Needs { return sandbox.Needs{} }

var errPlatform = fmt.Errorf("%w: gVisor is for linux on amd64 and arm64, and this is %s on %s; hint: run artel inside WSL2 or a Linux virtual machine, or offer WASM only",
	ErrUnsupported, runtime.GOOS, runtime.GOARCH)

// New returns an error that wraps ErrUnsupported.
func New(Options) (*Box, error) { return nil, errPlatform }

// Main does nothing here.
func Main() bool { return false }

// Probe returns an error that wraps ErrUnsupported.
func Probe(context.Context, Options) error { return errPlatform }

// Drivers is empty here.
func Drivers() []string { return nil }

// Check returns an error that wraps ErrUnsupported.
func (g *GPUs) Check() error { return errPlatform }

// Program cannot be made here.
type Program struct{}

// Unpack returns an error that wraps ErrUnsupported.
func Unpack([]byte) (*Program, error) { return nil, errPlatform }

// Close does nothing here.
func (*Program) Close() error { return nil }
