package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/artel-network/artel"
)

// Services are jobs whose tasks are replicas (artel.JobSpec.Service): they are submitted
// as jobs, the job's name is theirs, and each new version is a job of its own.
type Services interface {
	// Services lists those that run, by name; all: also those that have ended, the newest
	// version of each name.
	Services(ctx context.Context, all bool) ([]Service, error)
	// ScaleService makes a service have so many replicas; not-found.
	ScaleService(ctx context.Context, name string, replicas uint32) (Service, error)
	// StopService drains a service and ends it; not-found.
	StopService(ctx context.Context, name string) (Service, error)
}

// ServiceState is what a service is doing.
type ServiceState string

// States of a service.
const (
	ServiceStarting ServiceState = "starting" // not all replicas are healthy
	ServiceRunning  ServiceState = "running"
	ServiceUpdating ServiceState = "updating" // a new version takes over
	ServiceStopping ServiceState = "stopping"
	ServiceEnded    ServiceState = "ended"
)

// Service is a service with its replicas, of the version that runs and of the one that
// takes over from it.
type Service struct {
	Name     string        `json:"name"`
	Job      string        `json:"job"` // of the newest version
	State    ServiceState  `json:"state"`
	Reason   artel.Reason  `json:"reason,omitempty"` // why it ends, or the last update came to nothing
	Message  string        `json:"message,omitempty"`
	Created  time.Time     `json:"created"`
	Spec     artel.JobSpec `json:"spec"` // of the newest version
	Replicas uint32        `json:"replicas"`
	Healthy  uint32        `json:"healthy"`
	Price    artel.Price   `json:"price"`    // of all that is held for it now, together
	Promised artel.Amount  `json:"promised"` // by vouchers, for the versions that run
	List     []Replica     `json:"list"`
}

// ReplicaState is what a replica is doing.
type ReplicaState string

// States of a replica.
const (
	ReplicaWaiting   ReplicaState = "waiting"  // for a machine
	ReplicaStarting  ReplicaState = "starting" // its image comes, or it was not healthy yet
	ReplicaHealthy   ReplicaState = "healthy"
	ReplicaUnhealthy ReplicaState = "unhealthy" // fails its checks, or its machine is silent
	ReplicaLeaving   ReplicaState = "leaving"   // is drained
	ReplicaFailed    ReplicaState = "failed"    // three machines could not run it
)

// Replica is a replica on a machine, or one that waits for one.
type Replica struct {
	Job      string       `json:"job"`
	Task     uint64       `json:"task"`
	Attempt  uint32       `json:"attempt"` // 0: none yet
	State    ReplicaState `json:"state"`
	Provider artel.NodeID `json:"provider,omitzero"`
	Price    artel.Price  `json:"price"`
	Since    time.Time    `json:"since,omitzero"` // when it was handed out
	Message  string       `json:"message,omitempty"`
}

// ScaleRequest is how many replicas there should be.
type ScaleRequest struct {
	Replicas uint32 `json:"replicas"`
}

func (s *Server) services(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	all := q.bool("all")
	if q.err != nil {
		return nil, q.err
	}
	return list(s.node.Services(r.Context(), all))
}

func (s *Server) scaleService(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[ScaleRequest](w, r)
	if err != nil {
		return nil, err
	}
	if q.Replicas == 0 || q.Replicas > artel.MaxReplicas {
		return nil, Errorf(CodeInvalid, "scale to %d replicas, want 1 to %d", q.Replicas, artel.MaxReplicas).WithHint("artel stop %s ends it", clip(r.PathValue("name")))
	}
	return s.node.ScaleService(r.Context(), r.PathValue("name"), q.Replicas)
}

func (s *Server) stopService(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	return s.node.StopService(r.Context(), r.PathValue("name"))
}

// Services lists services.
func (c *Client) Services(ctx context.Context, all bool) ([]Service, error) {
	return get[[]Service](ctx, c, "/v1/services", values("all", flag(all)))
}

// ScaleService makes a service have so many replicas.
func (c *Client) ScaleService(ctx context.Context, name string, replicas uint32) (Service, error) {
	return post[Service](ctx, c, "/v1/services/"+url.PathEscape(name)+"/scale", ScaleRequest{replicas})
}

// StopService drains a service and ends it.
func (c *Client) StopService(ctx context.Context, name string) (Service, error) {
	return post[Service](ctx, c, "/v1/services/"+url.PathEscape(name)+"/stop", nil)
}
