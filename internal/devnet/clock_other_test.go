//go:build !(linux && amd64)

package devnet_test

import "testing"

func (w *world) shiftClock(t *testing.T, pid int, seconds int32) {
	t.Helper()
	t.Skip("a process's clock is shifted on linux/amd64 only")
}
