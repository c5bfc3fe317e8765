package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) offersCmd() *cobra.Command {
	var q api.OfferQuery
	var maxPrice, mem, gpuMem string
	c := &cobra.Command{
		Use: "offers", Short: "List machines on offer", Args: exactly(),
		Long: `List machines on offer. CLAIMED is the speed of a slot that the machine says it has, 1000
is the reference; MEASURED is what this node has seen of it by timed challenges, and counts
before the claim. A ! stands where an answer was slower than the claim, or wrong; that
costs rating for months. artel measure --of NODE asks now. LIMITS says who holds a container
to what it has paid for: strict, the machine's kernel; loose, the sandbox alone, so that
processor time is shared with whatever else runs there, and memory may be exceeded for a
moment; -, it runs no containers. It is the machine's word.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			if maxPrice != "" {
				if q.MaxPrice, err = a.parsePrice(ctx, c, "--max-price", maxPrice, false); err != nil {
					return err
				}
			}
			if mem != "" {
				if q.Memory, err = parseSize("--mem", mem); err != nil {
					return err
				}
			}
			if gpuMem != "" {
				if q.GPUMem, err = parseSize("--gpu-memory", gpuMem); err != nil {
					return err
				}
				q.GPUs = max(q.GPUs, 1)
			}
			offers, err := c.Offers(ctx, q)
			if err != nil {
				return err
			}
			return a.print(offers, func() { a.offerTable(ctx, c, offers) })
		},
	}
	f := c.Flags()
	f.StringVar(&q.Sandbox, "sandbox", "", "kind of sandbox")
	f.StringVar(&q.Region, "region", "", "region")
	f.StringVar(&maxPrice, "max-price", "", "most to pay for a slot: 0.5/h in tokens, or units per 10⁶ s")
	f.Uint32Var(&q.Slots, "slots", 0, "at least so many")
	f.StringVar(&mem, "mem", "", "at least so much memory per slot")
	f.Uint32Var(&q.GPUs, "gpu", 0, "at least so many GPUs")
	f.StringVar(&gpuMem, "gpu-memory", "", "at least so much memory of each GPU")
	f.IntVar(&q.Limit, "limit", 50, "at most so many")
	return c
}

func (a *app) offerTable(ctx context.Context, c *api.Client, offers []api.Offer) {
	if len(offers) == 0 {
		a.say("no machine is on offer; hint: artel doctor shows whether this node has peers")
		return
	}
	rows := [][]string{{"NODE", "PRICE", "PER HOUR", "SLOTS", "MEMORY", "CLAIMED", "MEASURED", "REGION", "SANDBOX", "LIMITS", "RATING", "GPU"}}
	for _, o := range offers {
		rows = append(rows, []string{o.Node.Short(), fmt.Sprint(o.Price), a.hourly(ctx, c, o.Price), fmt.Sprint(o.Resources.Slots), size(o.Resources.Memory),
			fmt.Sprint(o.Speed), measured(o), clean(o.Region), clean(strings.Join(o.Sandboxes, ",")), limits(o.Offer), fmt.Sprintf("%.2f", o.Rating), gpuText(o.Offer)})
	}
	table(a.out, rows)
}

// measured is what this node has seen of an offer's speed.
func measured(o api.Offer) string {
	switch {
	case o.Marks >= 0.05 && o.Measured > 0:
		return fmt.Sprintf("%.0f !", o.Measured)
	case o.Marks >= 0.05:
		return "!"
	case o.Measured > 0:
		return fmt.Sprintf("%.0f", o.Measured)
	}
	return "-"
}

// limits says who holds containers to their limits, as far as the offer says.
func limits(o artel.Offer) string {
	switch {
	case !slices.Contains(o.Sandboxes, sandboxImage):
		return "-"
	case o.Strict:
		return "strict"
	}
	return "loose"
}

// gpuText is what an offer says of its GPUs: "2 × NVIDIA A100, 40 GiB".
func gpuText(o artel.Offer) string {
	if o.Resources.GPUs == 0 {
		return "-"
	}
	name := clean(o.GPU.Model)
	if name == "" {
		name = "GPU"
	}
	text := fmt.Sprintf("%d × %s", o.Resources.GPUs, name)
	if o.Resources.GPUMemory > 0 {
		text += ", " + size(o.Resources.GPUMemory)
	}
	return text
}

// money writes an amount in tokens, or in units where the network is not known.
func (a *app) money(ctx context.Context, c *api.Client, m artel.Amount) string {
	t, err := a.token(ctx, c)
	if err != nil {
		return m.String()
	}
	return money(m, t)
}

func (a *app) hourly(ctx context.Context, c *api.Client, p artel.Price) string {
	t, err := a.token(ctx, c)
	if err != nil {
		return fmt.Sprint(p)
	}
	return hourly(p, t)
}
