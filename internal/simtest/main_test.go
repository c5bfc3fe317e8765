package simtest

import (
	"os"
	"runtime/debug"
	"testing"
)

// A network in virtual time makes garbage faster than it holds anything: with the usual
// heap the collector has a third of the processor. GOGC and GOMEMLIMIT have their say.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(800)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(4 << 30) // a thousand nodes: then it collects more often
	}
	os.Exit(m.Run())
}
