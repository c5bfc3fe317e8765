package main

import (
	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/spf13/cobra"
)

// wasmWorkerCmd keeps the name of what the daemon starts to run WASM in a
// process that can be killed. main does the work, before cobra sees it.
func (a *app) wasmWorkerCmd() *cobra.Command {
	return &cobra.Command{
		Use: wasm.WorkerArg, Hidden: true, Args: cobra.ArbitraryArgs, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return usage("the daemon starts it by itself", "%s takes no arguments", wasm.WorkerArg)
		},
	}
}
