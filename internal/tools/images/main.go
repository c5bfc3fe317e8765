// Command images makes the container images that `make test-images` and `make bench`
// use, of Debian's packages: those that are named, or all.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/artel-network/artel/internal/debian"
)

func main() {
	m := debian.Maker{Tell: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	flag.StringVar(&m.Dir, "dir", "bin/images", "where images are kept, each an OCI layout")
	flag.StringVar(&m.Mirror, "mirror", "", "URL or file of sources that packages come from (default as mmdebstrap chooses)")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: images [flags] [name…]")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, m, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "images:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, m debian.Maker, names []string) error {
	var known []string
	for _, r := range debian.All() {
		known = append(known, r.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return fmt.Errorf("no recipe for %q; hint: there are %s", n, strings.Join(known, ", "))
		}
	}
	for _, r := range debian.All() {
		if len(names) > 0 && !slices.Contains(names, r.Name) {
			continue
		}
		layout, err := m.Make(ctx, r)
		if err != nil {
			return err
		}
		fmt.Println(layout)
	}
	return nil
}
