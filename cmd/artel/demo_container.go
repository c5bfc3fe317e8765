package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/image/oci"
)

// The container's training takes long enough to be cut off in its midst. Its
// checkpoints are frequent, to keep the demo short.
const (
	longEpochs      = 2500
	checkpointLeast = 1_000 // milliseconds
	checkpointMost  = 3_000
	keepers         = 2
)

// container trains the winner's setting much longer, by the same program built for
// Linux and put into an image, in a sandbox of gVisor. The machine that it runs on loses
// its power, and it goes on elsewhere. In the end it must have come to what the
// program comes to when nobody disturbs it, to the last bit.
func (d *demo) container(ctx context.Context, o demoOptions, in string, best trained) error {
	d.step("The same program as a container, in gVisor, on a machine that loses its power")
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
	args := []string{"-task", fmt.Sprint(best.Task), "-epochs", fmt.Sprint(longEpochs)}
	undisturbed := make(chan error, 1)
	here := filepath.Join(d.work, "undisturbed")
	go func() { undisturbed <- d.alone(ctx, o.native, in, here, args) }()
	j, err := d.handContainer(ctx, o.native, in, args)
	if err != nil {
		return err
	}
	power, err := d.powerCut(ctx, j)
	if err != nil {
		return err
	}
	end, err := d.wait(ctx, j)
	if err != nil {
		return err
	}
	task := end.List[0]
	d.tell("it was done by %s, in attempt %d; %.1f s of work were lost, of which %s had been paid for", d.name(task.Provider), task.Attempt, float64(task.Lost)/1000, money(task.LostPaid, d.token))
	d.check(power == nil || task.From != nil && task.From.Generation > 0 && task.Provider != power.Node.Node, "the container went on elsewhere from its checkpoint")
	dir := filepath.Join(d.work, "container")
	if err := d.fetched(ctx, j.ID, dir); err != nil {
		return err
	}
	if err := <-undisturbed; err != nil {
		return err
	}
	r, err := readResult[trained](filepath.Join(dir, "0"))
	if err != nil {
		return err
	}
	same, err := sameFiles(here, filepath.Join(dir, "0"))
	if err != nil {
		return err
	}
	d.check(same, "after %d epochs it reads %.2f %% of the validation digits, and its weights are those of an undisturbed training, bit for bit", longEpochs, 100*r.ValidationAccuracy)
	if power == nil {
		return nil
	}
	n, err := d.m.net.StartNode(ctx, power.name, power.nice)
	if err != nil {
		return err
	}
	power.Node = n
	d.tell("%s is switched on again, and settles what it is owed", power.name)
	return nil
}

// handContainer packs the program and submits the job, to be checkpointed as a whole.
func (d *demo) handContainer(ctx context.Context, program, in string, args []string) (api.Job, error) {
	file := filepath.Join(d.work, "digits.tar")
	if err := packImage(program, file); err != nil {
		return api.Job{}, err
	}
	img, err := d.m.renter.API.Image(ctx, api.ImageRequest{Path: file})
	if err != nil {
		return api.Job{}, err
	}
	input, err := d.m.renter.API.AddPath(ctx, in)
	if err != nil {
		return api.Job{}, err
	}
	return d.hand(ctx, artel.JobSpec{
		Name: "digits-container", Sandbox: "gvisor", Box: artel.Box{Image: img.Digest}, Pull: img.Bytes, Input: input.Ref, Count: 1, Args: args,
		Survival: artel.Survival{Kind: artel.CheckpointWhole, Min: checkpointLeast, Max: checkpointMost, Keepers: keepers},
	})
}

// powerCut ends all processes of the machine that the container runs on, as soon as
// a second checkpoint of it is safe elsewhere. nil: the job was too fast for it.
func (d *demo) powerCut(ctx context.Context, j api.Job) (*provider, error) {
	for {
		now, err := d.m.renter.API.Job(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		if now.State.Ended() {
			d.check(false, "the container runs long enough to be cut off")
			return nil, nil
		}
		task := now.List[0]
		if c := task.Checkpoint; c != nil && c.Generation >= 2 && task.State == api.StateRunning {
			for _, p := range d.m.providers {
				if p.Node.Node != task.Provider || p == d.victim {
					continue
				}
				if err := p.KillAll(); err != nil {
					return nil, err
				}
				var where []string
				for _, k := range c.Keepers {
					where = append(where, d.holder(k))
				}
				d.tell("%s", d.paint(red, fmt.Sprintf("%s has lost its power: its daemon, its sandboxes, all of it", p.name)))
				d.tell("checkpoint %d, of %s, with %.1f s of work, is safe on %s", c.Generation, size(c.Stored), float64(c.Work)/1000, strings.Join(where, " and "))
				return p, nil
			}
		}
		if !core.Every(ctx, 100*time.Millisecond) {
			return nil, fmt.Errorf("wait for a checkpoint of job %s: %w", j.ID, ctx.Err())
		}
	}
}

// alone runs the program here, outside of any sandbox.
func (d *demo) alone(ctx context.Context, program, in, out string, args []string) error {
	if err := os.MkdirAll(out, 0o700); err != nil {
		return fmt.Errorf("train undisturbed: %w", err)
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return fmt.Errorf("train undisturbed: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, append([]string{"-in", in, "-out", out}, args...)...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("train undisturbed: %w; it says %q", err, text[max(0, len(text)-200):])
	}
	return nil
}

// sameFiles reports whether two directories hold files of the same names and bytes.
func sameFiles(a, b string) (bool, error) {
	names := map[string]bool{}
	for _, dir := range []string{a, b} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return false, fmt.Errorf("compare results: %w", err)
		}
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	for n := range names {
		x, err := os.ReadFile(filepath.Join(a, n))
		y, other := os.ReadFile(filepath.Join(b, n))
		if err := errors.Join(err, other); errors.Is(err, fs.ErrNotExist) || err == nil && !bytes.Equal(x, y) {
			return false, nil
		} else if err != nil {
			return false, fmt.Errorf("compare results: %w", err)
		}
	}
	return len(names) > 0, nil
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

// holder is what the demo calls a node that keeps checkpoints.
func (d *demo) holder(n artel.NodeID) string {
	if n == d.m.renter.Node {
		return "the renter's own node"
	}
	return d.name(n)
}
