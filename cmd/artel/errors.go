package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/near"
	"github.com/artel-network/artel/internal/yamlfile"
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
	exitDeadline    = 5
	exitNotProgram  = 125 // of what runs a program and ends with its code: it was not the program
	exitInterrupted = 130
)

// endsAsProgram marks commands whose exit code is a program's.
const endsAsProgram = "ends as its program"

// usageError is a mistake on the command line.
type usageError struct{ msg, hint string }

func (e usageError) Error() string {
	if e.hint == "" {
		return e.msg
	}
	return e.msg + "; hint: " + e.hint
}

func usage(hint, format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...), hint}
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
	var m *yamlfile.Mistake
	if errors.As(err, &m) {
		e, exit = &api.Error{Code: api.CodeInvalid, Message: m.Msg, Hint: m.Hint}, exitUsage
	}
	if errors.As(err, &u) {
		e, exit = &api.Error{Code: api.CodeInvalid, Message: u.msg, Hint: u.hint}, exitUsage
		if e.Hint == "" {
			e.Hint = cmd.CommandPath() + " --help"
		}
	}
	if e.Code == api.CodeNoDaemon {
		exit = exitNoDaemon
	}
	if _, ok := cmd.Annotations[endsAsProgram]; ok {
		exit = exitNotProgram
	}
	if a.json {
		b, _ := json.Marshal(map[string]*api.Error{"error": e})
		a.say("%s", b)
		return exit
	}
	a.say("artel: %s", clean(e.Message))
	if m != nil {
		for line := range strings.Lines(m.Quote) {
			a.say("%s", clean(strings.TrimSuffix(line, "\n")))
		}
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
	if meant := near.Nearest(args[0], names); meant != "" {
		return usage("did you mean `"+cmd.CommandPath()+" "+meant+"`?", "unknown command %q", clean(args[0]))
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
	if meant := near.Nearest(name, names); meant != "" {
		return usage("did you mean --"+meant+"?", "unknown flag %s%s", dashes, clean(name))
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
