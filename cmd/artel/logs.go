package main

import (
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) logsCmd() *cobra.Command {
	var tasks []uint
	var follow bool
	c := &cobra.Command{
		Use: "logs JOB", Short: "Show what a job's tasks have printed", Args: exactly("JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			id := args[0]
			j, err := c.Job(ctx, id)
			if err != nil {
				return err
			}
			s := &screen{a: a, prefix: j.Tasks > 1 && len(tasks) != 1}
			err = c.Logs(ctx, id, api.LogQuery{Tasks: uints(tasks), Follow: follow}, s.log)
			s.close()
			return err
		},
	}
	c.Flags().UintSliceVar(&tasks, "task", nil, "only of these tasks")
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the job has ended")
	return c
}
