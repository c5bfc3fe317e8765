package main

import "github.com/spf13/cobra"

// devnetCmd runs a private network on this machine, to develop against.
func (a *app) devnetCmd() *cobra.Command {
	return &cobra.Command{
		Use: "devnet", Short: "Run a private network on this machine", Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return notInThisBuild("devnet") },
	}
}
