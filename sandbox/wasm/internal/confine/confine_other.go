//go:build !linux

package confine

// Apply does nothing here: outside Linux a worker relies on wazero alone.
func Apply(Config) (Applied, error) { return Applied{}, nil }

// Possible reports what Apply can do.
func Possible() Applied { return Applied{} }

// LimitHeap does nothing here.
func LimitHeap(int64) {}

// CPUMillis is not known here.
func CPUMillis() int64 { return 0 }
