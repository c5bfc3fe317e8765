package node

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/wire"
)

// versions lists the jobs of services, newest first: those that run, and all others too
// if all.
func (n *Node) versions(ctx context.Context, all bool) ([]job.Job, error) {
	live, err := n.renter.Services(ctx)
	if err != nil || !all {
		return live, err
	}
	js, err := n.renter.Jobs(ctx, maxListed)
	if err != nil {
		return nil, err
	}
	known := map[artel.Hash]bool{}
	js = slices.DeleteFunc(js, func(j job.Job) bool { known[j.ID] = true; return j.Spec.Service.IsZero() })
	for _, j := range live { // behind more jobs than are listed
		if !known[j.ID] {
			js = append(js, j)
		}
	}
	return js, nil
}

// named lists the versions of a service that run, newest first; not-found where there is
// none.
func (n *Node) named(ctx context.Context, name string) ([]job.Job, error) {
	js, err := n.versions(ctx, false)
	if err != nil {
		return nil, err
	}
	if js = slices.DeleteFunc(js, func(j job.Job) bool { return j.Spec.Name != name }); len(js) == 0 {
		return nil, api.Errorf(api.CodeNotFound, "no service %q runs", name).WithHint("artel services")
	}
	return js, nil
}

// beginService stores a service, unless another one has its name. Two that are submitted
// at once are looked at one after the other: both would run, and be paid, under one name.
func (n *Node) beginService(ctx context.Context, id artel.Hash, spec artel.JobSpec) error {
	n.naming.Lock()
	defer n.naming.Unlock()
	if err := n.checkService(ctx, id, &spec); err != nil {
		return err
	}
	return n.renter.Submit(ctx, id, spec)
}

// checkService refuses a service whose name another one has, and makes a version that
// takes over begin with one replica.
func (n *Node) checkService(ctx context.Context, id artel.Hash, spec *artel.JobSpec) error {
	if !isServiceName(spec.Name) {
		return api.Errorf(api.CodeInvalid, "%q is no name of a service: want 1 to 63 letters, digits or -", spec.Name).WithHint("--name web")
	}
	js, err := n.versions(ctx, false)
	if err != nil {
		return err
	}
	old := false
	for _, j := range js {
		switch {
		case j.Spec.Name != spec.Name || j.Halted != 0 || j.ID == id:
		case j.ID != spec.Service.Old && spec.Service.Old.IsZero():
			return api.Errorf(api.CodeConflict, "service %s runs already", spec.Name).WithHint("artel serve --update %s, or another --name", spec.Name)
		case j.ID != spec.Service.Old:
			return api.Errorf(api.CodeConflict, "service %s is being updated", spec.Name).WithHint("artel services; artel stop %s ends all of it", spec.Name)
		default:
			old = true
		}
	}
	if spec.Service.Old.IsZero() {
		spec.Count = uint64(spec.Service.Replicas)
		return nil
	}
	if !old && !slices.ContainsFunc(js, func(j job.Job) bool { return j.ID == id }) {
		return api.Errorf(api.CodeConflict, "the version of service %s that is to be updated does not run any more", spec.Name).WithHint("artel services")
	}
	spec.Count = 1
	return nil
}

func isServiceName(s string) bool {
	return s != "" && len(s) <= 63 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-'
	})
}

// Services implements api.Services.
func (n *Node) Services(ctx context.Context, all bool) ([]api.Service, error) {
	js, err := n.versions(ctx, true)
	if err != nil {
		return nil, err
	}
	by := map[string][]job.Job{}
	for _, j := range js {
		by[j.Spec.Name] = append(by[j.Spec.Name], j)
	}
	var out []api.Service
	for _, name := range slices.Sorted(maps.Keys(by)) {
		s, err := n.service(ctx, by[name])
		if err != nil {
			return nil, err
		}
		if all || s.State != api.ServiceEnded {
			out = append(out, s)
		}
	}
	return out, nil
}

// service is a service by its versions, newest first.
func (n *Node) service(ctx context.Context, versions []job.Job) (s api.Service, err error) {
	live := slices.DeleteFunc(slices.Clone(versions), func(j job.Job) bool { return j.Phase != job.Active })
	current := slices.DeleteFunc(slices.Clone(live), func(j job.Job) bool { return j.Halted != 0 })
	newest := versions[0]
	if len(current) > 0 {
		newest = current[0]
	}
	spec := newest.Spec
	s = api.Service{
		Name: spec.Name, Job: newest.ID.String(), Reason: newest.Why, Message: newest.Message, Created: millis(newest.Created), Spec: spec, Replicas: spec.Service.Replicas,
	}
	for _, j := range live {
		if err := n.replicas(ctx, j, &s); err != nil {
			return s, err
		}
	}
	switch {
	case len(live) == 0:
		s.State = api.ServiceEnded
		return s, nil
	case len(current) == 0:
		s.State = api.ServiceStopping
		return s, nil
	case len(current) > 1:
		s.State = api.ServiceUpdating
	case s.Healthy >= s.Replicas:
		s.State = api.ServiceRunning
	default:
		s.State = api.ServiceStarting
	}
	if last := versions[0]; last.ID != newest.ID && last.Why != "" { // an update that came to nothing
		s.Reason, s.Message = last.Why, fmt.Sprintf("version %s: %s", last.ID.Short(), last.Message)
	}
	if s.Message == "" && slices.ContainsFunc(s.List, func(r api.Replica) bool { return r.State == api.ReplicaWaiting }) {
		s.Message = n.whyWaiting(ctx, newest)
	}
	return s, nil
}

// replicas adds those of a version to a service.
func (n *Node) replicas(ctx context.Context, j job.Job, s *api.Service) error {
	now, tasks, err := n.renter.Job(ctx, j.ID)
	if err != nil {
		return err
	}
	on, err := n.renter.Replicas(ctx, j.ID)
	if err != nil {
		return err
	}
	s.Promised = s.Promised.Add(promised(now))
	for _, t := range tasks {
		shown := false
		for _, a := range t.Attempts {
			r, runs := on[t.Index][a.N]
			if !runs || a.Ended != 0 && a.Leaves == 0 {
				continue
			}
			x := api.Replica{
				Job: j.ID.String(), Task: t.Index, Attempt: a.N, State: replicaState(a, r.Healthy), Provider: r.Node, Price: r.Price, Since: millis(a.Sent), Message: a.Message,
			}
			if x.State == api.ReplicaHealthy {
				s.Healthy++
			}
			s.Price += r.Price
			s.List, shown = append(s.List, x), true
		}
		if shown || now.Halted != 0 || t.State == job.Done {
			continue
		}
		x := api.Replica{Job: j.ID.String(), Task: t.Index, State: api.ReplicaWaiting}
		if t.State == job.Failed {
			x.State = api.ReplicaFailed
		}
		if k := len(t.Attempts); k > 0 {
			last := t.Attempts[k-1]
			x.Attempt, x.Message = last.N, or(last.Message, last.Reason.Sentence(0))
		}
		s.List = append(s.List, x)
	}
	return nil
}

func replicaState(a job.Attempt, healthy bool) api.ReplicaState {
	switch {
	case a.Leaves != 0:
		return api.ReplicaLeaving
	case healthy:
		return api.ReplicaHealthy
	case a.Up == 0:
		return api.ReplicaStarting
	}
	return api.ReplicaUnhealthy
}

// shown is a service as it is now.
func (n *Node) shown(ctx context.Context, name string) (api.Service, error) {
	js, err := n.versions(ctx, true)
	if err != nil {
		return api.Service{}, err
	}
	if js = slices.DeleteFunc(js, func(j job.Job) bool { return j.Spec.Name != name }); len(js) == 0 {
		return api.Service{}, api.Errorf(api.CodeNotFound, "no service %q", name).WithHint("artel services --all")
	}
	return n.service(ctx, js)
}

// ScaleService implements api.Services.
func (n *Node) ScaleService(ctx context.Context, name string, replicas uint32) (api.Service, error) {
	js, err := n.named(ctx, name)
	if err != nil {
		return api.Service{}, err
	}
	js = slices.DeleteFunc(js, func(j job.Job) bool { return j.Halted != 0 })
	if len(js) == 0 {
		return api.Service{}, api.Errorf(api.CodeConflict, "service %s is being stopped", name)
	}
	if err := n.renter.ScaleService(ctx, js[0].ID, replicas); err != nil {
		return api.Service{}, err
	}
	return n.shown(ctx, name)
}

// StopService implements api.Services.
func (n *Node) StopService(ctx context.Context, name string) (api.Service, error) {
	js, err := n.named(ctx, name)
	if err != nil {
		return api.Service{}, err
	}
	for _, j := range js {
		if err := n.renter.StopService(ctx, j.ID, "stopped by its renter"); err != nil && !errors.Is(err, renter.ErrNoJob) {
			return api.Service{}, err
		}
	}
	return n.shown(ctx, name)
}

// maxAnswer is what is read of an answer to a health check.
const maxAnswer = 64 << 10

// probe is renter.Config's: one health check, over the same path as a forwarded port.
func (n *Node) probe(ctx context.Context, at renter.Attempt, s artel.Service) renter.Probed {
	stream, err := n.openVisit(ctx, at, wire.Visit{Kind: wire.VisitCheck, Port: uint32(s.Port)})
	if err != nil {
		e := api.AsError(err)
		return renter.Probed{Check: job.Check{Bad: e.Message, Host: e.Code != api.CodeRefused}}
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { stream.Reset() })()
	p := renter.Probed{Answered: true}
	if s.Path == "" {
		return p
	}
	p.Bad = ask(stream, s.Path)
	if p.Bad != "" && ctx.Err() != nil {
		p.Bad = fmt.Sprintf("no answer to GET %s within %d ms", s.Path, s.Timeout)
	}
	return p
}

// ask sends one GET and says what is wrong with the answer.
func ask(s p2p.Stream, path string) (bad string) {
	req := "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: artel\r\nConnection: close\r\n\r\n"
	if err := wire.WriteFrame(s, wire.FrameIn, []byte(req)); err != nil {
		return "the connection ended"
	}
	resp, err := http.ReadResponse(bufio.NewReader(io.LimitReader(&answer{s: s}, maxAnswer)), nil)
	if err != nil {
		return "what answers on that port is no HTTP"
	}
	resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode >= 400 {
		return fmt.Sprintf("GET %s: status %d", path, resp.StatusCode)
	}
	return ""
}

// answer is what a port sends, without the frames.
type answer struct {
	s    p2p.Stream
	rest []byte
}

func (a *answer) Read(b []byte) (int, error) {
	for len(a.rest) == 0 {
		kind, body, err := wire.ReadFrame(a.s, nil)
		switch {
		case err != nil:
			return 0, err
		case kind == wire.FrameOut:
			a.rest = body
		default:
			return 0, io.EOF
		}
	}
	k := copy(b, a.rest)
	a.rest = a.rest[k:]
	return k, nil
}

// balance spreads visits over replicas.
type balance struct {
	mu    sync.Mutex
	turns int
	ill   map[artel.NodeID]time.Time // machines that did not open, until when they come last
}

const (
	openAny = 5 * time.Second  // for one replica to open; then another one is asked
	illFor  = 15 * time.Second // longer than it takes to notice that a machine is gone
	mostAny = 4                // replicas that are asked for one visit
)

// order puts replicas in the order in which they are asked.
func (b *balance) order(rs []renter.Replica, now time.Time) []renter.Replica {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turns++
	slices.SortFunc(rs, func(x, y renter.Replica) int {
		return cmp.Or(slices.Compare(x.Lease[:], y.Lease[:]), cmp.Compare(x.Key.Task, y.Key.Task))
	})
	k := b.turns % len(rs)
	rs = append(slices.Clone(rs[k:]), rs[:k]...)
	late := func(r renter.Replica) int {
		if now.Before(b.ill[r.Node]) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(rs, func(x, y renter.Replica) int { return cmp.Compare(late(x), late(y)) })
	return rs
}

func (b *balance) failed(n artel.NodeID, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ill == nil {
		b.ill = map[artel.NodeID]time.Time{}
	}
	maps.DeleteFunc(b.ill, func(_ artel.NodeID, until time.Time) bool { return now.After(until) })
	b.ill[n] = now.Add(illFor)
}

// visitAny opens a visit to a healthy replica of a service: another one where that
// does not open.
func (n *Node) visitAny(ctx context.Context, name string, v api.VisitRequest) (io.ReadWriteCloser, error) {
	js, err := n.named(ctx, name)
	if err != nil {
		return nil, err
	}
	var rs []renter.Replica
	for _, j := range js {
		on, err := n.renter.Replicas(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		for _, tries := range on {
			for _, r := range tries {
				if r.Healthy {
					rs = append(rs, r)
				}
			}
		}
	}
	if len(rs) == 0 {
		return nil, api.Errorf(api.CodeUnavailable, "no replica of service %s is healthy now", name).WithHint("artel services")
	}
	rs = n.balance.order(rs, time.Now())
	for _, r := range rs[:min(len(rs), mostAny)] {
		opening, cancel := context.WithTimeout(ctx, openAny)
		var s p2p.Stream
		s, err = n.openVisit(opening, r.Attempt, v.Wire())
		cancel()
		if err == nil {
			return s, nil
		}
		if ctx.Err() != nil {
			break
		}
		n.balance.failed(r.Node, time.Now())
	}
	return nil, err
}
