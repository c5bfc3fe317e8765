package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/wasm"
)

// Kinds of sandbox, as offers and leases name them.
const (
	kindWASM      = "wasm"
	kindContainer = "gvisor"
)

// probeFor bounds the trial start of a container.
const probeFor = 30 * time.Second

// boxes are the sandboxes of a provider: WASM everywhere, containers where a trial
// shows that they run.
type boxes struct {
	wasm      *wasm.Box
	program   *gvisor.Program // what containers are made of; nil: this binary
	container *gvisor.Box     // nil: they cannot run here
	why       error           // then
	left      []sandbox.Left  // containers that have outlived the daemon before this one
}

func (o *owner) openBoxes(ctx context.Context, slots int, memory int64) (b boxes, err error) {
	n, work := o.n, o.n.c.Paths.Work()
	b.wasm, err = wasm.New(wasm.Options{
		Command: n.c.Worker, Root: work + "/jobs", Cache: work + "/compiled", Slots: slots, MaxMemory: memory,
		Crashed: func(id, stderr string) { n.c.Log.Warn("a sandbox worker died", "attempt", id, "said", stderr) },
	})
	if err != nil {
		return b, fmt.Errorf("open sandbox: %w", err)
	}
	opts := gvisor.Options{
		Command: n.c.Containers, Dir: work + "/containers", Slots: slots,
		Crashed: func(id, detail string) { n.c.Log.Warn("a container was lost", "attempt", id, "detail", detail) },
		GPUs:    o.gpus.give,
	}
	if len(opts.Command) == 0 {
		b.why = errors.New("containers are switched off")
		return b, nil
	}
	if len(n.c.Box) > 0 {
		if b.program, err = gvisor.Unpack(n.c.Box); err != nil {
			n.c.Log.Warn("containers will begin more slowly", "error", err) // a kernel that forbids programs in memory
		}
		opts.Program = b.program
	}
	trial, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	if b.why = gvisor.Probe(trial, opts); b.why != nil {
		n.c.Log.Warn("no containers on this machine: it offers WASM only", "reason", b.why)
		if b.program != nil {
			_ = b.program.Close()
			b.program = nil
		}
		return b, nil
	}
	if b.container, err = gvisor.New(opts); err != nil {
		return b, errors.Join(fmt.Errorf("open sandbox: %w", err), b.wasm.Close())
	}
	if b.left, err = b.container.Live(ctx); err != nil {
		return b, errors.Join(fmt.Errorf("take up containers: %w", err), b.close())
	}
	if len(b.left) > 0 {
		n.c.Log.Info("containers have outlived the daemon", "count", len(b.left))
	}
	return b, nil
}

// TryContainers begins a container and waits for its end. command executes this
// binary, as Config.Containers. The error says why containers do not run here, with a
// hint what to do.
func TryContainers(ctx context.Context, command []string) error {
	dir, err := os.MkdirTemp("", "artel-trial-")
	if err != nil {
		return fmt.Errorf("try a container: %w", err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, probeFor)
	defer cancel()
	return gvisor.Probe(ctx, gvisor.Options{Command: command, Dir: dir})
}

// kinds lists what the machine offers.
func (b boxes) kinds() []string {
	if b.container == nil {
		return []string{kindWASM}
	}
	return []string{kindContainer, kindWASM}
}

// describe says in an offer what boxes the machine has, who holds their limits, and where
// their programs can go on.
func (b boxes) describe(p *provider.Policy) {
	p.Sandboxes = b.kinds()
	if b.container == nil {
		return
	}
	can := b.container.Capabilities()
	if p.Strict = can.CPU; !can.Moves {
		return
	}
	needs := b.container.Needs()
	p.Moves, p.CPU = strings.ReplaceAll(needs.Version, "/", "-"), needs.CPU // as offers spell versions
}

// notices say, for the machine's owner, what of containers does not work here.
func (b boxes) notices() []string {
	if b.container == nil {
		return []string{fmt.Sprintf("this machine offers WASM only: %v", b.why)}
	}
	limited := b.container.Limited()
	if limited == nil {
		return nil
	}
	var all []string
	for _, l := range strings.Split(limited.Error(), "\n") {
		all = append(all, "containers here have "+l)
	}
	return all
}

func (b boxes) byKind() map[string]sandbox.Box {
	m := map[string]sandbox.Box{kindWASM: b.wasm}
	if b.container != nil {
		m[kindContainer] = b.container
	}
	return m
}

func (b boxes) close() error {
	var errs []error
	if b.wasm != nil {
		errs = append(errs, b.wasm.Close())
	}
	if b.container != nil {
		errs = append(errs, b.container.Close())
	}
	if b.program != nil {
		errs = append(errs, b.program.Close())
	}
	return errors.Join(errs...)
}

var _ provider.Runner = (*provider.Boxed)(nil)
