package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) recoverCmd() *cobra.Command {
	return &cobra.Command{
		Use: "recover", Short: "Go on where a lost machine with this key was", Args: exactly(),
		Long: `Find what an earlier installation with this node's key has left: the vouchers that
providers hold, the journal of its open jobs and their checkpoints that other machines
keep. Jobs go on: what runs is watched on, the rest goes on from its checkpoints.

The controller's generation is raised first, so that the earlier installation, if it
still runs somewhere, can promise nothing any more. It may be repeated.

On a new machine: artel wallet restore FILE, artel up, and then this.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			r, err := c.Recover(ctx)
			if err != nil {
				return err
			}
			return a.print(r, func() { a.recoveryText(ctx, c, r) })
		},
	}
}

func (a *app) recoveryText(ctx context.Context, c *api.Client, r api.Recovery) {
	fmt.Fprintf(a.out, "generation %d: %d of %d providers answered, %d lanes, promised %s, booked %s\n",
		r.Generation, r.Answered, r.Asked, r.Lanes, a.money(ctx, c, r.Promised), a.money(ctx, c, r.Booked))
	fmt.Fprintf(a.out, "keepers: %d of %d answered, they hold checkpoints of %d tasks", r.KeepersAnswered, r.KeepersAsked, r.Kept)
	if r.Journal.IsZero() {
		fmt.Fprintln(a.out, ", no journal of open jobs")
	} else {
		fmt.Fprintf(a.out, ", the journal ends at %s\n", r.Journal.Local().Format(time.DateTime))
	}
	fmt.Fprintf(a.out, "%d jobs go on here, %d leases with them\n", len(r.Jobs), r.Leases)
	rows := [][]string{{"JOB", "NAME", "TASKS", "DONE", "RUNNING", "FROM A CHECKPOINT"}}
	for _, j := range r.Jobs {
		rows = append(rows, []string{short(j.ID), clean(j.Name), fmt.Sprint(j.Tasks), fmt.Sprint(j.Done), fmt.Sprint(j.Running), fmt.Sprint(j.Kept)})
	}
	if len(r.Jobs) > 0 {
		table(a.out, rows)
	}
	for _, j := range r.Jobs {
		for _, l := range j.Lacks {
			a.say("job %s: %s; until then it goes on only where it ran before", short(j.ID), clean(l))
		}
		if j.Gone > 0 {
			a.say("job %s: the outputs of %d finished tasks were on the lost machine alone", short(j.ID), j.Gone)
		}
	}
	if r.Closed > 0 {
		a.say("%d leases that no journal knew were closed", r.Closed)
	}
	for _, x := range r.Refused {
		a.say("not used: %s", clean(x))
	}
	if r.Away > 0 {
		a.say("%d providers with money booked for them have no offer now", r.Away)
	}
	if r.Asked == 0 || r.KeepersAsked == 0 {
		a.say("note: this machine sees nobody who could be asked yet; hint: artel offers lists those it sees, then artel recover again")
	}
	if r.Answered < r.Asked || r.KeepersAnswered < r.KeepersAsked || r.Away > 0 {
		a.say("note: artel recover asks again; a provider that is away now is asked when it refuses a lease for what it holds")
	}
}

// short is the beginning of a job's id, as ps shows it and other commands take it.
func short(id string) string {
	id = strings.TrimPrefix(id, "0x")
	return id[:min(len(id), 12)]
}
