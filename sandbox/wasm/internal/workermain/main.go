// Command workermain is the smallest program that can be a worker: what tests start in
// place of the whole product.
package main

import (
	"os"

	"github.com/artel-network/artel/sandbox/wasm"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == wasm.WorkerArg {
		os.Exit(wasm.WorkerMain(os.Stdin, os.Stdout))
	}
	os.Exit(2)
}
