package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

type runOptions struct {
	job            jobFlags
	wasm, in, out  string
	detach, dryRun bool
	noFetch        bool
	schema         bool
	steward        bool // it drives the job
}

func (a *app) runCmd() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run {--image NAME | --wasm FILE | JOBFILE} [flags] [-- args…]",
		Short: "Run a program on somebody else's machine",
		Long: `Run a container image or a WASM program on rented machines.

--image takes a name as docker takes it, a tar that docker save wrote, or an OCI
layout. What comes after -- takes the place of the image's own command; its entry
point stays. --wasm takes a WASI preview 1 module (GOOS=wasip1), and what comes
after -- are its arguments. A job file (JOB.yaml, .yml, .json, or - for stdin) holds
the same by the flags' names; flags given here go before it. docs/jobs.md has more.

The program sees its input under /in, keeps what it leaves in /out, and its
index in $ARTEL_TASK. The job lives in the daemon: closing the terminal does not
end it, Ctrl-C only stops watching. With --steward it lives on the machine that
artel steward names, and this one may be switched off once artel run has returned.

A machine's owner can read all that runs on it, so secrets are refused until
--secrets-to-strangers says that they may be seen.`,
		Example: `  artel run --image python:3.12 --cpu 2 --mem 4GiB --in data/ -- python /in/train.py
  artel run --image ./image.tar --net pypi.org --net files.pythonhosted.org
  artel run --wasm prog.wasm --in data/ --array 1-16 --max-price 0.5/h -- --rate 0.1
  artel run job.yaml --array 1-4 --dry-run`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
		},
	}
	c.RunE = func(cmd *cobra.Command, args []string) error { return a.run(cmd, &o, args) }
	o.job.register(c)
	f := c.Flags()
	f.StringVar(&o.wasm, "wasm", "", "WASM program")
	f.StringVar(&o.in, "in", "", "file or directory to give it under /in")
	f.StringVar(&o.out, "out", "", "directory for what it leaves in /out (default ./out-JOB)")
	f.BoolVarP(&o.detach, "detach", "d", false, "print the job's id and return")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what it would cost and start nothing")
	f.BoolVar(&o.noFetch, "no-fetch", false, "leave the output with the daemon")
	f.BoolVar(&o.steward, "steward", false, "hand the job to the steward, with all it needs, and return; see artel steward")
	f.BoolVar(&o.schema, "schema", false, "print the JSON schema of job files")
	c.MarkFlagFilename("wasm", "wasm")
	return c
}

// run reads the job file, if one is given, and runs the job.
func (a *app) run(cmd *cobra.Command, o *runOptions, args []string) error {
	if o.schema {
		return a.printSchema(jobForm(), cmd)
	}
	j, args, err := a.fill(jobForm(), cmd, args)
	if err != nil {
		return err
	}
	return j.locate(a.runJob(cmd.Context(), *o, args))
}

func (a *app) runJob(ctx context.Context, o runOptions, args []string) error {
	switch {
	case o.wasm == "" && o.job.image == "":
		return usage("artel run --image NAME, artel run --wasm prog.wasm, or artel run job.yaml", "there is no program to run")
	case o.wasm != "" && o.job.image != "":
		return usage("give one of them", "--wasm and --image contradict each other")
	}
	if o.wasm != "" {
		if err := checkWASM(o.wasm); err != nil {
			return err
		}
	}
	if o.out != "" && o.steward {
		return usage("artel fetch --steward JOB --out DIR, when it is done", "--out and --steward contradict each other: this machine may be away by then")
	}
	if o.out != "" && !o.detach {
		if err := checkFree(o.out); err != nil { // now, and not after hours
			return err
		}
	}
	if o.in != "" { // before an image is looked up and taken in
		if _, err := os.Stat(o.in); err != nil {
			return fmt.Errorf("add input: %w", err)
		}
	}
	c, err := a.local()
	if err != nil {
		return err
	}
	defer c.Close()
	to := c
	if o.steward {
		if to, err = a.toSteward(ctx, c); err != nil {
			return err
		}
	}
	spec, err := o.job.spec(ctx, a, c, args)
	if err != nil {
		return err
	}
	if spec.Name == "" {
		spec.Name = strings.TrimSuffix(filepath.Base(o.wasm), ".wasm")
	}
	if o.dryRun {
		return a.quote(ctx, to, spec)
	}
	if o.wasm != "" {
		if spec.Program, err = a.add(ctx, c, "program", o.wasm); err != nil {
			return err
		}
	}
	if o.in != "" {
		if spec.Input, err = a.addInput(ctx, c, o.in); err != nil {
			return err
		}
	}
	key, err := jobKey()
	if err != nil {
		return err
	}
	j, err := to.Submit(ctx, api.SubmitRequest{Key: key, Spec: spec})
	if err != nil {
		if ctx.Err() != nil {
			a.say("artel: the job may have been submitted; hint: artel ps%s", map[bool]string{true: " --steward", false: ""}[o.steward])
		}
		return err
	}
	if o.steward {
		a.say("job %s is stored with the steward, and all it needs: this machine may go away now\nhint: artel ps --steward %s, artel fetch --steward %s", j.ID, j.ID, j.ID)
		return a.print(j, func() { fmt.Fprintln(a.out, j.ID) })
	}
	if o.detach {
		a.say("job %s is submitted; hint: artel logs -f %s, artel fetch %s", j.ID, j.ID, j.ID)
		return a.print(j, func() { fmt.Fprintln(a.out, j.ID) })
	}
	return a.follow(ctx, c, j, o)
}

// jobKey draws what makes a job one job, however often it is submitted.
func jobKey() (string, error) {
	var key [16]byte
	if _, err := rand.Read(key[:]); err != nil {
		return "", fmt.Errorf("draw job key: %w", err)
	}
	return hex.EncodeToString(key[:]), nil
}

// follow watches a job to its end and fetches what it left.
func (a *app) follow(ctx context.Context, c *api.Client, j api.Job, o runOptions) error {
	end, err := a.watch(ctx, c, j)
	if ctx.Err() != nil {
		a.say("artel: job %s goes on without this terminal\nhint: artel logs -f %s to watch, artel cancel %s to end it", j.ID, j.ID, j.ID)
		return exitError(exitInterrupted)
	}
	if err != nil {
		return err
	}
	if !o.noFetch && end.Done > 0 {
		out := o.out
		if out == "" {
			out = "out-" + j.ID
		}
		if err := a.fetch(ctx, c, end.ID, nil, out); err != nil {
			return err
		}
	}
	if a.json {
		if err := a.line(end); err != nil {
			return err
		}
	}
	if end.State != api.StateDone {
		a.say("artel: job %s %s: %s", end.ID, end.State, clean(end.Message))
		a.say("hint: artel ps %s shows its tasks, artel logs %s what they printed", end.ID, end.ID)
		if end.Reason == artel.ReasonDeadline {
			return exitError(exitDeadline)
		}
		return exitError(exitJobFailed)
	}
	return nil
}

// checkWASM finds the commonest mistakes before anything is sent.
func checkWASM(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil || string(magic[:]) != "\x00asm" {
		return usage("build it for WASI: GOOS=wasip1 GOARCH=wasm go build -o prog.wasm", "%s is not a WASM module", clean(path))
	}
	return nil
}
