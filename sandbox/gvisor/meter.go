//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"time"

	"github.com/artel-network/artel/sandbox"
)

var _ sandbox.Meter = (*Box)(nil)

// meterFor bounds a supervisor's answer.
const meterFor = 200 * time.Millisecond

// CPU is sandbox.Meter's. The cgroup above those of all attempts knows it; where there is
// none the supervisors are asked.
func (b *Box) CPU() time.Duration {
	if !b.cgroups.none() {
		return b.cgroups.group("").cpu()
	}
	b.mu.Lock()
	var live []*attempt
	for _, a := range b.live {
		if a != nil {
			live = append(live, a)
		}
	}
	total := b.spent
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), meterFor)
	defer cancel()
	for _, a := range live {
		if u, err := a.Usage(ctx); err == nil {
			total += millis(u.CPUMillis)
		}
	}
	return total
}
