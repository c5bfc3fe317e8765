package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

type provideOptions struct {
	cpu                                          uint32
	mem, disk, price, maxUnpaid, maxUnit, region string
	images, kept                                 string
	minRedeem, gpus                              string
	prepay, off, now                             bool
}

func (a *app) provideCmd() *cobra.Command {
	var o provideOptions
	c := &cobra.Command{
		Use: "provide", Short: "Rent this machine out", Args: exactly(),
		Long: `Switch the provider role on or change it, with --price; without, show how it
stands. The setting outlasts restarts. --off lets running tasks end first; those
with checkpoints go on elsewhere, within two minutes.`,
		Example: `  artel provide --max-cpu 4 --max-mem 8GiB --price 0.5/h
  artel provide --off`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := notBoth(cmd, "off", "price"); err != nil {
				return err
			}
			return a.provide(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.Uint32Var(&o.cpu, "max-cpu", 0, "cores to give, a slot each (default all)")
	f.StringVar(&o.mem, "max-mem", "", "memory to give, all slots together (default what the machine can spare)")
	f.StringVar(&o.disk, "max-disk", "", "disk that strangers may take together: images, checkpoints, and five times what a task may use in each slot (default what the disk can spare)")
	f.StringVar(&o.gpus, "gpus", "", "NVIDIA GPUs to give: a number, or all (default none); artel doctor lists them")
	f.StringVar(&o.images, "max-images", "", "disk of --max-disk that container images may take; those used longest ago go first (default a third)")
	f.StringVar(&o.kept, "max-kept", "", "disk of --max-disk that checkpoints of others may take, half of it of one renter; 0: none (default a tenth)")
	f.StringVar(&o.price, "price", "", "for a slot: 0.5/h in tokens, or units per 10⁶ s")
	f.StringVar(&o.maxUnpaid, "max-unpaid", "", "how far to work ahead of the money (default a longest task for each slot, and one more)")
	f.StringVar(&o.minRedeem, "min-redeem", "", "least sum to spend gas on, less gathers (default: all on an embedded chain, else an eighth of --max-unpaid)")
	f.StringVar(&o.maxUnit, "max-task", "1h", "longest task to take")
	f.StringVar(&o.region, "region", "", "where this machine is, in a word")
	f.BoolVar(&o.prepay, "prepay", false, "renters without history pay the first task ahead")
	f.BoolVar(&o.off, "off", false, "stop providing")
	f.BoolVar(&o.now, "now", false, "with --off: end running tasks at once")
	return c
}

func (a *app) provide(ctx context.Context, o provideOptions) error {
	if o.now && !o.off {
		return usage("artel provide --off --now", "--now goes with --off")
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	var s api.ProvideStatus
	switch {
	case o.off:
		s, err = c.StopProviding(ctx, o.now)
	case o.price != "":
		var p api.ProvideConfig
		if p, err = a.provideConfig(ctx, c, o); err == nil {
			s, err = c.Provide(ctx, p)
		}
	case o.gpus != "" || o.cpu != 0 || o.mem != "" || o.disk != "" || o.images != "" || o.kept != "" || o.maxUnpaid != "" || o.minRedeem != "" || o.region != "" || o.prepay:
		return usage("--price 0.5/h, or a whole number of token units per 10⁶ seconds", "providing wants a price")
	default:
		s, err = c.ProvideStatus(ctx)
	}
	if err != nil {
		return err
	}
	return a.print(s, func() { a.provideText(ctx, c, s) })
}

func (a *app) provideConfig(ctx context.Context, c *api.Client, o provideOptions) (p api.ProvideConfig, err error) {
	p = api.ProvideConfig{Slots: o.cpu, Region: o.region, Prepay: o.prepay}
	if p.Price, err = a.parsePrice(ctx, c, "--price", o.price, true); err != nil {
		return p, err
	}
	if p.MaxUnit, err = parseDuration("--max-task", o.maxUnit); err != nil {
		return p, err
	}
	if o.mem != "" {
		if p.Memory, err = parseSize("--max-mem", o.mem); err != nil {
			return p, err
		}
	}
	if o.disk != "" {
		if p.Disk, err = parseSize("--max-disk", o.disk); err != nil {
			return p, err
		}
	}
	switch o.gpus {
	case "":
	case "all":
		p.GPUs = api.AllGPUs
	default:
		n, err := strconv.ParseUint(o.gpus, 10, 12)
		if err != nil {
			return p, usage("--gpus 1, or --gpus all", "--gpus %s is no number of GPUs", o.gpus)
		}
		p.GPUs = uint32(n)
	}
	if o.images != "" {
		if p.Images, err = parseSize("--max-images", o.images); err != nil {
			return p, err
		}
	}
	if o.kept != "" {
		var kept uint64
		if o.kept != "0" { // which is no size elsewhere
			if kept, err = parseSize("--max-kept", o.kept); err != nil {
				return p, err
			}
		}
		p.Kept = &kept
	}
	if o.maxUnpaid != "" {
		if p.MaxUnpaid, err = a.parseAmount(ctx, c, "--max-unpaid", o.maxUnpaid); err != nil {
			return p, err
		}
	}
	if o.minRedeem != "" {
		p.MinRedeem, err = a.parseAmount(ctx, c, "--min-redeem", o.minRedeem)
	}
	return p, err
}

func (a *app) provideText(ctx context.Context, c *api.Client, s api.ProvideStatus) {
	state := "off"
	switch {
	case s.On:
		state = "on"
	case s.Draining:
		state = "off, running tasks end first"
	}
	fmt.Fprintf(a.out, "providing  %s\n", state)
	if s.On || s.Draining {
		if s.Way != "" {
			fmt.Fprintf(a.out, "work       %s since %s: %s\n", clean(s.Way), clock(s.Since), clean(s.Why))
		}
		fmt.Fprintf(a.out, "price      %d (%s)\n", s.Config.Price, a.hourly(ctx, c, s.Config.Price))
		if s.Cost > 0 {
			fmt.Fprintf(a.out, "power      %d (%s), what a slot's power costs by %s\n", s.Cost, a.hourly(ctx, c, s.Cost), "owner.yaml")
		}
		fmt.Fprintf(a.out, "busy       %d slots, %d leases\n", s.Busy, s.Leases)
		if k := s.Config.Kept; k != nil {
			fmt.Fprintf(a.out, "keeps      %s\n", keptText(*k))
		}
		if s.Offer != nil && s.Offer.Resources.GPUs > 0 {
			fmt.Fprintf(a.out, "gpus       %s\n", gpuText(*s.Offer))
		}
	}
	fmt.Fprintf(a.out, "done       %d receipts\n", s.Done)
	fmt.Fprintf(a.out, "promised   %s by vouchers\n", a.money(ctx, c, s.Promised))
	fmt.Fprintf(a.out, "earned     %s\n", a.money(ctx, c, s.Earned))
	if s.Message != "" {
		a.say("note: %s", clean(s.Message))
	}
}

// keptText says what is given for checkpoints of others.
func keptText(bytes uint64) string {
	if bytes == 0 {
		return "no checkpoints of others"
	}
	return "checkpoints of others, up to " + size(bytes)
}
