package fake

import (
	"context"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// Services implements api.Services: every replica is healthy at once, and a new version
// has taken over at once.
func (n *Node) Services(_ context.Context, all bool) ([]api.Service, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []api.Service
	seen := map[string]bool{}
	for _, j := range slices.Backward(n.jobs) {
		if name := j.detail.Name; !j.detail.Spec.Service.IsZero() && !seen[name] && (all || !j.detail.State.Ended()) {
			seen[name] = true
			out = append(out, n.service(j))
		}
	}
	slices.SortFunc(out, func(a, b api.Service) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (n *Node) service(j *job) api.Service {
	spec := j.detail.Spec
	s := api.Service{Name: spec.Name, Job: j.detail.ID, State: api.ServiceRunning, Created: when, Spec: spec, Replicas: spec.Service.Replicas}
	if j.detail.State.Ended() {
		s.State, s.Reason, s.Message = api.ServiceEnded, artel.ReasonCancelled, "stopped by its renter"
		return s
	}
	for i := range uint64(spec.Service.Replicas) {
		o := n.offers[i%uint64(len(n.offers))]
		s.List = append(s.List, api.Replica{Job: s.Job, Task: i, Attempt: 1, State: api.ReplicaHealthy, Provider: o.Node, Price: o.Price, Since: when})
		s.Price += o.Price
	}
	s.Healthy = s.Replicas
	return s
}

// named finds the service of that name that runs.
func (n *Node) named(name string) (*job, error) {
	for _, j := range slices.Backward(n.jobs) {
		if !j.detail.Spec.Service.IsZero() && j.detail.Name == name && !j.detail.State.Ended() {
			return j, nil
		}
	}
	return nil, api.Errorf(api.CodeNotFound, "no service %q runs", name).WithHint("artel services")
}

// ScaleService implements api.Services.
func (n *Node) ScaleService(_ context.Context, name string, replicas uint32) (s api.Service, err error) {
	n.change(func() {
		var j *job
		if j, err = n.named(name); err == nil {
			j.detail.Spec.Service.Replicas = replicas
			s = n.service(j)
		}
	})
	return s, err
}

// StopService implements api.Services.
func (n *Node) StopService(_ context.Context, name string) (s api.Service, err error) {
	n.change(func() {
		var j *job
		if j, err = n.named(name); err == nil {
			j.detail.State, j.detail.Ended = api.StateCancelled, when
			s = n.service(j)
		}
	})
	return s, err
}

// takesOver ends the version of a service that a new one replaces, or says why there can
// be none. Called with mu held.
func (n *Node) takesOver(spec artel.JobSpec) error {
	old, err := n.named(spec.Name)
	switch update := !spec.Service.Old.IsZero(); {
	case err == nil && !update:
		return api.Errorf(api.CodeConflict, "service %s runs already", spec.Name).WithHint("artel serve --update %s, or another --name", spec.Name)
	case err != nil && update:
		return err
	case update:
		old.detail.State = api.StateCancelled
	}
	return nil
}
