package main

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/sandbox"
	"github.com/spf13/cobra"
)

// The kinds of sandbox that run chooses from what it is given.
const (
	sandboxWASM  = "wasm"
	sandboxImage = "gvisor"
)

// jobFlags are the flags that describe a job; run and quote share them. What a
// task gets by default depends on whether it is a container: see spec.
type jobFlags struct {
	name, image, array, maxPrice, budget, timeout, mem, disk, logLimit, failover, sandbox string
	gpuMemory, traffic, workdir, label, deadline, copies                                  string
	cpu, gpu, parallel, tries, stopAfter                                                  uint32
	env, net, secrets, providers                                                          []string
	checkpoint, every                                                                     string
	keepers                                                                               uint32
	exposeSecrets                                                                         bool
}

func (f *jobFlags) register(c *cobra.Command) {
	f.registerProgram(c)
	fs := c.Flags()
	fs.StringVar(&f.array, "array", "", "a task for each index, like 1-16; the index is in $ARTEL_TASK")
	fs.StringVar(&f.timeout, "timeout", "10m", "time limit of each task")
	fs.StringVar(&f.logLimit, "log-limit", "1MiB", "most to keep of what each task prints")
	fs.StringVar(&f.deadline, "deadline", "", "when the job ends, with what is done: 2h from now, 18:30, or 2027-01-31T18:30")
	fs.Uint32Var(&f.stopAfter, "stop-after", 0, "end the job when so many tasks are done; that others fail does not matter then")
	fs.StringVar(&f.copies, "copies", "auto", "whether a task that takes far longer than others is begun on a second machine: auto or never")
	fs.Uint32Var(&f.tries, "tries", 3, "tries of a task that fails by its own fault")
	fs.Uint32Var(&f.parallel, "parallel", 0, "most tasks at once (default as many as help)")
	f.registerCheckpoint(c)
	c.RegisterFlagCompletionFunc("copies", cobra.FixedCompletions([]string{"auto", "never"}, cobra.ShellCompDirectiveNoFileComp))
}

// registerProgram adds the flags that say what runs and on what, which services have too.
func (f *jobFlags) registerProgram(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.name, "name", "", "what to call the job (default the program's or the image's name)")
	fs.StringVar(&f.image, "image", "", "container image: a name as docker takes it, a tar of docker save, or an OCI layout")
	fs.Uint32Var(&f.cpu, "cpu", 1, "cores of each task")
	fs.StringVar(&f.mem, "mem", "", "memory of each task (default 1GiB, of a WASM program 256MiB)")
	fs.StringVar(&f.disk, "disk", "", "output and scratch of each task (default 1GiB, of a WASM program 256MiB)")
	fs.Uint32Var(&f.gpu, "gpu", 0, "GPUs of each task")
	fs.StringVar(&f.gpuMemory, "gpu-memory", "", "memory that each GPU has at least")
	fs.StringArrayVar(&f.net, "net", nil, "host that the program may reach: pypi.org, db.example.org:5432, *.example.org; may be repeated")
	fs.StringVar(&f.traffic, "traffic", "", "most bytes over the network, in and out together (default the provider's limit)")
	fs.StringVar(&f.workdir, "workdir", "", "directory to run in (default the image's)")
	fs.StringArrayVar(&f.env, "env", nil, "NAME=value for the program; may be repeated")
	fs.StringArrayVar(&f.secrets, "secret", nil, "NAME=value, or NAME of this environment, that strangers will see; may be repeated")
	fs.BoolVar(&f.exposeSecrets, "secrets-to-strangers", false, "send secrets although the machines' owners can read them")
	fs.StringVar(&f.maxPrice, "max-price", "", "most to pay for a slot: 0.5/h in tokens, or units per 10⁶ s")
	fs.StringVar(&f.budget, "budget", "", "most to pay for the whole job: 2.5ART, or units")
	fs.StringVar(&f.failover, "failover", "normal", "how soon a silent machine is replaced: normal (20 s) or fast (3 s)")
	fs.StringArrayVar(&f.providers, "provider", nil, "node id of a provider to use, and no other; may be repeated")
	fs.StringVar(&f.label, "label", "", "how machines treat what you give them: public or private-at-rest; docs/jobs.md says what that is worth")
	fs.StringVar(&f.sandbox, "sandbox", "", "kind of sandbox (default gvisor for an image, wasm for a WASM program)")
	c.RegisterFlagCompletionFunc("failover", cobra.FixedCompletions([]string{"normal", "fast"}, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("label", cobra.FixedCompletions([]string{string(artel.LabelPublic), string(artel.LabelPrivate)}, cobra.ShellCompDirectiveNoFileComp))
	c.RegisterFlagCompletionFunc("sandbox", cobra.FixedCompletions([]string{sandboxImage, sandboxWASM}, cobra.ShellCompDirectiveNoFileComp))
}

// firstError keeps the first of several mistakes.
type firstError struct{ err error }

func (k *firstError) keep(err error) {
	if k.err == nil {
		k.err = err
	}
}

// spec makes the job of the flags, without a WASM program and input. An image is
// pinned last, when nothing else can be wrong.
func (f *jobFlags) spec(ctx context.Context, a *app, c *api.Client, args []string) (artel.JobSpec, error) {
	j := artel.JobSpec{Name: f.name, Args: args, Count: 1, Sandbox: f.sandbox, Parallel: f.parallel, Tries: f.tries, Failover: artel.FailoverNormal}
	var k firstError
	read := func(into *uint64, flag, s string, parse func(flag, s string) (uint64, error)) {
		n, err := parse(flag, s)
		*into = n
		k.keep(err)
	}
	kind, most := sandboxWASM, "256MiB"
	if f.image != "" {
		kind, most = sandboxImage, "1GiB"
	}
	if j.Sandbox == "" {
		j.Sandbox = kind
	}
	j.Want.Slots = f.cpu
	read(&j.Wall, "--timeout", f.timeout, parseDuration)
	read(&j.Want.Memory, "--mem", or(f.mem, most), parseSize)
	read(&j.Want.Disk, "--disk", or(f.disk, most), parseSize)
	read(&j.Log, "--log-limit", f.logLimit, parseSize)
	if f.array != "" {
		first, count, err := parseArray(f.array)
		j.First, j.Count = first, count
		k.keep(err)
	}
	switch f.failover {
	case "normal":
	case "fast":
		j.Failover = artel.FailoverFast
	default:
		k.keep(usage("normal or fast", "--failover %q", clean(f.failover)))
	}
	switch f.copies {
	case "auto":
	case "never":
		j.Once = true
	default:
		k.keep(usage("auto or never", "--copies %q", clean(f.copies)))
	}
	if j.Enough = uint64(f.stopAfter); j.Enough > j.Count {
		k.keep(usage("--array 1-N makes a job of N tasks", "--stop-after %d of %d tasks", j.Enough, j.Count))
	}
	if f.deadline != "" {
		at, err := parseDeadline("--deadline", f.deadline, time.Now())
		j.Deadline = at
		k.keep(err)
	}
	if j.Label = artel.Label(f.label); j.Label.Check() != nil {
		k.keep(usage("public or private-at-rest", "--label %q", clean(f.label)))
	}
	env, err := f.variables(a.getenv)
	j.Env = env
	k.keep(err)
	for _, p := range f.providers {
		id, err := artel.ParseNodeID(p)
		if err != nil {
			k.keep(usage("66 hex digits, as `artel offers --json` shows them", "--provider %q is not a node id", clean(p)))
		}
		j.Providers = append(j.Providers, id)
	}
	k.keep(f.box(&j))
	j.Survival, err = f.survival(j)
	k.keep(err)
	if k.err == nil && f.maxPrice != "" {
		j.MaxPrice, k.err = a.parsePrice(ctx, c, "--max-price", f.maxPrice, false)
	}
	if k.err == nil && f.budget != "" {
		j.Budget, k.err = a.parseAmount(ctx, c, "--budget", f.budget)
	}
	if k.err == nil && f.image != "" {
		k.err = a.pin(ctx, c, f.image, &j)
	}
	return j, k.err
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

// box reads what only a container can have.
func (f *jobFlags) box(j *artel.JobSpec) error {
	if f.cpu == 0 {
		return usage("whole cores, like 2", "--cpu 0 is no core at all")
	}
	if f.image == "" {
		for _, x := range []struct {
			flag string
			set  bool
		}{{"--cpu", f.cpu > 1}, {"--gpu", f.gpu > 0}, {"--gpu-memory", f.gpuMemory != ""}, {"--net", len(f.net) > 0}, {"--traffic", f.traffic != ""}, {"--workdir", f.workdir != ""}} {
			if x.set {
				return usage("add --image NAME; a WASM program has one core, no network and no devices", "%s is for containers", x.flag)
			}
		}
		return nil
	}
	j.Want.GPUs = f.gpu
	var k firstError
	if f.gpuMemory != "" {
		n, err := parseSize("--gpu-memory", f.gpuMemory)
		j.Want.GPUMemory = n
		k.keep(err)
		if f.gpu == 0 {
			k.keep(usage("add --gpu 1", "--gpu-memory without a GPU"))
		}
	}
	for _, entry := range f.net {
		d, err := sandbox.ParseAllow(entry)
		if err != nil {
			what, hint, _ := strings.Cut(strings.TrimPrefix(err.Error(), fmt.Sprintf("allow-list entry %q: ", entry)), "; ")
			k.keep(usage(hint, "--net %q: %s", clean(entry), what))
			continue
		}
		j.Box.Network = append(j.Box.Network, d.String())
	}
	if f.traffic != "" {
		n, err := parseSize("--traffic", f.traffic)
		j.Box.Traffic = n
		k.keep(err)
		if len(f.net) == 0 {
			k.keep(usage("add --net HOST for each host that the program may reach", "--traffic without a network"))
		}
	}
	if f.workdir != "" {
		j.Box.Dir = path.Clean(f.workdir)
		if !path.IsAbs(f.workdir) {
			k.keep(usage("like /work, a directory of the image", "--workdir %q is not an absolute path", clean(f.workdir)))
		}
	}
	return k.err
}
