package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
)

// openVisit bounds what it takes a provider to open its box.
const openVisit = 20 * time.Second

// Visit implements api.Visits.
func (n *Node) Visit(ctx context.Context, id string, v api.VisitRequest) (io.ReadWriteCloser, error) {
	if v.Any {
		return n.visitAny(ctx, id, v)
	}
	j, _, err := n.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if v.Task < j.Spec.First || v.Task-j.Spec.First >= j.Spec.Count {
		return nil, api.Errorf(api.CodeNotFound, "job %s has no task %d", id, v.Task)
	}
	a, ok, err := n.renter.Attempt(ctx, j.ID, v.Task-j.Spec.First)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, api.Errorf(api.CodeConflict, "task %d of job %s does not run now", v.Task, id).WithHint("artel ps %s", id)
	}
	opening, cancel := context.WithTimeout(ctx, openVisit)
	defer cancel()
	return n.openVisit(opening, a, v.Wire())
}

// openVisit opens a visit to an attempt before ctx ends.
func (n *Node) openVisit(opening context.Context, a renter.Attempt, w wire.Visit) (p2p.Stream, error) {
	s, err := n.host.OpenStream(opening, a.Node, wire.ProtocolVisit)
	if err != nil {
		if errors.Is(err, p2p.Unsupported) {
			return nil, api.Errorf(api.CodeUnsupported, "the provider does not let anybody look into its tasks")
		}
		return nil, api.Errorf(api.CodeUnavailable, "reach the provider: %v", err)
	}
	stop := context.AfterFunc(opening, func() { s.Reset() })
	defer stop()
	w.Lease, w.Gen, w.TaskKey = a.Lease, a.Gen, a.Key
	if err := openTo(s, w); err != nil {
		s.Reset()
		return nil, err
	}
	return s, nil
}

// openTo says what the visit is for and reads whether it may be.
func openTo(s p2p.Stream, v wire.Visit) error {
	if err := s.SetDeadline(time.Now().Add(openVisit)); err != nil {
		return err
	}
	if err := wire.WriteFrame(s, wire.FrameOpen, v.Marshal()); err != nil {
		return api.Errorf(api.CodeUnavailable, "ask the provider: %v", err)
	}
	kind, b, err := wire.ReadFrame(s, nil)
	switch {
	case err != nil:
		return api.Errorf(api.CodeUnavailable, "ask the provider: %v", err)
	case kind == wire.FrameError && string(b) == wire.VisitBusy:
		return api.Errorf(api.CodeUnavailable, "the provider says: %s", wire.VisitBusy)
	case kind == wire.FrameError:
		return api.Errorf(api.CodeRefused, "the provider says: %s", wire.Sentence(b))
	case kind != wire.FrameOpened:
		return fmt.Errorf("visit: frame %d for an answer", kind)
	}
	return s.SetDeadline(time.Time{})
}
