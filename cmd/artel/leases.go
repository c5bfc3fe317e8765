package main

import (
	"fmt"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) leasesCmd() *cobra.Command {
	var q api.LeaseQuery
	c := &cobra.Command{
		Use: "leases", Short: "List leases of this node, as renter and as provider", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			ls, err := c.Leases(ctx, q)
			if err != nil {
				return err
			}
			return a.print(ls, func() {
				rows := [][]string{{"LEASE", "AS", "WITH", "STATE", "SLOTS", "PRICE", "PROMISED", "BOOKED", "ENDS"}}
				for _, l := range ls {
					rows = append(rows, []string{l.ID.Short(), l.Role, l.Peer.Short(), l.State, fmt.Sprint(l.Slots), fmt.Sprint(l.Price), a.money(ctx, c, l.Promised), a.money(ctx, c, l.Cap), clock(l.End)})
				}
				table(a.out, rows)
			})
		},
	}
	c.Flags().BoolVarP(&q.All, "all", "a", false, "also those that have ended")
	c.Flags().IntVar(&q.Limit, "limit", 100, "at most so many")
	return c
}
