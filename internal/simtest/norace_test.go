//go:build !race

package simtest

const shortSeeds, shortLarge = 20, 100
