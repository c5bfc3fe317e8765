package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/sandbox/gvisor"
)

// GPUs are those of a machine that tasks may be given: all of one kind, since an offer
// names one.
type GPUs struct {
	Kind   artel.GPU
	Memory uint64 // bytes of the smallest; 0: not known
	Minors []int
	give   *gvisor.GPUs
}

// FindGPUs looks for GPUs that containers can use. Of several kinds it takes the one
// with the most memory in all. None and no error: the machine has no NVIDIA driver. An
// error says why what there is cannot be used.
func FindGPUs(ctx context.Context, s host.System) (GPUs, error) {
	list, driver, err := s.GPUs(ctx)
	if errors.Is(err, host.ErrNoDriver) && driver.Version == "" {
		return GPUs{}, nil
	}
	if err != nil {
		return GPUs{}, err
	}
	g, err := oneKind(list)
	if err != nil {
		return GPUs{}, err
	}
	g.Kind.Driver = driver.Version
	g.give = &gvisor.GPUs{Version: driver.Version, Minors: g.Minors, Libraries: driver.Libraries, Binaries: driver.Binaries}
	if err := g.give.Check(); err != nil {
		return GPUs{}, err
	}
	return g, nil
}

func oneKind(list []host.GPU) (GPUs, error) {
	type kind struct {
		GPUs
		sum uint64
	}
	kinds := map[string]*kind{}
	best, cut := (*kind)(nil), 0
	for _, d := range list {
		if d.MIG {
			cut++
			continue
		}
		k := kinds[d.Name]
		if k == nil {
			k = &kind{GPUs: GPUs{Kind: artel.GPU{Model: d.Name}, Memory: d.Memory}}
			kinds[d.Name] = k
		}
		k.Minors, k.Memory = append(k.Minors, d.Index), min(k.Memory, d.Memory)
		k.sum += max(d.Memory, 1)
		if best == nil || k.sum > best.sum {
			best = k
		}
	}
	if best == nil {
		return GPUs{}, fmt.Errorf("no GPUs for containers: all %d are cut into MIG instances, which gVisor does not pass on; hint: nvidia-smi -mig 0, as root", cut)
	}
	return best.GPUs, nil
}

// offerGPUs puts as many GPUs as the owner wants to lend, and has, into the policy, and
// returns their device numbers.
func (o *owner) offerGPUs(pol *provider.Policy, want uint32) []int {
	if o.boxes.container == nil || !o.boxes.container.Capabilities().GPUs {
		return nil
	}
	n := min(int(min(want, 4096)), len(o.gpus.Minors))
	if n > 0 {
		pol.Resources.GPUs, pol.Resources.GPUMemory, pol.GPU = uint32(n), o.gpus.Memory, o.gpus.Kind
	}
	return o.gpus.Minors[:n]
}

// mayLend refuses a wish for more GPUs than there are. Who wants all is content with
// what there is, but for none at all.
func (o *owner) mayLend(ctx context.Context, want uint32) error {
	if want == 0 {
		return nil
	}
	g, err := FindGPUs(ctx, host.Local())
	switch {
	case err != nil:
		return &api.Error{Code: api.CodeInvalid, Message: err.Error(), Hint: "artel doctor"}
	case len(g.Minors) == 0:
		return &api.Error{Code: api.CodeInvalid, Message: "this machine has no NVIDIA driver, and no other GPU can be given to tasks", Hint: "leave --gpus out"}
	case want != api.AllGPUs && int(want) > len(g.Minors):
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d GPUs are to be given, %d can be: %s", want, len(g.Minors), g.Kind.Model), Hint: "--gpus all"}
	case o.p != nil && len(o.gpus.Minors) == 0:
		return &api.Error{Code: api.CodeConflict, Message: "the sandbox was opened when there were no GPUs", Hint: "restart the daemon"}
	case o.p != nil && (o.boxes.container == nil || !o.boxes.container.Capabilities().GPUs):
		return &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("no containers run here: %v", o.boxes.why), Hint: "artel doctor"}
	}
	return nil
}
