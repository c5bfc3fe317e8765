// Command workermain is the smallest program that can be a worker: what tests start in
// place of the whole product. It can also be what starts workers (hold), and look out
// from inside a worker's confinement (probe).
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm"
)

func main() {
	switch {
	case len(os.Args) == 2 && os.Args[1] == wasm.WorkerArg:
		os.Exit(wasm.WorkerMain(os.Stdin, os.Stdout))
	case len(os.Args) == 4 && os.Args[1] == "hold":
		if err := hold(os.Args[2], os.Args[3]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	case len(os.Args) == 4 && os.Args[1] == "probe":
		probe(os.Args[2], os.Args[3])
	default:
		os.Exit(2)
	}
}

// hold runs a program that never ends, and shows its log.
func hold(root, program string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	box, err := wasm.New(wasm.Options{Command: []string{self, wasm.WorkerArg}, Root: root, Cache: root + "/cache", Slots: 1})
	if err != nil {
		return err
	}
	r, err := box.Start(context.Background(), "held", sandbox.Spec{
		Program: program, Args: []string{"block"}, Out: root + "/out", Log: root + "/log",
	})
	if err != nil {
		return err
	}
	return r.Follow(context.Background(), os.Stdout)
}
