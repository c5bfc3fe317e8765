package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) servicesCmd() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use: "services [NAME]", Short: "List services and their replicas", Args: atMost(1), ValidArgsFunction: a.serviceCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			ss, err := c.Services(cmd.Context(), all)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				var found []api.Service
				for _, s := range ss {
					if s.Name == args[0] {
						found = append(found, s)
					}
				}
				if ss = found; len(ss) == 0 {
					return api.Errorf(api.CodeNotFound, "no service %q", args[0]).WithHint("artel services --all")
				}
			}
			return a.print(ss, func() { a.showServices(cmd.Context(), c, ss) })
		},
	}
	c.Flags().BoolVarP(&all, "all", "a", false, "also those that have ended")
	return c
}

func (a *app) showServices(ctx context.Context, c *api.Client, ss []api.Service) {
	if len(ss) == 0 {
		a.say("no services; hint: artel serve --name web --image IMAGE --port 8080")
		return
	}
	rows := [][]string{{"SERVICE", "STATE", "HEALTHY", "PORT", "COST", "PROMISED", "MESSAGE"}}
	replicas := [][]string{{"REPLICA", "STATE", "PROVIDER", "COST", "SINCE", "MESSAGE"}}
	for _, s := range ss {
		rows = append(rows, []string{
			clean(s.Name), clean(string(s.State)), fmt.Sprintf("%d/%d", s.Healthy, s.Replicas), fmt.Sprint(s.Spec.Service.Port), a.hourly(ctx, c, s.Price),
			a.money(ctx, c, s.Promised), clean(s.Message),
		})
		for _, r := range s.List {
			row := []string{fmt.Sprintf("%s/%d", short(clean(r.Job)), r.Task), clean(string(r.State)), "-", "-", "-", clean(r.Message)}
			if r.Provider != (artel.NodeID{}) {
				row[2], row[3], row[4] = r.Provider.Short(), a.hourly(ctx, c, r.Price), clock(r.Since)
			}
			replicas = append(replicas, row)
		}
	}
	table(a.out, rows)
	if len(replicas) > 1 {
		fmt.Fprintln(a.out)
		table(a.out, replicas)
	}
}

func (a *app) scaleCmd() *cobra.Command {
	return &cobra.Command{
		Use: "scale SERVICE REPLICAS", Short: "Change how many replicas a service has", Args: exactly("SERVICE", "REPLICAS"), ValidArgsFunction: a.serviceCompletion,
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[1], 10, 32)
			if err != nil || n == 0 || n > artel.MaxReplicas {
				return usage(fmt.Sprintf("1 to %d; artel stop ends it", artel.MaxReplicas), "%q is no number of replicas", clean(args[1]))
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			s, err := c.ScaleService(cmd.Context(), args[0], uint32(n))
			if err != nil {
				return err
			}
			return a.print(s, func() { fmt.Fprintf(a.out, "%s has %d of %d replicas healthy\n", clean(s.Name), s.Healthy, s.Replicas) })
		},
	}
}

func (a *app) stopCmd() *cobra.Command {
	return &cobra.Command{
		Use: "stop SERVICE…", Short: "Drain services and end them", Args: atLeastOne("SERVICE"), ValidArgsFunction: a.serviceCompletion,
		Long: "Drain services and end them: nothing new is sent to their replicas, and after the time of --drain they are told to (SIGTERM), and have ten seconds.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			var out []api.Service
			for _, name := range args {
				s, err := c.StopService(cmd.Context(), name)
				if err != nil {
					return err
				}
				out = append(out, s)
			}
			return a.print(out, func() {
				for _, s := range out {
					fmt.Fprintf(a.out, "%s %s\n", clean(s.Name), clean(string(s.State)))
				}
			})
		},
	}
}

// serviceCompletion completes the names of services that run.
func (a *app) serviceCompletion(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, err := a.client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer c.Close()
	ss, err := c.Services(cmd.Context(), false)
	if err != nil || len(args) > 0 && cmd.Name() != "stop" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var out []string
	for _, s := range ss {
		out = append(out, s.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
