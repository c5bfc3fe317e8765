package main

import (
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

// wasmWorkerCmd is what the daemon starts to run WASM in a process that can be
// killed. People have no use for it.
func (a *app) wasmWorkerCmd() *cobra.Command {
	return &cobra.Command{
		Use: "wasm-worker", Hidden: true, Args: cobra.ArbitraryArgs, DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error { return notInThisBuild("wasm-worker") },
	}
}

// notInThisBuild refuses a verb whose room is not linked in.
func notInThisBuild(verb string) error {
	return api.Errorf(api.CodeUnsupported, "artel %s is not part of this build", verb)
}
