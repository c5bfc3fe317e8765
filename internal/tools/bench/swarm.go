package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
)

// pullers is how many providers want the image at once.
const pullers = 4

// swarm measures what a renter sends while several providers pull a large image that
// only it has: each gets a job in that image at the same moment.
func (b *bench) swarm(ctx context.Context) error {
	guest := filepath.Join(b.dir, "guest")
	if err := build(ctx, "internal/tools/bench/guest", guest); err != nil {
		return err
	}
	size := b.o.image << 20
	n, err := b.network(ctx, "swarm", pullers, api.ProvideConfig{Slots: 1, Memory: 512 << 20, Disk: uint64(8 * size), Price: 277_000_000, MaxUnit: 900_000})
	if err != nil {
		return err
	}
	defer func() {
		n.Close()
		os.RemoveAll(n.Dir()) // gigabytes
	}()
	layout := filepath.Join(b.dir, "large")
	img, err := n.image(ctx, layout, oci.Build{
		Layers: []oci.Layer{oci.Binary(guest, "/guest"), noise(size)}, Config: oci.RunConfig{Entrypoint: []string{"/guest"}}, Compression: oci.Plain,
	})
	if err := errors.Join(err, os.RemoveAll(layout)); err != nil {
		return err
	}
	before, err := n.renter.API.Status(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	var wg sync.WaitGroup
	errs := make([]error, pullers)
	ids := make([]string, pullers)
	for i, p := range n.providers {
		spec := inBox(img, "true")
		spec.Wall, spec.Providers = 900_000, []artel.NodeID{p.Node}
		if ids[i], err = b.submit(ctx, n.renter.API, spec); err != nil {
			return err
		}
	}
	for i, id := range ids {
		wg.Go(func() { _, errs[i] = over(ctx, n.renter.API, id) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	took := time.Since(start)
	after, err := n.renter.API.Status(ctx)
	if err != nil {
		return err
	}
	var passed uint64
	for _, p := range n.providers {
		s, err := p.API.Status(ctx)
		if err != nil {
			return err
		}
		passed += s.Sent
	}
	const gib = 1 << 30
	sent := float64(after.Sent - before.Sent)
	b.add(fmt.Sprintf("a %.3g GiB image to %d providers from one seeder: bytes the seeder sends", float64(size)/gib, pullers), fmt.Sprintf("≤ %.3g GiB", 1.2*float64(size)/gib),
		fmt.Sprintf("%.3f GiB", sent/gib),
		fmt.Sprintf("%.2f× of the image, all that the renter's daemon sent counted; the providers passed %.2f GiB on; unpacked and run on all four after %.0f s, on one disk", sent/float64(img.Bytes), float64(passed)/gib, took.Seconds()))
	return nil
}

// noise is a layer of one file that does not compress.
func noise(size int64) oci.Layer {
	return func(w *tar.Writer) error {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "noise", Mode: 0o644, Size: size}); err != nil {
			return err
		}
		_, err := io.CopyN(w, rand.NewChaCha8([32]byte{1}), size)
		return err
	}
}
