//go:build !unix

package unpack_test

import "testing"

func wantOwner(*testing.T, string, uint32, uint32) {}

func cpuSeconds() float64 { return 0 }
