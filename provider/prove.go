package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/artel-network/artel/sandbox"
)

// InBox is the Prover that works by a program in a sandbox, an attempt for each
// chain, beside those of tasks and in the same slots.
type InBox struct {
	Box     sandbox.Box
	Program []byte // as the box runs it; it writes a chain's states to its log
	// Args of the program for a chain.
	Args func(seed [32]byte, steps int) []string
	// Bytes that a step leaves in the log.
	State int
	// Encode makes the proof of the chains' logs.
	Encode func(logs [][]byte) ([]byte, error)
	Dir    string // its own, below the box's root

	mu     sync.Mutex
	ready  bool
	number uint64 // of attempts so far
}

// proofMemory is what the program of a chain may use, in bytes.
const proofMemory = 16 << 20

// Prove implements Prover.
func (b *InBox) Prove(ctx context.Context, seeds [][32]byte, steps int) ([]byte, error) {
	program, first, err := b.prepare(uint64(len(seeds)))
	if err != nil {
		return nil, fmt.Errorf("prepare challenge: %w", err)
	}
	logs, errs := make([][]byte, len(seeds)), make([]error, len(seeds))
	var all sync.WaitGroup
	for i, seed := range seeds {
		all.Go(func() { logs[i], errs[i] = b.chain(ctx, first+uint64(i), program, seed, steps) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("chain %d: %w", i+1, err)
		}
	}
	return b.Encode(logs)
}

// prepare writes the program, once, and returns its path and n numbers for
// attempts, from the first on.
func (b *InBox) prepare(n uint64) (program string, first uint64, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	program = filepath.Join(b.Dir, "program")
	if !b.ready {
		if err := os.RemoveAll(b.Dir); err != nil { // of a daemon that was killed
			return "", 0, err
		}
		if err := os.MkdirAll(b.Dir, 0o700); err != nil {
			return "", 0, err
		}
		if err := os.WriteFile(program, b.Program, 0o600); err != nil {
			return "", 0, err
		}
		b.ready = true
	}
	b.number += n
	return program, b.number - n, nil
}

func (b *InBox) chain(ctx context.Context, number uint64, program string, seed [32]byte, steps int) ([]byte, error) {
	id := fmt.Sprintf("challenge-%d", number)
	out := filepath.Join(b.Dir, id)
	if err := os.Mkdir(out, 0o700); err != nil {
		return nil, err
	}
	log := out + ".log"
	defer func() {
		os.RemoveAll(out)
		os.Remove(log)
	}()
	size := int64(steps * b.State)
	r, err := b.Box.Start(ctx, id, sandbox.Spec{
		Program: program, Key: "challenge", Out: out, Log: log, Args: b.Args(seed, steps),
		Limits: sandbox.Limits{WallMillis: proveFor.Milliseconds(), PrepareMillis: int64(proveFor / 2 / time.Millisecond), LogBytes: max(size, 1), MemoryBytes: proofMemory},
	})
	if err != nil {
		return nil, err
	}
	exit, err := r.Wait(ctx)
	if err != nil {
		r.Kill()
		_, _ = r.Wait(context.WithoutCancel(ctx)) // its files are in use until then
		return nil, err
	}
	if !exit.OK() {
		return nil, fmt.Errorf("the program %s: %s", exit, exit.Message)
	}
	states, err := os.ReadFile(log)
	if err == nil && int64(len(states)) != size {
		err = fmt.Errorf("the program left %d bytes, want %d", len(states), size)
	}
	return states, err
}
