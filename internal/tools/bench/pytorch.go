package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/debian"
)

// pytorch measures examples/digits/train.py in a container, with what a task gets when
// nobody says anything, and outside of one: the same files, by chroot. Each time is
// that of the whole program, its imports included.
func (b *bench) pytorch(ctx context.Context) error {
	const what = "PyTorch training on the digits, sandbox ÷ native, import included"
	m := debian.Maker{Dir: filepath.Join(filepath.Dir(b.bin), "images")}
	if !m.Has(debian.PyTorch()) {
		b.add(what, "≤ 1.5×", "not measured", "there is no "+m.Path("pytorch")+"; hint: make images IMAGES=pytorch (needs mmdebstrap)")
		return nil
	}
	data, err := filepath.Abs("examples/digits")
	if err != nil {
		return err
	}
	n, err := b.network(ctx, "pytorch", 1, api.ProvideConfig{Slots: 2, Memory: 4 << 30, Price: 277_000_000})
	if err != nil {
		return err
	}
	defer n.Close()
	img, err := n.renter.API.Image(ctx, api.ImageRequest{Path: m.Path("pytorch")})
	if err != nil {
		return err
	}
	in, err := n.renter.API.AddPath(ctx, data)
	if err != nil {
		return err
	}
	// As `artel run` fills it in.
	spec := artel.JobSpec{
		Name: "pytorch", Args: []string{"python3", "/in/train.py"}, Input: in.Ref, Count: 1, Sandbox: "gvisor", Pull: img.Bytes, Tries: 3, Failover: artel.FailoverNormal,
		Box: artel.Box{Image: img.Digest, Source: img.Source}, Wall: 600_000, Log: 1 << 20,
		Want: artel.Resources{Slots: 1, Memory: 1 << 30, Disk: 1 << 30},
	}
	if _, err := b.trained(ctx, n, spec); err != nil { // pulls the image, makes the lease
		return err
	}
	roots, err := filepath.Glob(filepath.Join(n.providers[0].Dir, "images", "of", "*", "roots", "*", "rootfs"))
	if err != nil || len(roots) != 1 {
		return fmt.Errorf("find the unpacked image: %d of them, %v", len(roots), err)
	}
	outside := native{root: roots[0], in: data, out: filepath.Join(b.dir, "trained")}
	if err := os.Mkdir(outside.out, 0o755); err != nil {
		return err
	}
	pairs := max(3, b.o.pairs*5/7)
	if err := b.train(ctx, n, what, "≤ 1.5×", spec, outside, pairs); err != nil {
		return err
	}
	spec.Want.Slots, spec.Env, outside.env = 2, []string{"OMP_NUM_THREADS=2"}, []string{"OMP_NUM_THREADS=2"}
	if _, err := b.trained(ctx, n, spec); err != nil { // another lease
		return err
	}
	return b.train(ctx, n, "the same with --cpu 2 and OMP_NUM_THREADS=2, of both", "", spec, outside, 3)
}

// train measures pairs, each a run in the container and one outside.
func (b *bench) train(ctx context.Context, n *net, what, target string, spec artel.JobSpec, outside native, pairs int) error {
	var boxed, bare, ratios []float64
	before := load()
	for range pairs {
		in, err := b.trained(ctx, n, spec)
		if err != nil {
			return err
		}
		out, err := outside.run(ctx, spec.Args...)
		if err != nil {
			return err
		}
		boxed, bare, ratios = append(boxed, in), append(bare, out), append(ratios, in/out)
	}
	b.add(what, target, fmt.Sprintf("%.2f×", quantile(ratios, 0.5)),
		fmt.Sprintf("median of %d pairs in turn (%.2f to %.2f×); in the container %s, native by chroot %s; load %s before and %s after",
			pairs, slices.Min(ratios), slices.Max(ratios), spread(boxed), spread(bare), before, load()))
	return nil
}

// trained runs a job to its end and returns how many milliseconds its program took, by
// the provider's meter.
func (b *bench) trained(ctx context.Context, n *net, spec artel.JobSpec) (float64, error) {
	id, err := b.submit(ctx, n.renter.API, spec)
	if err != nil {
		return 0, err
	}
	d, err := over(ctx, n.renter.API, id)
	if err != nil {
		return 0, err
	}
	return float64(d.List[0].Wall), nil
}

// native runs programs of an image's files without a sandbox.
type native struct {
	root, in, out string
	env           []string
}

// run runs a program, with /in and /out where a container has them, and returns the
// milliseconds that it took.
func (v native) run(ctx context.Context, args ...string) (float64, error) {
	const enter = `root=$1 in=$2 out=$3; shift 3
mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" && mount --bind "$in" "$root/in" && mount --bind "$out" "$root/out" && mount -t tmpfs none "$root/tmp" || exit 125
exec chroot "$root" "$@"`
	flags := []string{"--mount", "--propagation", "private"}
	if os.Geteuid() != 0 {
		flags = append(flags, "--map-root-user")
	}
	cmd := exec.CommandContext(ctx, "unshare", slices.Concat(flags, []string{"sh", "-c", enter, "sh", v.root, v.in, v.out}, args)...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}, v.env...)
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("run %v by chroot: %w\n%s", args, err, out)
	}
	return millis(time.Since(begin)), nil
}
