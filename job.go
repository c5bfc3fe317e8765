package artel

import (
	"slices"
	"strconv"
	"strings"
)

// Terms is everything of a lease that does not need to be on chain. The lease
// holds the hash of its encoding.
type Terms struct {
	Network   Hash      `json:"network"`
	Node      NodeID    `json:"node"`           // the provider's node
	Renter    NodeID    `json:"renter"`         // the controller's node: only it may speak for the lease
	Offer     Hash      `json:"offer"`          // hash of the signed offer it follows from
	Nonce     [16]byte  `json:"nonce"`          // drawn by the renter, so that no two leases share an id
	Slots     uint32    `json:"slots"`          // tasks at once
	Price     Price     `json:"price"`          // units per 10⁶ s of one task
	Unit      uint64    `json:"unit"`           // longest task, milliseconds
	Risk      uint64    `json:"risk,omitempty"` // longest work without a confirmed checkpoint, or an answered check, milliseconds; 0: with RuleResult
	Resources Resources `json:"resources"`      // of one task; Slots are those of the machine that it takes
	Sandbox   string    `json:"sandbox"`
	MaxUnpaid Amount    `json:"maxUnpaid"`
	Prepaid   Amount    `json:"prepaid"`    // first voucher's share, due before the first task
	Base      Accrual   `json:"base"`       // the lane's running total when the lease begins
	Gen       uint64    `json:"generation"` // the controller's generation
	Image     Hash      `json:"image"`      // sha256 of the manifest or index of the tasks' image; zero: none
	Pull      uint64    `json:"pull"`       // bytes of that image as it travels, all that the provider need fetch
	PullFree  uint64    `json:"pullFree"`   // bytes of them that cost nothing
	PullPrice Price     `json:"pullPrice"`  // units per 10⁹ bytes beyond that
	Label     Label     `json:"label,omitempty"`
}

// Label says how a provider treats what a job brings: its image, its input, its
// output. The zero Label is what most jobs want. docs/jobs.md says what each means,
// and what none can promise.
type Label string

// Labels.
const (
	// LabelPublic lets machines pass the job's own image on to anybody.
	LabelPublic Label = "public"
	// LabelPrivate, the private-at-rest of job files, lets nobody but the renter's
	// node hand the image out, and removes image, input and output from the
	// provider's disk when the lease ends.
	LabelPrivate Label = "private-at-rest"
)

// Check refuses what is no label.
func (l Label) Check() error {
	switch l {
	case "", LabelPublic, LabelPrivate:
		return nil
	}
	return Invalid("label %q is not known here; hint: %s or %s", clip(string(l)), LabelPublic, LabelPrivate)
}

// Start is the lane's running total when the lease begins: Base, and what
// fetching the image costs.
func (t Terms) Start() (Accrual, error) {
	if t.Pull <= t.PullFree {
		return t.Base, nil
	}
	return t.Base.Accrue(t.PullPrice, t.Pull-t.PullFree)
}

// UnitCost is what one task costs at most until something of it is due: what
// either side can lose.
func (t Terms) UnitCost() Amount { return Cost(t.Price, t.Stake()) }

// Stake is for how many milliseconds one task runs at most until something of it
// is due: to its end, or to its next checkpoint or check.
func (t Terms) Stake() uint64 {
	if t.Risk != 0 {
		return min(t.Risk, t.Unit)
	}
	return t.Unit
}

// Check verifies terms against the lease that names them.
func (t Terms) Check(l Lease) error {
	switch {
	case t.Slots == 0 || t.Slots > 4096:
		return Invalid("lease of %d slots, want 1 to 4096", t.Slots)
	case t.Resources.Slots > 4096:
		return Invalid("lease of tasks that take %d slots each, at most 4096", t.Resources.Slots)
	case t.Pull > MaxPull:
		return Invalid("lease's image has %d bytes, at most %d", t.Pull, uint64(MaxPull))
	case t.Image.IsZero() && t.Pull != 0:
		return Invalid("lease pays for an image that it does not name")
	case t.Price == 0:
		return Invalid("lease has no price")
	case t.Unit == 0 || t.Unit > MaxUnit:
		return Invalid("lease has a unit of %d ms, want 1 to %d; hint: the longest task, in milliseconds", t.Unit, uint64(MaxUnit))
	case !isWord(t.Sandbox):
		return Invalid("lease names no sandbox")
	case t.Label.Check() != nil:
		return t.Label.Check()
	case l.End <= l.Start:
		return Invalid("lease ends at %d, before it starts at %d", l.End, l.Start)
	case l.End >= 1<<40:
		return Invalid("lease ends beyond 40 bits of seconds")
	case l.Rule != RuleResult && l.Rule != RuleCheckpoint && l.Rule != RuleTime:
		return Invalid("pay rule %s is not offered here; hint: %s, %s or %s", l.Rule, RuleResult, RuleCheckpoint, RuleTime)
	case (l.Rule != RuleResult) != (t.Risk != 0) || t.Risk > MaxUnit:
		return Invalid("lease with pay rule %s may have %d ms without a checkpoint or a check; hint: none with %s, else 1 to %d", l.Rule, t.Risk, RuleResult, uint64(MaxUnit))
	case l.Rule == RuleTime && t.Image.IsZero():
		return Invalid("lease with pay rule %s names no image; hint: services run in containers, WASM programs cannot listen", l.Rule)
	case l.Renter.IsZero() || l.Provider.IsZero():
		return Invalid("lease names no renter or no provider")
	}
	return nil
}

// TaskSpec is what one task runs: a program, or a command in a container image.
// The same spec on any honest machine gives the same output when the sandbox is
// deterministic.
type TaskSpec struct {
	Program Ref       `json:"program"` // zero where there is an image
	Input   Ref       `json:"input"`   // zero where there is none
	Args    []string  `json:"args,omitempty"`
	Env     []string  `json:"env,omitempty"` // K=V
	Want    Resources `json:"want"`
	Wall    uint64    `json:"wall"` // time limit, milliseconds
	Log     uint64    `json:"log"`  // most bytes of stdout and stderr kept
	Seed    [32]byte  `json:"seed"` // of the guest's randomness
	Epoch   uint64    `json:"epoch"`
	Box     Box       `json:"box"`
}

// Box is what a task in a container wants besides.
type Box struct {
	Image   Hash     `json:"image"`             // sha256 of its manifest, or of an index of which the host takes its own
	Source  string   `json:"source,omitempty"`  // where a registry has it, without tag or digest: docker.io/library/python
	Dir     string   `json:"dir,omitempty"`     // working directory; empty: the image's
	Network []string `json:"network,omitempty"` // the hosts that it may reach, see sandbox.Network
	Traffic uint64   `json:"traffic,omitempty"` // bytes in and out together; 0: the host's own limit
}

func (b Box) isZero() bool {
	return b.Image.IsZero() && b.Source == "" && b.Dir == "" && len(b.Network) == 0 && b.Traffic == 0
}

// MaxUnit is the longest task that a lease may be for, in milliseconds: 34 years,
// so that no sum of a few of them overflows.
const MaxUnit = 1 << 40

// MaxPull is the largest image that a lease may name, in bytes.
const MaxPull = 1 << 40

func (b Box) check(program Ref) error {
	switch {
	case b.Image.IsZero() && program.IsZero():
		return Invalid("task has no program and no image")
	case b.Image.IsZero() && !b.isZero():
		return Invalid("task has a source, a working directory or a network, and no image")
	case b.Image.IsZero():
		return nil
	case !program.IsZero():
		return Invalid("task has a program and an image")
	case !isReference(b.Source) && b.Source != "":
		return Invalid("task: image source %q is not host/name", clip(b.Source))
	case len(b.Dir) > maxPath || strings.ContainsRune(b.Dir, 0) || b.Dir != "" && b.Dir[0] != '/':
		return Invalid("task: working directory %q is not an absolute path", clip(b.Dir))
	case len(b.Network) > maxHosts:
		return Invalid("task: %d hosts to reach, at most %d", len(b.Network), maxHosts)
	}
	for _, h := range b.Network {
		if h == "" || len(h) > maxHostLen || strings.ContainsFunc(h, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return Invalid("task: host to reach %q is not a name", clip(h))
		}
	}
	return nil
}

// isReference keeps what names an image printable; who pulls it parses it.
func isReference(s string) bool {
	return len(s) <= maxHostLen && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_./:", c)
	})
}

// Bounds of a task spec, which travels in one message.
const (
	MaxArgs      = 256
	MaxArgsBytes = 64 << 10
	MaxLogBytes  = 64 << 20
	maxPath      = 1024
	maxHosts     = 64
	maxHostLen   = 256
)

// Check verifies a task against the terms that it would run under.
func (s TaskSpec) Check(t Terms) error {
	n := 0
	for _, a := range s.Args {
		n += len(a)
		if strings.ContainsRune(a, 0) {
			return Invalid("task: an argument holds a NUL byte")
		}
	}
	for _, e := range s.Env {
		n += len(e)
		k, _, ok := strings.Cut(e, "=")
		if !ok || !isWord(k) || strings.ContainsRune(e, 0) {
			return Invalid("task: environment entry %q is not NAME=value", clip(e))
		}
	}
	if err := s.Box.check(s.Program); err != nil {
		return err
	}
	switch {
	case s.Box.Image != t.Image:
		return Invalid("task wants image %s, the lease is for %s", s.Box.Image.Short(), t.Image.Short())
	case len(s.Args) > MaxArgs || len(s.Env) > MaxArgs || n > MaxArgsBytes:
		return Invalid("task: %d arguments and %d variables of %d bytes, at most %d, %d and %d; hint: put long lists into an input file", len(s.Args), len(s.Env), n, MaxArgs, MaxArgs, MaxArgsBytes)
	case s.Wall == 0 || s.Wall > t.Unit:
		return Invalid("task: time limit %d ms, the lease allows 1 to %d", s.Wall, t.Unit)
	case s.Want.Memory > t.Resources.Memory || s.Want.Disk > t.Resources.Disk:
		return Invalid("task wants %d bytes of memory and %d of disk, the lease has %d and %d", s.Want.Memory, s.Want.Disk, t.Resources.Memory, t.Resources.Disk)
	case s.Want.Slots > max(t.Resources.Slots, 1) || s.Want.GPUs > t.Resources.GPUs || s.Want.GPUMemory > t.Resources.GPUMemory:
		return Invalid("task wants %d slots and %d GPUs of %d bytes, the lease has %d and %d of %d", s.Want.Slots, s.Want.GPUs, s.Want.GPUMemory, t.Resources.Slots, t.Resources.GPUs, t.Resources.GPUMemory)
	case s.Log > MaxLogBytes:
		return Invalid("task: log limit %d bytes, at most %d", s.Log, MaxLogBytes)
	}
	return nil
}

// Usage is what an attempt took, by the provider's meter.
type Usage struct {
	Wall   uint64 `json:"wall"` // milliseconds from start to exit; with RuleTime those of them that are due
	CPU    uint64 `json:"cpu"`  // milliseconds of processor time
	Idle   uint64 `json:"idle"` // slot-milliseconds the lease was held without a task, ever
	Output uint64 `json:"output"`
	Log    uint64 `json:"log"`
}

// Receipt is a provider's signed result of an attempt with what belongs to it.
type Receipt struct {
	Result    Result    `json:"result"`
	Signature Signature `json:"signature"` // over Result's digest, by the provider's node key
	Reason    Reason    `json:"reason"`
	Message   string    `json:"message,omitempty"` // the box's sentence for the renter
	Usage     Usage     `json:"usage"`
	Sealed    Ref       `json:"sealed"` // the output, encrypted until it is paid for; zero where there is none
	Due       Amount    `json:"due"`    // the lane's cumulative total with this receipt
	// Last is the last confirmed checkpoint of the attempt, at which it was drained
	// where Reason says so; zero: there is none.
	Last Ref `json:"last"`
}

// Reason says in one word why an attempt or a lease stopped.
type Reason string

// Reasons. Those of the program count against the program, those of the host
// against the host.
const (
	ReasonExited     Reason = "exited"      // the program ended by itself; see the exit code
	ReasonTime       Reason = "time"        // it ran into its time limit
	ReasonMemory     Reason = "memory"      // it ran into its memory limit
	ReasonOutput     Reason = "output"      // it ran into its output limit
	ReasonLog        Reason = "log"         // it flooded its log
	ReasonTrap       Reason = "trap"        // it did what a machine forbids
	ReasonBadProgram Reason = "bad-program" // it is not a program this box can run
	ReasonCancelled  Reason = "cancelled"   // the renter asked for it
	ReasonLost       Reason = "lost"        // the host vanished or crashed with it
	ReasonRefused    Reason = "refused"     // the host did not take it
	ReasonNoInput    Reason = "no-input"    // the host could not fetch what it needs
	ReasonUnpaid     Reason = "unpaid"      // the host's maxUnpaid was reached
	ReasonExpired    Reason = "expired"     // the lease ended
	ReasonGarbage    Reason = "garbage"     // the host answered what does not verify
	ReasonHost       Reason = "host"        // the host's own machinery broke
	ReasonDrained    Reason = "drained"     // the owner wants the machine back; it goes on from its last checkpoint
	ReasonEvicted    Reason = "evicted"     // the same, and there was no time for a checkpoint
	ReasonStale      Reason = "stale"       // the checkpoint cannot go on here, or nowhere
	ReasonUnhealthy  Reason = "unhealthy"   // it failed its health checks
)

// Reasons of a job that ended before all its tasks had a result, beside
// ReasonCancelled.
const (
	ReasonFailed   Reason = "failed"   // some of its tasks failed; each says why
	ReasonProgram  Reason = "program"  // its first tasks failed on every machine, none succeeded
	ReasonBudget   Reason = "budget"   // its budget is used up, or pays for nothing more
	ReasonDeadline Reason = "deadline" // its deadline came, or nothing can be done before it any more
	ReasonEnough   Reason = "enough"   // as many tasks as were asked for are done
)

// ProgramsFault reports whether another host would most likely see the same.
func (r Reason) ProgramsFault() bool {
	switch r {
	case ReasonTime, ReasonMemory, ReasonOutput, ReasonLog, ReasonTrap, ReasonBadProgram, ReasonUnhealthy:
		return true
	}
	return false
}

// HostsFault reports whether the task has to be tried elsewhere for no fault of
// its program's. A word that is not known says so.
func (r Reason) HostsFault() bool {
	return r != ReasonExited && r != ReasonCancelled && !r.ProgramsFault()
}

// Excused reports whether a host that ended an attempt so has done as it said it
// would: it counts for nothing in its record.
func (r Reason) Excused() bool {
	return r == ReasonDrained || r == ReasonEvicted || r == ReasonStale
}

// maxArchs bounds the kinds of processor that an image is said to be for.
const maxArchs = 32

// JobSpec is what a renter asks for: Count tasks of one program or one image.
type JobSpec struct {
	Name      string    `json:"name"`
	Program   Ref       `json:"program"`
	Box       Box       `json:"box"`
	Pull      uint64    `json:"pull,omitempty"`  // bytes of the image as it travels
	Archs     []string  `json:"archs,omitempty"` // processors that the image is for, as Go names them; empty: any
	Input     Ref       `json:"input"`
	Args      []string  `json:"args,omitempty"`
	Env       []string  `json:"env,omitempty"`
	First     uint64    `json:"first"` // the array's first index; task i of n runs with ARTEL_TASK=First+i
	Count     uint64    `json:"count"`
	Want      Resources `json:"want"`
	Wall      uint64    `json:"wall"` // per task, milliseconds
	Log       uint64    `json:"log"`
	Sandbox   string    `json:"sandbox"`
	MaxPrice  Price     `json:"maxPrice"` // 0: any
	Budget    Amount    `json:"budget"`   // all vouchers of the job together; zero: no limit
	Parallel  uint32    `json:"parallel"` // most slots at once; 0: as many as help
	Tries     uint32    `json:"tries"`    // attempts that fail by the program's own fault before the task fails
	Providers []NodeID  `json:"providers,omitempty"`
	Failover  Failover  `json:"failover"`
	Label     Label     `json:"label,omitempty"`
	Survival  Survival  `json:"survival,omitzero"`
	Deadline  int64     `json:"deadline,omitempty"` // unix ms: the job ends then, with what is done; 0: none
	Enough    uint64    `json:"enough,omitempty"`   // the job ends when so many tasks are done; 0: all
	Once      bool      `json:"once,omitempty"`     // no task is begun a second time while it runs
	Service   Service   `json:"service,omitzero"`   // its tasks are replicas of it
}

// Failover says how soon a silent host is given up, in milliseconds.
type Failover struct {
	Heartbeat uint64 `json:"heartbeat"`
	Suspect   uint64 `json:"suspect"` // prepare elsewhere
	Replace   uint64 `json:"replace"` // start elsewhere; the old attempt is fenced
}

// The two failover policies of the CLI.
var (
	FailoverNormal = Failover{Heartbeat: 5_000, Suspect: 15_000, Replace: 20_000}
	FailoverFast   = Failover{Heartbeat: 1_000, Suspect: 2_000, Replace: 3_000}
)

// Check verifies a job a user submitted.
func (j JobSpec) Check() error {
	switch {
	case j.Program.IsZero() && j.Box.Image.IsZero():
		return Invalid("job has no program; hint: --image NAME or --wasm FILE")
	case j.Pull > MaxPull:
		return Invalid("job's image has %d bytes, at most %d", j.Pull, uint64(MaxPull))
	case j.Count == 0 || j.Count > 1_000_000:
		return Invalid("job has %d tasks, want 1 to 1,000,000", j.Count)
	case j.Wall == 0:
		return Invalid("job has no time limit per task; hint: --timeout 10m")
	case j.Wall > MaxUnit:
		return Invalid("job has a time limit of %d ms per task, at most %d; hint: --timeout 10m", j.Wall, uint64(MaxUnit))
	case !isWord(j.Sandbox):
		return Invalid("job names no sandbox")
	case len(j.Archs) > maxArchs || slices.ContainsFunc(j.Archs, func(a string) bool { return !isWord(a) }):
		return Invalid("job's image is for %d kinds of processor, want at most %d words", len(j.Archs), maxArchs)
	case j.Label.Check() != nil:
		return j.Label.Check()
	case j.Survival.Check() != nil:
		return j.Survival.Check()
	case j.Survival.Kind == CheckpointWhole && (j.Box.Image.IsZero() || j.Want.GPUs > 0):
		return Invalid("whole checkpoints are of containers without a GPU; hint: --checkpoint files")
	case j.Deadline < 0:
		return Invalid("job has a deadline before 1970; hint: --deadline 2h")
	case j.Enough > j.Count:
		return Invalid("job ends after %d results, and has %d tasks; hint: a smaller --stop-after", j.Enough, j.Count)
	case j.Service.Check() != nil:
		return j.Service.Check()
	case !j.Service.IsZero() && j.Box.Image.IsZero():
		return Invalid("a service runs in containers: WASM programs cannot listen on a port; hint: --image")
	case !j.Service.IsZero() && (j.Deadline != 0 || j.Enough != 0 || j.Survival.Wanted() || j.Wall != ServiceWall):
		return Invalid("a service has no deadline, no time limit, no results to count and no checkpoints: it runs until it is stopped")
	case j.Tries == 0:
		return Invalid("job may not try at all; hint: --tries 3")
	case j.Failover.Heartbeat == 0 || j.Failover.Suspect < j.Failover.Heartbeat || j.Failover.Replace < j.Failover.Suspect:
		return Invalid("failover wants heartbeat ≤ suspect ≤ replace, in milliseconds, got %d, %d, %d", j.Failover.Heartbeat, j.Failover.Suspect, j.Failover.Replace)
	}
	t := Terms{Unit: j.Wall, Resources: j.Want, Image: j.Box.Image}
	return j.Task(0).Check(t)
}

// Stake is the shortest that a task may have to run until something of it is due,
// in milliseconds: what an offer must allow.
func (j JobSpec) Stake() uint64 {
	if !j.Service.IsZero() {
		return min(j.Service.Away, j.Wall)
	}
	if j.Survival.Wanted() {
		s := j.Survival
		s.Max = s.Min
		return min(s.Risk(), j.Wall)
	}
	return j.Wall
}

// Task returns the spec of task i, 0 ≤ i < Count. Its seed depends on the
// program, the input and the index alone, so that any host computes the same.
func (j JobSpec) Task(i uint64) TaskSpec {
	index := wordUint(j.First + i)
	env := append([]string{}, j.Env...)
	env = append(env,
		"ARTEL_TASK="+utoa(j.First+i),
		"ARTEL_TASKS="+utoa(j.Count),
	)
	return TaskSpec{
		Program: j.Program, Input: j.Input, Args: j.Args, Env: env,
		Want: j.Want, Wall: j.Wall, Log: j.Log, Box: j.Box,
		Seed: Keccak([]byte("artel task seed"), j.Program.Bytes(), j.Box.Image[:], j.Input.Bytes(), index[:]),
	}
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
