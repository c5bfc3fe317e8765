//go:build !linux

package checkpoint

import "os"

// nextData would find holes; here they are read as the zeros they stand for.
func nextData(_ *os.File, off, _ int64) int64 { return off }
