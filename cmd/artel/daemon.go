package main

import (
	"context"
	"fmt"
	"os"

	"github.com/artel-network/artel/cmd/artel/internal/boxfile"
	"github.com/artel-network/artel/node"
	"github.com/artel-network/artel/sandbox/wasm"
)

// openDaemon opens the node that `artel up` runs.
func openDaemon(ctx context.Context, c daemonConfig) (daemon, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return node.Open(ctx, node.Config{
		Paths: c.Dir.Paths, Network: c.Network, Key: c.Key, Account: c.Account, ChainRPC: c.ChainRPC, Listen: c.Listen, Version: c.Version,
		Worker: []string{self, wasm.WorkerArg}, Containers: []string{self}, Box: boxfile.Packed(), InsecureRegistries: c.InsecureRegistries, Log: c.Log,
	})
}
