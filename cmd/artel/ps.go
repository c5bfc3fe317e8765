package main

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) psCmd() *cobra.Command {
	var q api.JobQuery
	c := &cobra.Command{
		Use: "ps [JOB]", Short: "List jobs, or the tasks of one", Args: atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			if len(args) == 1 {
				return a.tasks(cmd.Context(), c, args[0])
			}
			return a.jobs(cmd.Context(), c, q)
		},
	}
	c.Flags().BoolVarP(&q.All, "all", "a", false, "also those that have ended")
	c.Flags().IntVar(&q.Limit, "limit", 100, "at most so many")
	return c
}

func (a *app) jobs(ctx context.Context, c *api.Client, q api.JobQuery) error {
	js, err := c.List(ctx, q)
	if err != nil {
		return err
	}
	return a.print(js, func() {
		if len(js) == 0 {
			a.say("no jobs%s", map[bool]string{false: " are open; hint: artel ps --all", true: ""}[q.All])
			return
		}
		rows := [][]string{{"JOB", "NAME", "STATE", "TASKS", "PROMISED", "CREATED"}}
		for _, j := range js {
			rows = append(rows, []string{j.ID, clean(j.Name), clean(string(j.State)), fmt.Sprintf("%d/%d", j.Done, j.Tasks), a.money(ctx, c, j.Promised), clock(j.Created)})
		}
		table(a.out, rows)
	})
}

func (a *app) tasks(ctx context.Context, c *api.Client, id string) error {
	j, err := c.Job(ctx, id)
	if err != nil {
		return err
	}
	return a.print(j, func() {
		a.say("job %s %s: %s", j.ID, clean(string(j.State)), tally(j.Job))
		rows := [][]string{{"TASK", "STATE", "ATTEMPT", "PROVIDER", "TIME", "DUE", "CHECKPOINT", "MESSAGE"}}
		for _, t := range j.List {
			provider := "-"
			if t.Attempt > 0 {
				provider = t.Provider.Short()
			}
			rows = append(rows, []string{fmt.Sprint(t.Index), string(t.State), fmt.Sprint(t.Attempt), provider, ran(t.Wall), a.money(ctx, c, t.Due), checkpointText(t, time.Now()), clean(t.Message)})
		}
		table(a.out, rows)
	})
}

// ran is how long a task has taken by its result, of which there may be none yet.
func ran(ms uint64) string {
	if ms == 0 {
		return "-"
	}
	return millis(ms)
}
