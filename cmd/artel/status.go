package main

import (
	"fmt"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) statusCmd() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the node at a glance", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(s, func() {
				fmt.Fprintf(a.out, "node       %s\npeer id    %s\naccount    %s\n", s.Node, s.PeerID, s.Account)
				fmt.Fprintf(a.out, "network    %s, hash %s\n", clean(s.Network), s.Hash.Short())
				fmt.Fprintf(a.out, "up since   %s, process %d, release %s\n", clock(s.Started), s.PID, clean(s.Release))
				fmt.Fprintf(a.out, "peers      %d, %d offers known, reach %s\n", s.Peers, s.Offers, clean(s.Reach))
				fmt.Fprintf(a.out, "traffic    %s sent, %s got\n", size(s.Sent), size(s.Got))
				fmt.Fprintf(a.out, "work       %d jobs, %d leases, providing %s\n", s.Jobs, s.Leases, map[bool]string{true: "on", false: "off"}[s.Provider])
				if s.Kept != "" {
					fmt.Fprintf(a.out, "kept       %s\n", clean(s.Kept))
				}
				fmt.Fprintf(a.out, "chain      %s\n", chainText(s.Chain))
				for _, n := range s.Notices {
					a.say("note: %s", clean(n))
				}
			})
		},
	}
}

func chainText(s api.ChainStatus) string {
	if !s.Reachable {
		return fmt.Sprintf("%d, %s, not reachable: %s", s.ID, s.Kind, clean(s.Message))
	}
	return fmt.Sprintf("%d, %s, block %d of %s, final %d, followed to %d, %d transactions pending", s.ID, s.Kind, s.Head, clock(s.HeadTime), s.Final, s.Followed, s.Pending)
}
