package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/node"
	"github.com/artel-network/artel/sandbox/wasm"
	"github.com/spf13/cobra"
)

type measureOptions struct {
	last, quick bool
	line        string
	of          string
	slots       uint32
}

func (a *app) measureCmd() *cobra.Command {
	var o measureOptions
	c := &cobra.Command{
		Use: "measure", Short: "Measure what this machine can do, or one on offer", Args: exactly(),
		Long: `Measure processor, memory and disk, in some ten seconds; do nothing else on the
machine meanwhile. The figures are kept in the data directory. The next offer says the
score of a slot: artel provide again, or restart the daemon. 1000 is the reference, a
virtual core of a Xeon of 2019 at 2.5 GHz. Renters can ask for the same score by a timed
challenge.

The speed of the line is measured only against what --line names, and else unknown.

With --of, a machine on offer is asked to show its speed: it works against the clock in
the box of tasks, a few steps are done again here, and what it has shown counts instead of
what it claims. That takes some seconds of its slots, by the lease that is open with it or
by one that is made for this and closed again.`,
		Example: `  artel measure
  artel measure --line https://example.org/100MB.bin
  artel measure --last --json
  artel measure --of 3fa9c1`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := notBoth(cmd, "last", "quick"); err != nil {
				return err
			}
			if err := notBoth(cmd, "last", "line"); err != nil {
				return err
			}
			for _, f := range []string{"last", "quick", "line"} {
				if err := notBoth(cmd, "of", f); err != nil {
					return err
				}
			}
			if o.of != "" {
				return a.measureOf(cmd.Context(), o)
			}
			if cmd.Flags().Changed("slots") {
				return usage("artel measure --of NODE --slots N", "--slots goes with --of")
			}
			return a.measure(cmd.Context(), o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.last, "last", false, "show the figures of last time")
	f.BoolVar(&o.quick, "quick", false, "the processor alone, in a second or two")
	f.StringVar(&o.of, "of", "", "a machine on offer: its node id, or a part of it as artel offers shows")
	f.Uint32Var(&o.slots, "slots", 1, "with --of: so many slots at once")
	f.StringVar(&o.line, "line", "", "URL of something of some MiB to fetch, to measure the line")
	return c
}

func (a *app) measure(ctx context.Context, o measureOptions) error {
	p, err := a.paths()
	if err != nil {
		return err
	}
	var f host.Figures
	if o.last {
		if f, err = node.Measured(p); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("this machine was not measured yet; hint: artel measure")
		} else if err != nil {
			return fmt.Errorf("%w; hint: artel measure", err)
		}
	} else {
		if err := datadir.Prepare(p); err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		h := host.Options{Quick: o.quick}
		if o.line != "" {
			if h.Line, err = fetchLine(o.line); err != nil {
				return err
			}
			h.LineFrom = o.line
		}
		if f, err = node.Measure(ctx, p, []string{self, wasm.WorkerArg}, h); err != nil {
			return err
		}
	}
	return a.print(f, func() { a.figures(f) })
}

// fetchLine opens a URL.
func fetchLine(at string) (func(context.Context) (io.ReadCloser, error), error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage("https://HOST/FILE", "--line %q", clean(at))
	}
	return func(ctx context.Context) (io.ReadCloser, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept-Encoding", "identity") // what is packed says nothing about the line
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusOK {
			res.Body.Close()
			return nil, fmt.Errorf("it answered %d", res.StatusCode)
		}
		return res.Body, nil
	}, nil
}

func (a *app) figures(f host.Figures) {
	row := func(name string, g host.Figure, show func(float64) string, remark string) []string {
		if !g.Known() {
			return []string{name, "unknown", "", remark}
		}
		return []string{name, show(g.Median), show(g.Low) + " - " + show(g.High), remark}
	}
	score := func(v float64) string {
		if v < 100 {
			return fmt.Sprintf("%.1f", v)
		}
		return fmt.Sprintf("%.0f", v)
	}
	rate := func(v float64) string { return size(uint64(v)) + "/s" }
	millis := func(v float64) string { return fmt.Sprintf("%.2f ms", v) }
	wasm, read, line := "compiled", "", clean(f.LineFrom)
	if f.Interpreted {
		wasm = "interpreted: there is no compiler for this machine"
	}
	if f.ReadCached {
		read = "partly from memory"
	}
	if line == "" {
		line = "--line URL measures it"
	}
	speed := "unknown speed, which counts as the slowest"
	if f.Speed() > 0 {
		speed = fmt.Sprintf("speed %d (1000 is the reference)", f.Speed())
	}
	fmt.Fprintf(a.out, "machine    %s, class %s %s, %d cores, %s of memory\n", clean(f.CPU.Name), clean(f.CPU.Vendor), f.CPU.Hash, f.Cores, size(f.Memory.Total))
	fmt.Fprintf(a.out, "measured   %s\noffers     a slot of %s\n\n", clock(f.At), speed)
	table(a.out, [][]string{
		{"WHAT", "MEDIAN", "LOW - HIGH", ""},
		row("one core", f.One, score, "score, the others idle"),
		row("a core of all", f.Slot, score, "score, all at work"),
		row("WASM", f.WASM, score, wasm),
		row("memory", f.Copy, rate, "copied, read and written"),
		row("disk, write", f.Write, rate, "kept for good"),
		row("disk, sync", f.Sync, millis, "4 KiB"),
		row("disk, read", f.Read, rate, read),
		row("line", f.Line, rate, line),
	})
	for _, m := range f.Missed {
		a.say("note: %s", clean(strings.TrimSpace(m)))
	}
}
