// Command bench measures what docs/benchmarks.md promises, on real processes: a
// chain, a renter and providers of the artel program on the loopback, with
// programs and images that it makes itself. It prints a table in Markdown for each
// part and, with -write, puts it into docs/benchmarks.md.
//
//	bench -parts container,swarm   measures these alone
//	bench -image 64                lets providers pull 64 MiB in place of 1 GiB
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type options struct {
	binary string
	parts  string
	single int
	bursts int
	many   int
	starts int
	pairs  int
	image  int64
	write  string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "artel", "bin/artel", "the artel program")
	flag.StringVar(&o.parts, "parts", strings.Join(names(), ","), "what to measure")
	flag.IntVar(&o.single, "single", 300, "jobs for the latency of one at a time")
	flag.IntVar(&o.bursts, "bursts", 7, "bursts of 100 jobs")
	flag.IntVar(&o.many, "many", 10_000, "jobs for the memory of a long-lived node")
	flag.IntVar(&o.starts, "starts", 40, "container jobs, each beside a bare start")
	flag.IntVar(&o.pairs, "pairs", 7, "computations in a container, each beside a native one")
	flag.Int64Var(&o.image, "image", 1024, "MiB of the image that many pull")
	flag.StringVar(&o.write, "write", "", "file whose tables, between the markers of what is measured, are replaced")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is a line of the table.
type row struct{ what, target, measured, note string }

type bench struct {
	o    options
	dir  string // where everything lives that is made
	bin  string // the artel program
	rows []row  // of the part that is being measured
	keys int
}

// parts are what can be measured by itself, in the order of the table. Each starts
// what it needs, and ends it.
var parts = []struct {
	name    string
	measure func(*bench, context.Context) error
}{
	{"wasm", (*bench).wasm},
	{"index", (*bench).index},
	{"container", (*bench).containers},
	{"swarm", (*bench).swarm},
	{"array", (*bench).array},
	{"failover", (*bench).failover},
	{"hostile", (*bench).hostile},
	{"pytorch", (*bench).pytorch},
	{"survival", (*bench).survival},
	{"owner", (*bench).owner},
}

func names() (all []string) {
	for _, p := range parts {
		all = append(all, p.name)
	}
	return all
}

func run(ctx context.Context, o options) error {
	chosen := strings.Split(o.parts, ",")
	for _, c := range chosen {
		if !slices.Contains(names(), c) {
			return fmt.Errorf("-parts: there is no %q; hint: %s", c, strings.Join(names(), ","))
		}
	}
	dir, err := os.MkdirTemp("", "artel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{o: o, dir: dir}
	if b.bin, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	for _, p := range parts {
		if !slices.Contains(chosen, p.name) {
			continue
		}
		before := load()
		b.rows = nil
		if err := p.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		text := b.table(before)
		fmt.Println(text)
		if o.write == "" {
			continue
		}
		if err := replace(o.write, p.name, text); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) add(what, target, measured, note string) {
	fmt.Fprintf(os.Stderr, "%s: %s (%s) %s\n", what, measured, target, note)
	b.rows = append(b.rows, row{what, target, measured, note})
}
