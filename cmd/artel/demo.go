package main

import "github.com/spf13/cobra"

// demoCmd shows a whole network at work on this machine.
func (a *app) demoCmd() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: "Show a whole network at work on this machine", Args: exactly(),
		RunE: func(*cobra.Command, []string) error { return notInThisBuild("demo") },
	}
}
