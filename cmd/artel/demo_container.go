package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
)

// closeEnough is how far the accuracy of one setting may be from itself: a container's
// processor rounds other than WASM does.
const closeEnough = 0.02

// container trains the winner's setting again, by the same program built for Linux
// and put into an image, in a sandbox of gVisor.
func (d *demo) container(ctx context.Context, o demoOptions, in string, best trained) error {
	d.step("The same program as a container, in gVisor")
	if _, err := os.Stat(o.native); err != nil {
		d.tell("not shown: there is no %s; hint: make demo builds it", o.native)
		return nil
	}
	offers, err := d.m.renter.API.Offers(ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 1})
	if err != nil {
		return err
	}
	if len(offers) == 0 {
		d.tell("not shown: this machine runs no containers; hint: artel doctor says why")
		return nil
	}
	file := filepath.Join(d.work, "digits.tar")
	if err := packImage(o.native, file); err != nil {
		return err
	}
	img, err := d.m.renter.API.Image(ctx, api.ImageRequest{Path: file})
	if err != nil {
		return err
	}
	input, err := d.m.renter.API.AddPath(ctx, in)
	if err != nil {
		return err
	}
	j, err := d.hand(ctx, artel.JobSpec{
		Name: "digits-container", Sandbox: "gvisor", Box: artel.Box{Image: img.Digest}, Pull: img.Bytes, Input: input.Ref, Count: 1,
		Args: []string{"-task", fmt.Sprint(best.Task), "-epochs", fmt.Sprint(epochs)},
	})
	if err != nil {
		return err
	}
	end, err := d.wait(ctx, j)
	if err != nil {
		return err
	}
	dir := filepath.Join(d.work, "container")
	if err := d.fetched(ctx, j.ID, dir); err != nil {
		return err
	}
	r, err := readResult[trained](filepath.Join(dir, "0"))
	if err != nil {
		return err
	}
	d.tell("image %s (%s) ran on %s, %d ms", img.Digest.Short(), size(img.Bytes), d.name(end.List[0].Provider), end.List[0].Wall)
	d.check(r.Task == best.Task && math.Abs(r.ValidationAccuracy-best.ValidationAccuracy) <= closeEnough,
		"in a container setting %d reads %.2f %% of the validation digits, as WASM it read %.2f %%", best.Task, 100*r.ValidationAccuracy, 100*best.ValidationAccuracy)
	return nil
}

// packImage makes an image FROM scratch of one static program.
func packImage(program, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("pack image: %w", err)
	}
	_, err = oci.Build{
		Layers: []oci.Layer{oci.Binary(program, "/digits")},
		Config: oci.RunConfig{Entrypoint: []string{"/digits"}},
	}.WriteTar(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("pack image: %w", err)
	}
	return nil
}
