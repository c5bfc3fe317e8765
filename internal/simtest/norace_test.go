//go:build !race

package simtest

const shortSeeds, shortLarge, shortHours = 20, 100, 3
