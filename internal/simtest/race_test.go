//go:build race

package simtest

// The race detector makes a run ten times as long.
const shortSeeds, shortLarge, shortHours = 4, 30, 1
