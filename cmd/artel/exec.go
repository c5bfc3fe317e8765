package main

import (
	"context"
	"io"
	"os"
	"path"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

type execOptions struct {
	tty, stdin bool
	env        []string
	dir        string
}

func (a *app) execCmd() *cobra.Command {
	var o execOptions
	c := &cobra.Command{
		Use: "exec JOB[/TASK] [flags] -- PROGRAM [args…]", Short: "Run a program beside a running task",
		Long: `Run another program in the container of a running task, with the task's files and
within its limits. It ends with the task.

Its exit code is this command's, 128+n if signal n ended it. 125 says that it was not
started at all (no such task, no daemon, a mistake on the command line), 126 that the
container cannot execute it, 127 that it is not in the image; the reason is on stderr.`,
		Example: `  artel exec 3fa9 -- nvidia-smi
  artel exec 3fa9/2 -- sh -c 'tail -n 3 /out/loss.csv'
  artel exec -i 3fa9 -- sh -c 'cat > /tmp/config' < config`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usage("artel exec JOB -- PROGRAM; artel shell JOB opens a shell", "artel exec wants JOB and a program to run")
			}
			return nil
		},
		Annotations:       map[string]string{endsAsProgram: ""},
		ValidArgsFunction: a.jobCompletion(""),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exec(cmd.Context(), o, args[0], args[1:])
		},
	}
	f := c.Flags()
	f.SetInterspersed(true)
	f.BoolVarP(&o.tty, "tty", "t", false, "give it a terminal, which this one becomes")
	f.BoolVarP(&o.stdin, "stdin", "i", false, "give it what comes on stdin")
	f.StringArrayVarP(&o.env, "env", "e", nil, "NAME=value for it; may be repeated")
	f.StringVarP(&o.dir, "workdir", "w", "", "directory to run it in (default the task's)")
	return c
}

func (a *app) exec(ctx context.Context, o execOptions, name string, args []string) error {
	for _, e := range o.env {
		if n, _, ok := strings.Cut(e, "="); !ok || n == "" {
			return usage("like -e SEED=7", "--env %q", clean(e))
		}
	}
	if o.dir != "" && !path.IsAbs(o.dir) {
		return usage("like /work", "--workdir %q is not an absolute path", clean(o.dir))
	}
	if o.tty && !isTerminal(a.in) {
		return usage("leave --tty out, and use -i for what comes on stdin", "--tty, and stdin is no terminal")
	}
	c, t, err := a.visit(ctx, name)
	if err != nil {
		return err
	}
	defer c.Close()
	p := program{VisitRequest: api.VisitRequest{Args: args, Env: o.env, Dir: o.dir}}
	if o.tty {
		return a.session(ctx, c, t, p)
	}
	p.stdout, p.stderr = a.harmless(a.out), a.harmless(a.err)
	if o.stdin {
		p.stdin = a.in
	}
	code, err := a.runIn(ctx, c, t, p)
	if err != nil {
		return err
	}
	return exitCode(code)
}

// harmless is f, where it is a terminal without what could drive it.
func (a *app) harmless(f *os.File) io.Writer {
	if isTerminal(f) {
		return &plain{w: f}
	}
	return f
}
