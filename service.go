package artel

import "strings"

// Service is what a job of replicas wants: programs without an end of their own that
// answer on a port. They are paid by RuleTime. The zero Service is any other job's.
type Service struct {
	Replicas uint32 `json:"replicas"`       // that are to run at once, each on another machine
	Port     uint16 `json:"port"`           // TCP, inside the box
	Path     string `json:"path,omitempty"` // GET it must answer 200 to 399; empty: the port takes a connection
	Every    uint64 `json:"every"`          // milliseconds between health checks of a replica
	Timeout  uint64 `json:"timeout"`        // milliseconds that an answer may take
	Fails    uint32 `json:"fails"`          // checks in a row that may fail before a replica is replaced
	Start    uint64 `json:"start"`          // milliseconds from a program's start to its first good answer
	Away     uint64 `json:"away"`           // milliseconds that a replica goes on for without a check: Terms.Risk
	Drain    uint64 `json:"drain"`          // milliseconds that a replica runs on for when nothing new is sent to it
	Old      Hash   `json:"old,omitzero"`   // the job of the version that it takes over from, one replica at a time
}

// DefaultService is what is not said otherwise.
var DefaultService = Service{Replicas: 1, Every: 5_000, Timeout: 3_000, Fails: 3, Start: 120_000, Away: 120_000, Drain: 5_000}

// Bounds of a Service.
const (
	MaxReplicas = 256
	// ServiceWall is the longest that one replica runs in one place, in milliseconds: long
	// before, its lease ends and another one has its place.
	ServiceWall = 48 * 3_600_000
	minEvery    = 100
	maxTimeout  = 60_000 // no provider gives a check longer
)

// IsZero reports whether the job is no service.
func (s Service) IsZero() bool { return s == Service{} }

// Check verifies what a user said.
func (s Service) Check() error {
	switch {
	case s.IsZero():
		return nil
	case s.Replicas == 0 || s.Replicas > MaxReplicas:
		return Invalid("service of %d replicas, want 1 to %d; hint: --replicas 2", s.Replicas, MaxReplicas)
	case s.Port == 0:
		return Invalid("service has no port; hint: --port 8080, where its program listens")
	case s.Path != "" && (s.Path[0] != '/' || len(s.Path) > maxPath || strings.ContainsFunc(s.Path, func(c rune) bool { return c <= ' ' || c > '~' })):
		return Invalid("health check's path %q is not a path of a URL; hint: --health /healthz", clip(s.Path))
	case s.Every < minEvery || s.Timeout == 0 || s.Fails == 0 || s.Start == 0:
		return Invalid("health checks every %d ms (least %d), for %d ms, %d failing, %d ms from the start: want more than 0; hint: --check-every 5s", s.Every, minEvery, s.Timeout, s.Fails, s.Start)
	case s.Every > MaxUnit || s.Start > MaxUnit:
		return Invalid("health checks every %d ms, %d ms from the start: at most %d", s.Every, s.Start, uint64(MaxUnit))
	case s.Timeout > maxTimeout:
		return Invalid("health check may take %d ms, at most %d; hint: --check-timeout 3s", s.Timeout, maxTimeout)
	case s.Away < 2*(s.Every+s.Timeout) || s.Away > MaxUnit:
		return Invalid("replicas go on for %d ms without a check, want at least %d, two checks; hint: --away 2m", s.Away, 2*(s.Every+s.Timeout))
	case s.Drain > ServiceWall:
		return Invalid("replicas are drained for %d ms, at most %d; hint: --drain 5s", s.Drain, ServiceWall)
	}
	return nil
}

// Slice is time of a service that is due because checks of it were answered.
type Slice struct {
	Earned uint64 `json:"earned"` // milliseconds of the attempt that are due with it, ever
	Idle   uint64 `json:"idle"`   // slot-milliseconds the lease was held without a task, ever
	Due    Amount `json:"due"`    // the lane's cumulative total with it
}

// Answered is how many milliseconds more are due when a check is answered after gap of
// them since the one before: what was not looked at for longer than Risk was not seen
// to be there.
func (t Terms) Answered(gap uint64) uint64 { return min(gap, t.Risk) }

// Slice is how many milliseconds have to be due for a provider to say so.
func (t Terms) Slice() uint64 { return max(t.Risk/8, minEvery) }
