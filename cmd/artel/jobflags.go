package main

import (
	"context"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

// jobFlags are the flags that describe a job; run and quote share them.
type jobFlags struct {
	name, array, maxPrice, budget, timeout, mem, disk, logLimit, failover, sandbox string
	parallel, tries                                                                uint32
	env, providers                                                                 []string
}

func (f *jobFlags) register(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.name, "name", "", "what to call the job (default the program's file name)")
	fs.StringVar(&f.array, "array", "", "a task for each index, like 1-16; the index is in $ARTEL_TASK")
	fs.StringVar(&f.maxPrice, "max-price", "", "most to pay for a slot: 0.5/h in tokens, or units per 10⁶ s")
	fs.StringVar(&f.budget, "budget", "", "most to pay for the whole job: 2.5ART, or units")
	fs.StringVar(&f.timeout, "timeout", "10m", "time limit of each task")
	fs.StringVar(&f.mem, "mem", "256MiB", "memory of each task")
	fs.StringVar(&f.disk, "disk", "256MiB", "output and scratch of each task")
	fs.StringVar(&f.logLimit, "log-limit", "1MiB", "most to keep of what each task prints")
	fs.Uint32Var(&f.tries, "tries", 3, "tries of a task that fails by its own fault")
	fs.StringVar(&f.failover, "failover", "normal", "how soon a silent machine is replaced: normal (20 s) or fast (3 s)")
	fs.Uint32Var(&f.parallel, "parallel", 0, "most tasks at once (default as many as help)")
	fs.StringArrayVar(&f.env, "env", nil, "NAME=value for the program; may be repeated")
	fs.StringArrayVar(&f.providers, "provider", nil, "node id of a provider to use, and no other; may be repeated")
	fs.StringVar(&f.sandbox, "sandbox", "wasm", "kind of sandbox")
}

// spec makes the job of the flags, without program and input.
func (f *jobFlags) spec(ctx context.Context, a *app, c *api.Client, args []string) (artel.JobSpec, error) {
	j := artel.JobSpec{Name: f.name, Args: args, Env: f.env, Count: 1, Sandbox: f.sandbox, Parallel: f.parallel, Tries: f.tries, Failover: artel.FailoverNormal}
	var err error
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	read := func(into *uint64, parse func(flag, s string) (uint64, error), flag, s string) {
		n, e := parse(flag, s)
		*into = n
		keep(e)
	}
	j.Want.Slots = 1
	read(&j.Wall, parseDuration, "--timeout", f.timeout)
	read(&j.Want.Memory, parseSize, "--mem", f.mem)
	read(&j.Want.Disk, parseSize, "--disk", f.disk)
	read(&j.Log, parseSize, "--log-limit", f.logLimit)
	if f.array != "" {
		first, count, e := parseArray(f.array)
		j.First, j.Count = first, count
		keep(e)
	}
	switch f.failover {
	case "normal":
	case "fast":
		j.Failover = artel.FailoverFast
	default:
		keep(usage("normal or fast", "--failover %q", clean(f.failover)))
	}
	for _, e := range f.env {
		if name, _, ok := strings.Cut(e, "="); !ok || strings.HasPrefix(name, "ARTEL_") {
			keep(usage("like --env SEED=7; ARTEL_ names are taken", "--env %q", clean(e)))
		}
	}
	for _, p := range f.providers {
		id, e := artel.ParseNodeID(p)
		if e != nil {
			keep(usage("66 hex digits, as `artel offers --json` shows them", "--provider %q is not a node id", clean(p)))
		}
		j.Providers = append(j.Providers, id)
	}
	if err == nil && f.maxPrice != "" {
		j.MaxPrice, err = a.parsePrice(ctx, c, "--max-price", f.maxPrice, false)
	}
	if err == nil && f.budget != "" {
		j.Budget, err = a.parseAmount(ctx, c, "--budget", f.budget)
	}
	return j, err
}
