package artel

import (
	"strconv"
	"strings"
)

// Terms is everything of a lease that does not need to be on chain. The lease
// holds the hash of its encoding.
type Terms struct {
	Network   Hash      `json:"network"`
	Node      NodeID    `json:"node"`   // the provider's node
	Renter    NodeID    `json:"renter"` // the controller's node: only it may speak for the lease
	Offer     Hash      `json:"offer"`  // hash of the signed offer it follows from
	Nonce     [16]byte  `json:"nonce"`  // drawn by the renter, so that no two leases share an id
	Slots     uint32    `json:"slots"`  // tasks at once
	Price     Price     `json:"price"`  // units per 10⁶ s of one slot
	Unit      uint64    `json:"unit"`   // longest task, milliseconds: what either side can lose
	Resources Resources `json:"resources"`
	Sandbox   string    `json:"sandbox"`
	MaxUnpaid Amount    `json:"maxUnpaid"`
	Prepaid   Amount    `json:"prepaid"`    // first voucher's share, due before the first task
	Base      Accrual   `json:"base"`       // the lane's running total when the lease begins
	Gen       uint64    `json:"generation"` // the controller's generation
}

// UnitCost is what one unit costs: the most one task can come to.
func (t Terms) UnitCost() Amount { return Cost(t.Price, t.Unit) }

// Check verifies terms against the lease that names them.
func (t Terms) Check(l Lease) error {
	switch {
	case t.Slots == 0 || t.Slots > 4096:
		return Invalid("lease of %d slots, want 1 to 4096", t.Slots)
	case t.Price == 0:
		return Invalid("lease has no price")
	case t.Unit == 0:
		return Invalid("lease has no unit; hint: the longest task, in milliseconds")
	case !isWord(t.Sandbox):
		return Invalid("lease names no sandbox")
	case l.End <= l.Start:
		return Invalid("lease ends at %d, before it starts at %d", l.End, l.Start)
	case l.End >= 1<<40:
		return Invalid("lease ends beyond 40 bits of seconds")
	case l.Rule != RuleResult:
		return Invalid("pay rule %s is not offered here; hint: result", l.Rule)
	case l.Renter.IsZero() || l.Provider.IsZero():
		return Invalid("lease names no renter or no provider")
	}
	return nil
}

// TaskSpec is what one task runs. The same spec on any honest machine gives the
// same output when the sandbox is deterministic.
type TaskSpec struct {
	Program Ref       `json:"program"`
	Input   Ref       `json:"input"` // zero where there is none
	Args    []string  `json:"args,omitempty"`
	Env     []string  `json:"env,omitempty"` // K=V
	Want    Resources `json:"want"`
	Wall    uint64    `json:"wall"` // time limit, milliseconds
	Log     uint64    `json:"log"`  // most bytes of stdout and stderr kept
	Seed    [32]byte  `json:"seed"` // of the guest's randomness
	Epoch   uint64    `json:"epoch"`
}

// Bounds of a task spec, which travels in one message.
const (
	MaxArgs      = 256
	MaxArgsBytes = 64 << 10
	MaxLogBytes  = 64 << 20
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
	switch {
	case s.Program.IsZero():
		return Invalid("task has no program")
	case len(s.Args) > MaxArgs || len(s.Env) > MaxArgs || n > MaxArgsBytes:
		return Invalid("task: %d arguments and %d variables of %d bytes, at most %d, %d and %d; hint: put long lists into an input file", len(s.Args), len(s.Env), n, MaxArgs, MaxArgs, MaxArgsBytes)
	case s.Wall == 0 || s.Wall > t.Unit:
		return Invalid("task: time limit %d ms, the lease allows 1 to %d", s.Wall, t.Unit)
	case s.Want.Memory > t.Resources.Memory || s.Want.Disk > t.Resources.Disk:
		return Invalid("task wants %d bytes of memory and %d of disk, the lease has %d and %d", s.Want.Memory, s.Want.Disk, t.Resources.Memory, t.Resources.Disk)
	case s.Log > MaxLogBytes:
		return Invalid("task: log limit %d bytes, at most %d", s.Log, MaxLogBytes)
	}
	return nil
}

// Usage is what an attempt took, by the provider's meter.
type Usage struct {
	Wall   uint64 `json:"wall"` // milliseconds from start to exit
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
)

// ProgramsFault reports whether another host would most likely see the same.
func (r Reason) ProgramsFault() bool {
	switch r {
	case ReasonTime, ReasonMemory, ReasonOutput, ReasonLog, ReasonTrap, ReasonBadProgram:
		return true
	}
	return false
}

// JobSpec is what a renter asks for: Count tasks of one program.
type JobSpec struct {
	Name      string    `json:"name"`
	Program   Ref       `json:"program"`
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
	case j.Program.IsZero():
		return Invalid("job has no program; hint: --wasm FILE")
	case j.Count == 0 || j.Count > 1_000_000:
		return Invalid("job has %d tasks, want 1 to 1,000,000", j.Count)
	case j.Wall == 0:
		return Invalid("job has no time limit per task; hint: --timeout 10m")
	case !isWord(j.Sandbox):
		return Invalid("job names no sandbox")
	case j.Tries == 0:
		return Invalid("job may not try at all; hint: --tries 3")
	case j.Failover.Heartbeat == 0 || j.Failover.Suspect < j.Failover.Heartbeat || j.Failover.Replace < j.Failover.Suspect:
		return Invalid("failover wants heartbeat ≤ suspect ≤ replace, in milliseconds, got %d, %d, %d", j.Failover.Heartbeat, j.Failover.Suspect, j.Failover.Replace)
	}
	t := Terms{Unit: j.Wall, Resources: j.Want}
	return j.Task(0).Check(t)
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
		Want: j.Want, Wall: j.Wall, Log: j.Log,
		Seed: Keccak([]byte("artel task seed"), j.Program.Bytes(), j.Input.Bytes(), index[:]),
	}
}

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }
