package provider

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// LendGPUs says which devices are for strangers from now on, as the sandbox names them.
// What runs keeps those that it has.
func (b *Boxed) LendGPUs(gpus []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lend = slices.Clone(gpus)
}

// gpuWait is how long an attempt waits for devices: that of a lease which has ended may
// still be stopping.
const gpuWait = 30 * time.Second

// takeGPUs gives an attempt n devices of its own, until done.
func (b *Boxed) takeGPUs(ctx context.Context, n int) (gpus []int, done func(), err error) {
	b.mu.Lock()
	have := len(b.lend)
	b.mu.Unlock()
	if n > have {
		return nil, nil, fmt.Errorf("%d GPUs wanted, the machine has %d for tasks", n, have)
	}
	ctx, cancel := context.WithTimeout(ctx, gpuWait)
	defer cancel()
	for {
		gpus, freed := b.tryGPUs(n)
		if gpus != nil {
			return gpus, func() { b.freeGPUs(gpus) }, nil
		}
		select {
		case <-freed:
		case <-time.After(time.Second): // of an earlier run's attempts nobody tells
		case <-ctx.Done():
			return nil, nil, fmt.Errorf("%d GPUs wanted, so many are not free", n)
		}
	}
}

// tryGPUs takes n devices, or none and a channel that closes when some are given back.
func (b *Boxed) tryGPUs(n int) ([]int, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended()
	var gpus []int
	for _, g := range b.lend {
		if !b.gpus[g] && len(gpus) < n {
			gpus = append(gpus, g)
		}
	}
	if len(gpus) < n {
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		return nil, b.freed
	}
	b.hasGPUs(gpus)
	return gpus, nil
}

// hasGPUs notes devices as taken. Called with mu held.
func (b *Boxed) hasGPUs(gpus []int) {
	if b.gpus == nil {
		b.gpus = map[int]bool{}
	}
	for _, g := range gpus {
		b.gpus[g] = true
	}
}

func (b *Boxed) freeGPUs(gpus []int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range gpus {
		delete(b.gpus, g)
	}
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// ended gives back the devices of attempts that nobody takes up, once they are over: a
// program that was told to stop has its device until it has. Called with mu held.
func (b *Boxed) ended() {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	b.going = slices.DeleteFunc(b.going, func(run sandbox.Left) bool {
		if _, err := run.Wait(now); err != nil {
			return false
		}
		for _, g := range run.Spec().GPUs {
			delete(b.gpus, g)
		}
		return true
	})
}
