// Command chainer hashes what it hashed before, a known number of times: its result
// shows whether anything was left out, done twice or changed on the way.
//
//	chainer SEED STEPS MILLISECONDS [files]
//
// It rests for some milliseconds after each step. With "files" it goes on from what is
// under /checkpoint.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"
)

const (
	state   = "/checkpoint/state"
	rounds  = 64 // of a step
	between = 10 // steps from one state to the next
)

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "chainer SEED STEPS MILLISECONDS [files]")
		os.Exit(64)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], len(os.Args) > 4); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(seed, count, rest string, files bool) error {
	steps, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	ms, err := strconv.Atoi(rest)
	if err != nil {
		return err
	}
	head, from := sha256.Sum256([]byte(seed+" "+os.Getenv("ARTEL_TASK"))), 0
	if files {
		if from, err = load(head[:]); err != nil {
			return err
		}
	}
	fmt.Println("from step", from)
	for n := from; n < steps; n++ {
		for range rounds {
			head = sha256.Sum256(fmt.Appendf(head[:], "%d", n))
		}
		if files && n%between == between-1 {
			if err := save(n+1, head[:]); err != nil {
				return err
			}
		}
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	return os.WriteFile("/out/result", fmt.Appendf(nil, "%x\n", head), 0o644)
}

// load reads into head what was saved last, and returns the step to go on with.
func load(head []byte) (int, error) {
	b, err := os.ReadFile(state)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var n int
	var h []byte
	if _, err := fmt.Sscanf(string(b), "%d %x\n", &n, &h); err != nil || len(h) != len(head) {
		return 0, fmt.Errorf("state %q: %v", b, err)
	}
	copy(head, h)
	return n, nil
}

func save(n int, head []byte) error {
	if err := os.WriteFile(state+".new", fmt.Appendf(nil, "%d %x\n", n, head), 0o644); err != nil {
		return err
	}
	return os.Rename(state+".new", state)
}
