package node

import (
	"context"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/core"
)

const (
	leaveFor  = 30 * time.Second // what runs here has for its last checkpoints when the daemon is to stop
	settleFor = 10 * time.Second // then, for those who rent to hear of it and pay
)

// stops is what they hear.
const stops = "the machine's owner stops it"

// Vacate has what runs here for others leave, as the daemon is to stop: nothing new begins,
// what is checkpointed brings a last state away and goes on elsewhere, the rest ends and
// begins anew there. It returns when nothing runs here and those who rent know it and have
// paid; when the time for that is over; or when ctx ends. Run goes on meanwhile. What is to
// be after a restart (artel provide) stays as it is.
func (n *Node) Vacate(ctx context.Context) {
	if err := n.uptimes.note(ctx, true); err != nil {
		n.c.Log.Warn("note that the daemon is to stop", "error", err)
	}
	p := n.owner.provider()
	if p == nil {
		return
	}
	st, ok := p.Status(ctx)
	open := 0
	for _, l := range st.Leases {
		if l.Phase != "closed" {
			open++
		}
	}
	if !ok || open == 0 {
		return
	}
	n.c.Log.Info("what runs here leaves before the daemon stops; a second signal stops it at once", "leases", open, "running", st.Busy)
	p.Pause(ctx, true)
	if !p.Drain(ctx, artel.ReasonDrained, stops, leaveFor) {
		return
	}
	within, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	for !p.Settled(within) && core.Every(within, 50*time.Millisecond) {
	}
	core.Every(within, 300*time.Millisecond) // the last answer is on its way
	n.c.Log.Info("nothing runs here any more", "settled", p.Settled(ctx))
}
