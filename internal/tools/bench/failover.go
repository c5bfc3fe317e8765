package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
)

// failover measures what the end of a machine costs a container that runs on it: every
// process of its provider is killed at once, and the program, which writes the time
// twenty times a second, tells when it went on and where it had been.
func (b *bench) failover(ctx context.Context) error {
	guest := filepath.Join(b.dir, "counting")
	if err := build(ctx, "internal/tools/bench/guest", guest); err != nil {
		return err
	}
	n, err := b.network(ctx, "failover", 3, api.ProvideConfig{Slots: 1, Memory: 1 << 30, Disk: 4 << 30, Price: 277_000_000})
	if err != nil {
		return err
	}
	defer n.Close()
	img, err := n.image(ctx, filepath.Join(b.dir, "counting-layout"), oci.Build{
		Layers: []oci.Layer{oci.Binary(guest, "/guest")}, Config: oci.RunConfig{Entrypoint: []string{"/guest"}},
	})
	if err != nil {
		return err
	}
	for _, k := range []struct {
		name, target string
		failover     artel.Failover
		trials       int
	}{
		{"as it is", "≤ 25 s", artel.FailoverNormal, 3},
		{"--failover fast", "≤ 5 s", artel.FailoverFast, 5},
	} {
		spec := inBox(img, "count", "40")
		spec.Failover, spec.Wall, spec.Log, spec.Tries = k.failover, 600_000, 1<<20, 3
		spec.Survival = artel.Survival{Kind: artel.CheckpointWhole, Min: leastInterval, Max: mostInterval, Keepers: 2}
		var away, lost []float64
		for range k.trials {
			d, l, err := b.cutOff(ctx, n, spec)
			if err != nil {
				return err
			}
			away, lost = append(away, d.Seconds()), append(lost, l.Seconds())
		}
		b.add("SIGKILL of daemon, supervisor and sandbox of the busy provider → progress elsewhere, "+k.name, k.target, fmt.Sprintf("%.1f s", quantile(away, 0.5)),
			fmt.Sprintf("median of %d (%.1f to %.1f s), detection included", len(away), slices.Min(away), slices.Max(away)))
		b.add("work lost by it", fmt.Sprintf("≤ one interval (%d to %d s)", leastInterval/1000, mostInterval/1000), fmt.Sprintf("%.1f s", quantile(lost, 0.5)),
			fmt.Sprintf("%.1f to %.1f s", slices.Min(lost), slices.Max(lost)))
	}
	return nil
}

// The interval between checkpoints, in milliseconds.
const (
	leastInterval = 2_000
	mostInterval  = 4_000
)

// cutOff runs a job, kills the machine that it runs on after its second checkpoint, and
// returns how long the program stood still, and how much of its work was done again.
func (b *bench) cutOff(ctx context.Context, n *net, spec artel.JobSpec) (away, lost time.Duration, err error) {
	id, err := b.submit(ctx, n.renter.API, spec)
	if err != nil {
		return 0, 0, err
	}
	var victim int
	for {
		d, err := n.renter.API.Job(ctx, id)
		if err != nil {
			return 0, 0, err
		}
		if d.State.Ended() {
			return 0, 0, fmt.Errorf("job %s is %s before it had two checkpoints: %s", id, d.State, d.Message)
		}
		t := d.List[0]
		victim = slices.IndexFunc(n.providers, func(p *devnet.Node) bool { return p.Node == t.Provider })
		if c := t.Checkpoint; c != nil && c.Generation >= 2 && victim >= 0 && t.State == api.StateRunning {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	killed := time.Now()
	if err := n.providers[victim].KillAll(); err != nil {
		return 0, 0, err
	}
	d, err := over(ctx, n.renter.API, id)
	if err != nil {
		return 0, 0, err
	}
	if d.List[0].Attempt < 2 {
		return 0, 0, fmt.Errorf("job %s was done in its first attempt", id)
	}
	var log bytes.Buffer
	if err := n.renter.API.Logs(ctx, id, api.LogQuery{}, func(c api.LogChunk) error { log.Write(c.Data); return nil }); err != nil {
		return 0, 0, err
	}
	before, after, err := around(log.String(), killed)
	if err != nil {
		return 0, 0, fmt.Errorf("job %s: %w", id, err)
	}
	n.providers[victim], err = n.StartNode(ctx, n.providers[victim].Name, 0)
	if err == nil {
		_, err = n.renter.Offers(ctx, len(n.providers))
	}
	return after.Sub(killed), killed.Sub(before), err
}

// around finds the last instant that a program wrote before t, and the first after. Every
// line is an instant in unix milliseconds, and what it had written is in the
// checkpoint that it went on from.
func around(log string, t time.Time) (before, after time.Time, err error) {
	for line := range strings.Lines(log) {
		ms, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil {
			return before, after, fmt.Errorf("the program wrote %q", line)
		}
		if at := time.UnixMilli(ms); at.After(t) {
			if before.IsZero() {
				break
			}
			return before, at, nil
		} else {
			before = at
		}
	}
	return before, after, fmt.Errorf("the program wrote nothing before or after the kill")
}
