package main

import (
	"fmt"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

// mostRemoved is how many jobs --older looks at.
const mostRemoved = 10_000

func (a *app) rmCmd() *cobra.Command {
	var older string
	c := &cobra.Command{
		Use: "rm {JOB… | --older TIME}", Short: "Forget jobs that have ended, and what they left",
		Long: `Forget jobs that have ended: their tasks, logs, and what they left in /out and nobody
has fetched. It cannot be taken back. What was paid stays in the statement. The disk is
free soon, or when what they left is a day old.`,
		Example: `  artel rm 3f9a
  artel rm --older 30d`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (older == "") {
				return usage("artel rm JOB, or artel rm --older 30d", "rm wants jobs, or an age")
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			if older != "" {
				ms, err := parseDuration("--older", older)
				if err != nil {
					return err
				}
				js, err := c.List(cmd.Context(), api.JobQuery{All: true, Limit: mostRemoved})
				if err != nil {
					return err
				}
				before := time.Now().Add(-time.Duration(ms) * time.Millisecond)
				for _, j := range js {
					if j.State.Ended() && j.Ended.Before(before) {
						args = append(args, j.ID)
					}
				}
			}
			var out []api.Job
			var k firstError
			for _, arg := range args {
				j, err := c.Remove(cmd.Context(), arg)
				if err == nil {
					out = append(out, j)
				}
				k.keep(err)
			}
			if k.err != nil && len(out) == 0 {
				return k.err
			}
			k.keep(a.print(out, func() {
				for _, j := range out {
					fmt.Fprintf(a.out, "%s %s is forgotten\n", j.ID, clean(j.Name))
				}
				if len(out) == 0 {
					fmt.Fprintln(a.out, "no job is that old")
				}
			}))
			return k.err
		},
	}
	c.Flags().StringVar(&older, "older", "", "all that ended longer ago than this: 12h, 30d")
	return c
}
