package simtest

import (
	"os"
	"runtime/debug"
	"testing"
)

// A network in virtual time makes garbage faster than it holds anything: with the usual
// heap the collector has a third of the processor.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800)
	}
	os.Exit(m.Run())
}
