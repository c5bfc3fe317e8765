package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes; the package comment says what they mean.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNoDaemon    = 3
	exitJobFailed   = 4
	exitInterrupted = 130
)

// usageError is a mistake on the command line.
type usageError struct {
	msg, hint string
	quote     string // lines of a file to show where
}

func (e usageError) Error() string {
	if e.hint == "" {
		return e.msg
	}
	return e.msg + "; hint: " + e.hint
}

func usage(hint, format string, args ...any) error {
	return usageError{msg: fmt.Sprintf(format, args...), hint: hint}
}

// exitError ends the program with a code after everything was said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// report tells the person what went wrong and returns the exit code.
func (a *app) report(ctx context.Context, cmd *cobra.Command, err error) int {
	var code exitError
	if errors.As(err, &code) {
		return int(code)
	}
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		a.say("artel: interrupted")
		return exitInterrupted
	}
	e, exit := api.AsError(err), exitFailed
	var u usageError
	if errors.As(err, &u) {
		e, exit = &api.Error{Code: api.CodeInvalid, Message: u.msg, Hint: u.hint}, exitUsage
		if e.Hint == "" {
			e.Hint = cmd.CommandPath() + " --help"
		}
	}
	if e.Code == api.CodeNoDaemon {
		exit = exitNoDaemon
	}
	if a.json {
		b, _ := json.Marshal(map[string]*api.Error{"error": e})
		a.say("%s", b)
		return exit
	}
	a.say("artel: %s", clean(e.Message))
	if u.quote != "" {
		a.say("%s", u.quote)
	}
	if e.Hint != "" {
		a.say("hint: %s", clean(e.Hint))
	}
	return exit
}

// group is the RunE of a command that only has subcommands.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	if near := nearest(args[0], names); near != "" {
		return usage("did you mean `"+cmd.CommandPath()+" "+near+"`?", "unknown command %q", clean(args[0]))
	}
	return usage(cmd.CommandPath()+" --help lists the commands", "unknown command %q", clean(args[0]))
}

// flagError makes a usage error of what the flag parser says.
func flagError(cmd *cobra.Command, err error) error {
	if errors.Is(err, pflag.ErrHelp) {
		return err
	}
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "uint32" {
		return usage("like --"+invalid.GetFlag().Name+" 2", "--%s %q is not a whole number", invalid.GetFlag().Name, clean(invalid.GetValue()))
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage("", "%s", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := strings.TrimLeft(unknown.GetSpecifiedName(), "-")
	dashes := "--"
	if unknown.GetSpecifiedShortnames() != "" {
		dashes = "-"
	}
	if near := nearest(name, names); near != "" {
		return usage("did you mean --"+near+"?", "unknown flag %s%s", dashes, clean(name))
	}
	return usage(cmd.CommandPath()+" --help lists the flags; what the program gets comes after --", "unknown flag %s%s", dashes, clean(name))
}

// exactly wants n arguments and says which.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage("", "%s wants %s", cmd.CommandPath(), strings.Join(names, " "))
		case len(args) > len(names):
			return usage("", "%s does not take %q", cmd.CommandPath(), clean(args[len(names)]))
		}
		return nil
	}
}

// atMost wants no more than n arguments.
func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return usage("", "%s does not take %q", cmd.CommandPath(), clean(args[n]))
		}
		return nil
	}
}

// atLeastOne wants one argument or more.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("", "%s wants %s", cmd.CommandPath(), name)
		}
		return nil
	}
}

// notBoth refuses two flags that contradict each other.
func notBoth(cmd *cobra.Command, a, b string) error {
	if cmd.Flags().Changed(a) && cmd.Flags().Changed(b) {
		return usage("give one of them", "--%s and --%s contradict each other", a, b)
	}
	return nil
}

// nearest returns the name that s was most likely meant to be, or "".
func nearest(s string, names []string) string {
	best, least := "", 1+max(1, len(s)/3)
	for _, n := range names {
		if d := distance(s, n); d < least || strings.HasPrefix(n, s) && len(s) > 1 && best == "" {
			best, least = n, min(d, least)
		}
	}
	return best
}

// distance is Levenshtein's, with a swap of neighbours as one step.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}
