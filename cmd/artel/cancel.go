package main

import (
	"fmt"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) cancelCmd() *cobra.Command {
	return &cobra.Command{
		Use: "cancel JOB…", Short: "End jobs", Args: atLeastOne("JOB"),
		Long: "End jobs. What was delivered stays delivered, and is paid.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			var out []api.Job
			for _, arg := range args {
				j, err := c.Cancel(cmd.Context(), arg)
				if err != nil {
					return err
				}
				out = append(out, j)
			}
			return a.print(out, func() {
				for _, j := range out {
					fmt.Fprintf(a.out, "%s %s, %d of %d tasks done\n", j.ID, clean(string(j.State)), j.Done, j.Tasks)
				}
			})
		},
	}
}
