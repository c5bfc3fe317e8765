// Command chaind runs one chain node, for tests that kill real processes.
// The product's own command is artel chain.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	chainnode "github.com/artel-network/artel/chain/node"
	"github.com/artel-network/artel/chain/node/internal/forge"
)

func main() {
	dir := flag.String("home", "", "the node's home")
	byzantine := flag.Bool("byzantine", false, "propose forged blocks only")
	verbose := flag.Bool("v", false, "log what the libraries call info")
	flag.Parse()
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	opts := chainnode.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
	if *byzantine {
		opts.Propose = forge.Rotate()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	node, err := chainnode.New(*dir, opts)
	if err == nil {
		err = node.Run(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "chaind:", err)
		os.Exit(1)
	}
}
