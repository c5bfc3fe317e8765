//go:build !linux || !(amd64 || arm64)

package egress

import (
	"context"
	"os"
)

// Egress is what New returns on other systems.
type Egress struct{}

// New returns ErrUnsupported here.
func New(*os.File, Link, Policy) (*Egress, error) { return nil, ErrUnsupported }

// Run returns ErrUnsupported here.
func (*Egress) Run(context.Context) error { return ErrUnsupported }

// Usage is nothing here.
func (*Egress) Usage() Usage { return Usage{} }
