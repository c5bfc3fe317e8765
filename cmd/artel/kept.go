package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) keptCmd() *cobra.Command {
	return &cobra.Command{
		Use: "kept", Short: "List the checkpoints that this machine holds", Args: exactly(),
		Long: `List the checkpoints that this machine holds: of its own jobs, and of those of
others as far as artel provide --max-kept gives. They are sealed, here without a key:
nobody reads them on this machine. A renter lets go of them when its task is over;
what nobody lets go of goes after the time shown.`,
		Example: `  artel kept
  artel kept --json`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.kept(cmd.Context()) },
	}
}

func (a *app) kept(ctx context.Context) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := c.Kept(ctx)
	if err != nil {
		return err
	}
	return a.print(l, func() {
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TASK\tOF\tFROM\tATTEMPT\tKIND\tGENERATION\tHELD\tSIZE\tUNTIL")
		for _, t := range l.Tasks {
			of := t.Renter.Short()
			if t.Own {
				of = "own jobs"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\n", hex.EncodeToString(t.Task[:6]), of, t.Saver.Short(), t.Attempt, clean(string(t.Kind)), t.Generation, t.Held, size(t.Bytes), t.Until.Local().Format("2006-01-02 15:04"))
		}
		w.Flush()
		others := room(l.Others)
		if l.Others.Limit == 0 {
			others += ", no new ones are taken"
		}
		fmt.Fprintf(a.out, "own jobs: %s; others: %s\n", room(l.Own), others)
	})
}
