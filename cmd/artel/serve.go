package main

import (
	"context"
	"fmt"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

type serveOptions struct {
	job                                 jobFlags
	update                              string
	replicas, fails                     uint32
	port                                uint16
	health                              string
	every, timeout, start, away, drains string
	detach, schema                      bool
	steward                             bool // it looks after the service
}

func (a *app) serveCmd() *cobra.Command {
	o := serveOptions{job: jobFlags{timeout: "1m", copies: "auto", checkpoint: checkpointNone, tries: 3}} // timeout: a service has none
	c := &cobra.Command{
		Use:   "serve {--name NAME --image IMAGE --port PORT | FILE} [flags] [-- args…]",
		Short: "Keep a service running on other people's machines",
		Long: `Run replicas of a container that answers on a TCP port, each on another machine, until
artel stop. They are checked from this machine, or with --steward from the one that artel steward
names, which stays on when this one does not; one that fails its checks, ends, or
whose machine vanishes is replaced on another one. What answers is paid, slice by slice.
WASM programs cannot listen on a port: services run in containers. A service file
(WEB.yaml, .yml, .json, or - for stdin) holds the same by the flags' names; flags given
here go before it.

artel forward NAME PORT reaches the healthy replicas from here. There is no way in for
others yet.

With --update a new version takes over, one replica at a time: each old one goes when a
new one is healthy. Flags that are not given stay as they were. A version that does not
get healthy is given up, and the old one goes on. docs/services.md has more.`,
		Example: `  artel serve --name web --replicas 3 --port 8080 --health /healthz --image ./web.tar
  artel serve web.yaml --replicas 5
  artel forward web 8080
  artel serve --update web --image ./web-2.tar
  artel scale web 5
  artel stop web`,
	}
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if o.schema {
			return a.printSchema(serviceForm(), cmd)
		}
		file, args, err := a.fill(serviceForm(), cmd, args)
		if err != nil {
			return err
		}
		if file != nil && o.job.name == o.update {
			o.job.name = "" // the file says it of every version
		}
		return file.locate(a.serve(cmd.Context(), o, cmd.Flags(), args))
	}
	o.job.registerProgram(c)
	f, d := c.Flags(), artel.DefaultService
	ms := func(n uint64) string { return (time.Duration(n) * time.Millisecond).String() }
	f.StringVar(&o.update, "update", "", "service to replace by a new version")
	f.Uint32Var(&o.replicas, "replicas", d.Replicas, "how many to run at once, each on another machine")
	f.Uint16Var(&o.port, "port", 0, "TCP port that the program listens on")
	f.StringVar(&o.health, "health", "", "path that answers GET with 200 to 399 when all is well (default: that the port takes a connection)")
	f.StringVar(&o.every, "check-every", ms(d.Every), "time between health checks")
	f.StringVar(&o.timeout, "check-timeout", ms(d.Timeout), "time for an answer")
	f.Uint32Var(&o.fails, "check-fails", d.Fails, "checks in a row that fail until a replica is replaced")
	f.StringVar(&o.start, "start-within", ms(d.Start), "time from a program's start to its first good answer")
	f.StringVar(&o.away, "away", ms(d.Away), "how long replicas go on, and are paid, without a check, when this daemon is away")
	f.StringVar(&o.drains, "drain", ms(d.Drain), "how long a replica that is to end runs on without new connections")
	f.StringVar(&o.job.logLimit, "log-limit", "64MiB", "most that a replica may print; one that prints more is replaced")
	f.Uint32Var(&o.job.tries, "tries", 3, "machines on which a replica may fail by its own fault")
	f.BoolVarP(&o.detach, "detach", "d", false, "do not wait until it runs")
	f.BoolVar(&o.steward, "steward", false, "hand the service to the steward, with all it needs, and return; see artel steward")
	f.BoolVar(&o.schema, "schema", false, "print the JSON schema of service files")
	return c
}

func (a *app) serve(ctx context.Context, o serveOptions, flags *pflag.FlagSet, args []string) error {
	switch {
	case o.job.image == "":
		return usage("--image NAME; WASM programs cannot listen on a port", "there is no image to serve")
	case o.update != "" && o.job.name != "":
		return usage("it keeps its name", "--update and --name contradict each other")
	case o.update == "" && o.job.name == "":
		return usage("--name web", "a service wants a name")
	case o.update == "" && o.port == 0:
		return usage("--port 8080, where its program listens", "a service wants a port")
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
	spec, err := o.spec(ctx, a, c, args)
	if err != nil {
		return err
	}
	if o.update != "" {
		old, err := a.service(ctx, to, o.update)
		if err != nil {
			return err
		}
		if spec, err = updated(old, spec, flags, len(args) > 0); err != nil {
			return err
		}
	}
	if err := spec.Check(); err != nil {
		return err
	}
	key, err := jobKey()
	if err != nil {
		return err
	}
	j, err := to.Submit(ctx, api.SubmitRequest{Key: key, Spec: spec})
	if err != nil {
		return err
	}
	if o.detach || o.steward {
		s, err := a.service(ctx, to, spec.Name)
		if err != nil {
			return err
		}
		if o.steward {
			a.say("service %s is stored with the steward, and all it needs: this machine may go away now\nhint: artel services --steward", spec.Name)
		} else {
			a.say("service %s is submitted; hint: artel services", spec.Name)
		}
		return a.print(s, func() { fmt.Fprintln(a.out, s.Name) })
	}
	return a.awaitService(ctx, c, spec.Name, j.ID)
}

// spec makes the job of the flags.
func (o *serveOptions) spec(ctx context.Context, a *app, c *api.Client, args []string) (artel.JobSpec, error) {
	s := artel.Service{Replicas: o.replicas, Port: o.port, Path: o.health, Fails: o.fails}
	var k firstError
	for _, x := range []struct {
		into    *uint64
		flag, s string
	}{
		{&s.Every, "--check-every", o.every}, {&s.Timeout, "--check-timeout", o.timeout}, {&s.Start, "--start-within", o.start}, {&s.Away, "--away", o.away},
	} {
		n, err := parseDuration(x.flag, x.s)
		*x.into = n
		k.keep(err)
	}
	if o.drains != "0" && o.drains != "0s" {
		n, err := parseDuration("--drain", o.drains)
		s.Drain = n
		k.keep(err)
	}
	if k.err != nil {
		return artel.JobSpec{}, k.err
	}
	j, err := o.job.spec(ctx, a, c, args)
	j.Service, j.Wall, j.Count = s, artel.ServiceWall, uint64(s.Replicas)
	return j, err
}

// updated is the next version of a service: what flags say, and else as it was.
func updated(old api.Service, next artel.JobSpec, flags *pflag.FlagSet, args bool) (artel.JobSpec, error) {
	id, err := artel.ParseHash(old.Job)
	if err != nil {
		return next, fmt.Errorf("read service %s: %w", old.Name, err)
	}
	was := old.Spec
	keep := func(flag string, f func()) {
		if !flags.Changed(flag) {
			f()
		}
	}
	if next.Name = old.Name; !args {
		next.Args = was.Args
	}
	keep("cpu", func() { next.Want.Slots = was.Want.Slots })
	keep("mem", func() { next.Want.Memory = was.Want.Memory })
	keep("disk", func() { next.Want.Disk = was.Want.Disk })
	keep("gpu", func() { next.Want.GPUs = was.Want.GPUs })
	keep("gpu-memory", func() { next.Want.GPUMemory = was.Want.GPUMemory })
	keep("net", func() { next.Box.Network = was.Box.Network })
	keep("traffic", func() { next.Box.Traffic = was.Box.Traffic })
	keep("workdir", func() { next.Box.Dir = was.Box.Dir })
	if !flags.Changed("env") && !flags.Changed("secret") {
		next.Env = was.Env
	}
	keep("log-limit", func() { next.Log = was.Log })
	keep("max-price", func() { next.MaxPrice = was.MaxPrice })
	keep("budget", func() { next.Budget = was.Budget })
	keep("failover", func() { next.Failover = was.Failover })
	keep("provider", func() { next.Providers = was.Providers })
	keep("label", func() { next.Label = was.Label })
	keep("sandbox", func() { next.Sandbox = was.Sandbox })
	keep("tries", func() { next.Tries = was.Tries })
	keep("replicas", func() { next.Service.Replicas = was.Service.Replicas })
	keep("port", func() { next.Service.Port = was.Service.Port })
	keep("health", func() { next.Service.Path = was.Service.Path })
	keep("check-every", func() { next.Service.Every = was.Service.Every })
	keep("check-timeout", func() { next.Service.Timeout = was.Service.Timeout })
	keep("check-fails", func() { next.Service.Fails = was.Service.Fails })
	keep("start-within", func() { next.Service.Start = was.Service.Start })
	keep("away", func() { next.Service.Away = was.Service.Away })
	keep("drain", func() { next.Service.Drain = was.Service.Drain })
	next.Service.Old, next.Count = id, 1
	return next, nil
}

// service finds a service that runs by its name.
func (a *app) service(ctx context.Context, c *api.Client, name string) (api.Service, error) {
	all, err := c.Services(ctx, false)
	if err != nil {
		return api.Service{}, err
	}
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	return api.Service{}, api.Errorf(api.CodeNotFound, "no service %q runs", name).WithHint("artel services")
}

// awaitService tells how a version gets on until it runs, or has ended.
func (a *app) awaitService(ctx context.Context, c *api.Client, name, id string) error {
	last := ""
	for {
		all, err := c.Services(ctx, true)
		if ctx.Err() != nil {
			a.say("artel: service %s goes on without this terminal\nhint: artel services, artel stop %s", name, name)
			return exitError(exitInterrupted)
		}
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.Name != name {
				continue
			}
			switch {
			case s.State == api.ServiceEnded, s.State == api.ServiceStopping, s.Job != id: // another version goes on
				a.say("artel: service %s %s: %s", name, s.State, clean(s.Message))
				return exitError(exitJobFailed)
			case s.State == api.ServiceRunning:
				return a.print(s, func() {
					fmt.Fprintf(a.out, "%s %s, %d of %d replicas healthy, %s\n", s.Name, s.State, s.Healthy, s.Replicas, a.hourly(ctx, c, s.Price))
				})
			}
			text := fmt.Sprintf("%s %s: %d of %d replicas healthy", name, s.State, s.Healthy, s.Replicas)
			if s.Message != "" {
				text += "; " + clean(s.Message)
			}
			if text != last {
				a.say("%s", text)
				last = text
			}
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
