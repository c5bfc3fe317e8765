package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// measureOf has a machine on offer show its speed.
func (a *app) measureOf(ctx context.Context, o measureOptions) error {
	if o.slots == 0 {
		return usage("--slots 1", "--slots 0")
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	node, err := findNode(ctx, c, o.of)
	if err != nil {
		return err
	}
	a.say("asking %s to show its speed; this takes some seconds", node.Short())
	m, err := c.Measure(ctx, api.MeasureRequest{Node: node, Slots: o.slots})
	if err != nil {
		return err
	}
	if err := a.print(m, func() { a.measurement(m) }); err != nil {
		return err
	}
	if m.Verdict != "proved" {
		return exitError(exitFailed)
	}
	return nil
}

// findNode takes a node id, or a part of one that is the only such on offer.
func findNode(ctx context.Context, c *api.Client, text string) (artel.NodeID, error) {
	if n, err := artel.ParseNodeID(text); err == nil {
		return n, nil
	}
	part := strings.ToLower(text)
	if len(part) < 4 || strings.Trim(part, "0123456789abcdef") != "" {
		return artel.NodeID{}, usage("artel offers shows them", "--of %q is no node id", clean(text))
	}
	offers, err := c.Offers(ctx, api.OfferQuery{Limit: 10_000})
	if err != nil {
		return artel.NodeID{}, err
	}
	found := map[artel.NodeID]bool{}
	for _, o := range offers {
		if s := o.Node.String(); strings.HasPrefix(s, part) || strings.HasSuffix(s, part) {
			found[o.Node] = true
		}
	}
	switch len(found) {
	case 0:
		return artel.NodeID{}, fmt.Errorf("no machine on offer has a node id with %s; hint: artel offers", part)
	case 1:
		for n := range found {
			return n, nil
		}
	}
	return artel.NodeID{}, fmt.Errorf("%d machines on offer have a node id with %s; hint: more digits of it, artel offers --json shows all", len(found), part)
}

func (a *app) measurement(m api.Measurement) {
	fmt.Fprintf(a.out, "machine    %s\nclaimed    %d (1000 is the reference)\n", m.Node, m.Claimed)
	if m.Speed > 0 {
		fmt.Fprintf(a.out, "shown      %.0f on %d cores at once, %d steps each, round trip of %.1f ms taken off\n", m.Speed, m.Cores, m.Steps, m.Trip)
	}
	fmt.Fprintf(a.out, "verdict    %s: %s\n", m.Verdict, clean(m.Message))
	if m.Counts > 0 {
		fmt.Fprintf(a.out, "counts as  %.0f\n", m.Counts)
	}
	if m.Cost > 0 {
		fmt.Fprintf(a.out, "cost       %.1f slot-seconds of work\n", float64(m.Cost)/1000)
	}
}
