package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) imagesCmd() *cobra.Command {
	c := &cobra.Command{
		Use: "images", Short: "List the container images that this machine keeps", Args: exactly(),
		Long: `List the container images that this machine keeps, the latest used first.

own images are those of your jobs that others could not pull: from a path, or from a
registry that is private. public ones came from registries; guest ones belong to
somebody who rents this machine, and go to that renter's machines alone. Both make
room by themselves, those used longest ago first; see artel provide --max-images.`,
		Example: `  artel images
  artel images rm 3b1f
  artel images prune`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.images(cmd.Context()) },
	}
	c.AddCommand(&cobra.Command{
		Use: "rm DIGEST…", Short: "Remove images, named by their digests or beginnings of them", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.removeImages(cmd.Context(), args) },
	}, &cobra.Command{
		Use: "prune", Short: "Remove all images that nothing uses", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.removeImages(cmd.Context(), nil) },
	})
	return c
}

func (a *app) images(ctx context.Context) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	l, err := c.Images(ctx)
	if err != nil {
		return err
	}
	return a.print(l, func() {
		w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "DIGEST\tKIND\tPACKED\tUNPACKED\tLAST USED\tNAME")
		for _, i := range l.Images {
			unpacked, used, name := "-", i.Used.Local().Format("2006-01-02 15:04"), clean(i.Name)
			if i.Unpacked > 0 {
				unpacked = size(i.Unpacked)
			}
			if i.InUse {
				used = "in use"
			}
			if name == "" && i.Kind == api.ImageGuest {
				name = "of " + i.Renter.Short()
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", hex.EncodeToString(i.Digest[:6]), i.Kind, size(i.Bytes), unpacked, used, name)
		}
		w.Flush()
		fmt.Fprintf(a.out, "own: %s; strangers': %s\n", room(l.Own), room(l.Guests))
	})
}

func room(r api.ImageRoom) string {
	if r.Limit == 0 {
		return size(r.Used)
	}
	return fmt.Sprintf("%s of %s", size(r.Used), size(r.Limit))
}

// removeImages removes what is named; nothing named: all that is not in use.
func (a *app) removeImages(ctx context.Context, names []string) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	q := api.RemoveImages{Unused: len(names) == 0}
	if !q.Unused {
		l, err := c.Images(ctx)
		if err != nil {
			return err
		}
		for _, name := range names {
			d, err := findImage(l.Images, name)
			if err != nil {
				return err
			}
			q.Digests = append(q.Digests, d)
		}
	}
	f, err := c.RemoveImages(ctx, q)
	if err != nil {
		return err
	}
	return a.print(f, func() { fmt.Fprintf(a.out, "removed %d images, %s\n", f.Images, size(f.Bytes)) })
}

// findImage finds the one image whose digest begins so.
func findImage(list []api.StoredImage, name string) (found artel.Hash, err error) {
	want := strings.ToLower(strings.TrimPrefix(name, "sha256:"))
	n := 0
	for _, i := range list {
		if strings.HasPrefix(hex.EncodeToString(i.Digest[:]), want) && i.Digest != found {
			found = i.Digest
			n++
		}
	}
	switch {
	case n == 0 || want == "":
		return found, fmt.Errorf("remove image: none has a digest that begins with %q; hint: artel images lists them", clean(name))
	case n > 1:
		return found, usage("more digits", "%d images have digests that begin with %q", n, clean(name))
	}
	return found, nil
}
