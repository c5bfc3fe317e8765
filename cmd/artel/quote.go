package main

import (
	"context"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) quoteCmd() *cobra.Command {
	var f jobFlags
	c := &cobra.Command{
		Use: "quote", Short: "Say what a job would cost now", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			spec, err := f.spec(cmd.Context(), a, c, nil)
			if err != nil {
				return err
			}
			return a.quote(cmd.Context(), c, spec)
		},
	}
	f.register(c)
	return c
}

func (a *app) quote(ctx context.Context, c *api.Client, spec artel.JobSpec) error {
	q, err := c.Quote(ctx, spec)
	if err != nil {
		return err
	}
	return a.print(q, func() {
		fmt.Fprintf(a.out, "tasks      %d, %d at once\n", q.Tasks, q.Slots)
		fmt.Fprintf(a.out, "expected   %s in %s\n", a.money(ctx, c, q.Expected), millis(q.Wall))
		fmt.Fprintf(a.out, "at most    %s, if every task runs to its time limit\n", a.money(ctx, c, q.Most))
		fmt.Fprintf(a.out, "deposit    %s\n", a.money(ctx, c, q.Deposit))
		if len(q.Offers) > 0 {
			rows := [][]string{{"NODE", "PRICE", "SLOTS", "TASKS", "CLAIMED", "COUNTS", "REGION", "COST"}}
			for _, o := range q.Offers {
				rows = append(rows, []string{o.Node.Short(), fmt.Sprint(o.Price), fmt.Sprint(o.Slots), fmt.Sprint(o.Tasks), fmt.Sprint(o.Speed), fmt.Sprintf("%.0f", o.Counts), clean(o.Region), a.money(ctx, c, o.Cost)})
			}
			fmt.Fprintln(a.out)
			table(a.out, rows)
		}
		for _, n := range q.Notes {
			a.say("note: %s", clean(n))
		}
		if q.Deposit.Less(q.Expected) {
			a.say("note: the deposit does not cover it; hint: artel wallet deposit %s", q.Expected.Sub(q.Deposit))
		}
	})
}
