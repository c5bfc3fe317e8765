//go:build unix

package checkpoint

import (
	"context"
	"syscall"
)

type ctxt = context.Context

func mkfifo(path string) error { return syscall.Mkfifo(path, 0o644) }
