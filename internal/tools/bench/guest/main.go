// Command guest is what the benchmarks of containers run.
//
//	guest true   does nothing
//	guest spin   computes on one core, and prints how long that took
//	guest wait   waits a second
//	guest busy N computes on one core, with N MiB in use, until it is ended
//	guest count N   writes the time, in unix ms, twenty times a second, N seconds long
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"time"
)

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == "true":
	case len(os.Args) == 2 && os.Args[1] == "spin":
		start := time.Now()
		sum := spin()
		fmt.Printf("spun %x in %d µs\n", sum[:8], time.Since(start).Microseconds())
	case len(os.Args) == 2 && os.Args[1] == "wait":
		time.Sleep(time.Second)
	case len(os.Args) == 3 && os.Args[1] == "busy":
		for held, x := make([]byte, number()<<20), uint32(1); ; {
			for i := range held {
				x = x*1664525 + 1013904223
				held[i] = byte(x >> 24)
			}
		}
	case len(os.Args) == 3 && os.Args[1] == "count":
		for range 20 * number() {
			fmt.Println(time.Now().UnixMilli())
			time.Sleep(50 * time.Millisecond)
		}
	default:
		os.Exit(2)
	}
}

// number is the argument of what was asked for.
func number() int {
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		os.Exit(2)
	}
	return n
}

// spin sieves, multiplies matrices and hashes, about as long each: whole numbers and
// jumps, floats, and memory.
func spin() [sha256.Size]byte {
	const (
		limit  = 16 << 20
		side   = 448
		rounds = 512
	)
	composite := make([]bool, limit)
	primes := 0
	for i := 2; i < limit; i++ {
		if composite[i] {
			continue
		}
		primes++
		for j := i * i; j < limit; j += i {
			composite[j] = true
		}
	}
	a, b, c := make([]float64, side*side), make([]float64, side*side), make([]float64, side*side)
	for i := range a {
		a[i], b[i] = float64(i%97), float64(i%89)
	}
	for n := range 2 {
		for i := range side {
			for k := range side {
				x := a[i*side+k]
				for j, y := range b[k*side : k*side+side] {
					c[i*side+j] += x*y + float64(n)
				}
			}
		}
	}
	block := make([]byte, 1<<20)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %g", primes, c[side]))
	for range rounds {
		copy(block, sum[:])
		sum = sha256.Sum256(block)
	}
	return sum
}
