package provider

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/sandbox"
)

// Images lays out container images.
type Images interface {
	// Ensure makes an image ready, from what is here for that renter, from the node
	// that rents, from other peers, or from the registry that b names, within the
	// terms. The caller releases it.
	Ensure(ctx context.Context, from artel.NodeID, b artel.Box, t artel.Terms) (*image.Image, error)
	// Hold keeps the image that is laid out in a directory, for a box that goes on
	// from an earlier run of the daemon.
	Hold(dir string) (release func())
}

// image makes a task's image ready. The reason is whose doing a failure is.
func (b *Boxed) image(ctx context.Context, from artel.NodeID, box artel.Box, t artel.Terms) (*image.Image, artel.Reason, error) {
	if b.Images == nil {
		return nil, artel.ReasonRefused, errors.New("no container images here")
	}
	img, err := b.Images.Ensure(ctx, from, box, t)
	switch {
	case err == nil:
		return img, "", nil
	case errors.Is(err, image.ErrUnsafe), errors.Is(err, image.ErrMalformed), errors.Is(err, image.ErrUnsupported), errors.Is(err, image.ErrPlatform):
		return nil, artel.ReasonBadProgram, err
	case box.Source != "" && (errors.Is(err, image.ErrDigest) || errors.Is(err, image.ErrNotFound) || errors.Is(err, image.ErrAuth)):
		return nil, artel.ReasonBadProgram, err // so would the registry answer everybody
	case errors.Is(err, image.ErrTooLarge):
		return nil, artel.ReasonBadProgram, fmt.Errorf("%w; hint: the lease is for %d bytes of it", err, t.Pull)
	case errors.Is(err, image.ErrFull), errors.Is(err, image.ErrHost):
		return nil, artel.ReasonRefused, err
	}
	return nil, artel.ReasonNoInput, err
}

// inImage makes the spec of a program into that of a command in an image, as docker
// run would: arguments take the place of the image's own, its entry point stays.
func inImage(s *sandbox.Spec, t artel.TaskSpec, img *image.Image) {
	c := img.Config
	args := t.Args
	if len(args) == 0 {
		args = c.Cmd
	}
	s.Root, s.Args = img.Root, append(append([]string{}, c.Entrypoint...), args...)
	s.Dir, s.User, s.StopSignal = c.Dir, c.User, sandbox.StopSignal(c.StopSignal)
	if t.Box.Dir != "" {
		s.Dir = path.Clean(t.Box.Dir)
	}
	env := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		// OpenMP's threads wait for each other by spinning. In gVisor, and within a quota,
		// that takes the processor from those that are waited for: PyTorch with two
		// threads on two cores becomes several times slower.
		"OMP_WAIT_POLICY": "passive",
	}
	if c.Home != "" {
		env["HOME"] = c.Home
	}
	for _, e := range c.Env {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
	}
	for k, v := range s.Env {
		env[k] = v
	}
	s.Env = env
	if len(t.Box.Network) > 0 {
		s.Network = &sandbox.Network{Allow: t.Box.Network, Bytes: int64(min(t.Box.Traffic, 1<<62))}
	}
	s.Limits.CPUMillis = 1000 * int64(max(t.Want.Slots, 1))
	s.Limits.LayerBytes = int64(max(t.Want.Disk, 1))
}

// runnable says what image and job together make of a spec that no box could run, whosesoever
// it is: the host is not to blame for it.
func runnable(s sandbox.Spec) error {
	if len(s.Args) == 0 || s.Args[0] == "" {
		return errors.New("neither the image nor the job names a program; hint: artel run --image NAME -- PROGRAM")
	}
	s.Out, s.Log = s.Root, s.Root // what is the host's to choose is not looked at
	return s.Validate()
}
