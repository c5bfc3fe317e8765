package api

import (
	"math"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/network"
)

// Revision is the API's version, the first element of each path.
const Revision = 1

// Version says what program this is.
type Version struct {
	Program string `json:"program"` // "artel"
	Release string `json:"release"`
	Commit  string `json:"commit,omitempty"`
	Go      string `json:"go"`
	API     int    `json:"api"`
	DataDir int    `json:"dataDir"`
}

// Status is the node at a glance.
type Status struct {
	Release  string        `json:"release"`
	Started  time.Time     `json:"started"`
	PID      int           `json:"pid"`
	DataDir  string        `json:"dataDir"`
	Network  string        `json:"network"`
	Hash     artel.Hash    `json:"hash"` // of the network file
	Node     artel.NodeID  `json:"node"`
	PeerID   string        `json:"peerId"`
	Account  artel.Address `json:"account"`
	Addrs    []string      `json:"addrs"` // multiaddrs it listens on
	Peers    int           `json:"peers"`
	Reach    string        `json:"reach"` // "public", "private", "unknown": can strangers dial this node directly
	Sent     uint64        `json:"sent"`  // bytes to peers, since the daemon was started
	Got      uint64        `json:"got"`   // and from them
	Offers   int           `json:"offers"`
	Jobs     int           `json:"jobs"` // not ended
	Leases   int           `json:"leases"`
	Provider bool          `json:"provider"`
	Kept     string        `json:"kept,omitempty"` // what of the running jobs is safe elsewhere, a sentence
	Chain    ChainStatus   `json:"chain"`
	Notices  []string      `json:"notices,omitempty"` // what the owner should know
}

// ChainStatus is the chain as this node sees it.
type ChainStatus struct {
	Kind      string    `json:"kind"`
	ID        uint64    `json:"id"`
	Reachable bool      `json:"reachable"`
	Message   string    `json:"message,omitempty"` // why it is not, or what is odd
	Head      uint64    `json:"head"`
	HeadTime  time.Time `json:"headTime"` // chain time
	Final     uint64    `json:"final"`    // newest block that counts as final
	Followed  uint64    `json:"followed"` // up to here events are in the database
	Pending   int       `json:"pending"`  // own transactions that are not final
}

// NetworkInfo is the network file and its hash.
type NetworkInfo struct {
	Hash artel.Hash   `json:"hash"`
	File network.File `json:"file"`
}

// Blob is content that was added.
type Blob struct {
	Ref   artel.Ref `json:"ref"`
	Bytes uint64    `json:"bytes"`
	Files int       `json:"files"`
}

// AddRequest adds a local path.
type AddRequest struct {
	Path string `json:"path"` // absolute
}

// SubmitRequest is a job to run.
type SubmitRequest struct {
	Key  string        `json:"key"` // drawn by the client, so that a repeated request makes one job
	Spec artel.JobSpec `json:"spec"`
}

// State of a job or a task.
type State string

// The states.
const (
	StateWaiting   State = "waiting" // for a machine, or for the chain
	StateRunning   State = "running"
	StateDone      State = "done"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
)

// Ended reports whether the state is final.
func (s State) Ended() bool { return s == StateDone || s == StateFailed || s == StateCancelled }

// Job is a job in one line.
type Job struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	State     State        `json:"state"`
	Reason    artel.Reason `json:"reason,omitempty"`  // why it ended before all its tasks were done, or is ending
	Message   string       `json:"message,omitempty"` // why it waits or failed, or that its deadline cannot be kept
	Created   time.Time    `json:"created"`
	Ended     time.Time    `json:"ended,omitzero"`
	Tasks     uint64       `json:"tasks"`
	Waiting   uint64       `json:"waiting"`
	Running   uint64       `json:"running"`
	Done      uint64       `json:"done"`
	Failed    uint64       `json:"failed"`
	Cancelled uint64       `json:"cancelled"`
	Attempts  uint64       `json:"attempts"`
	Providers int          `json:"providers"` // that work for it now
	Promised  artel.Amount `json:"promised"`  // by vouchers, for it
	Budget    artel.Amount `json:"budget"`    // zero: no limit
	Deadline  time.Time    `json:"deadline,omitzero"`
	Late      time.Time    `json:"late,omitzero"` // when it will be over, where that is after its deadline
}

// JobDetail is a job with its tasks.
type JobDetail struct {
	Job
	Spec artel.JobSpec `json:"spec"`
	List []Task        `json:"list"`
}

// Task is one unit of a job.
type Task struct {
	Index    uint64       `json:"index"` // ARTEL_TASK
	State    State        `json:"state"`
	Attempt  uint32       `json:"attempt"` // 0: none yet
	Provider artel.NodeID `json:"provider,omitzero"`
	Reason   artel.Reason `json:"reason,omitempty"`
	Message  string       `json:"message,omitempty"`
	ExitCode int32        `json:"exitCode"`
	Wall     uint64       `json:"wall"` // milliseconds
	Output   artel.Ref    `json:"output"`
	Due      artel.Amount `json:"due"`
	// How it survives its machines.
	Checkpoint *Checkpoint  `json:"checkpoint,omitempty"` // nil: there is none, or it is over
	From       *Begun       `json:"from,omitempty"`       // what its attempt goes on from; nil: the beginning, and there was nothing else
	Lost       uint64       `json:"lost,omitempty"`       // milliseconds that ran and were lost
	LostPaid   artel.Amount `json:"lostPaid"`             // what was paid for them
}

// JobQuery chooses jobs.
type JobQuery struct {
	All   bool // also those that ended
	Limit int  // 0: 100
}

// JobEvent is something that happened to a job.
type JobEvent struct {
	Seq      uint64       `json:"seq"` // 1, 2, 3 … per job
	Time     time.Time    `json:"time"`
	Kind     EventKind    `json:"kind"`
	Task     uint64       `json:"task,omitempty"` // of EventTask
	Attempt  uint32       `json:"attempt,omitempty"`
	State    State        `json:"state,omitempty"` // of the job or the task, from now on
	Provider artel.NodeID `json:"provider,omitzero"`
	Reason   artel.Reason `json:"reason,omitempty"`
	ExitCode int32        `json:"exitCode,omitempty"`
	Message  string       `json:"message,omitempty"`
	Job      *Job         `json:"job,omitempty"` // the job after this event
}

// EventKind says what an event is about.
type EventKind string

// The kinds.
const (
	EventJob    EventKind = "job"    // the job's state changed
	EventTask   EventKind = "task"   // a task's state changed
	EventLost   EventKind = "lost"   // a provider fell silent; its tasks go elsewhere
	EventNotice EventKind = "notice" // a sentence for the person
)

// LogQuery chooses what of the logs is wanted.
type LogQuery struct {
	Tasks  []uint64 // none: all
	Follow bool
}

// LogChunk is what an attempt printed. Offset counts bytes from the attempt's
// first.
type LogChunk struct {
	Task    uint64 `json:"task"`
	Attempt uint32 `json:"attempt"`
	Offset  uint64 `json:"offset"`
	Data    []byte `json:"data"`
}

// OutputFile is a file that a task left in /out.
type OutputFile struct {
	Task uint64    `json:"task"`
	Path string    `json:"path"` // slashes, relative to /out
	Size int64     `json:"size"`
	Ref  artel.Ref `json:"ref"`
}

// OfferQuery chooses offers.
type OfferQuery struct {
	Sandbox  string
	Region   string
	MaxPrice artel.Price // 0: any
	Slots    uint32      // at least
	Memory   uint64      // per slot, at least
	GPUs     uint32      // at least
	GPUMem   uint64      // bytes of each, at least
	Limit    int         // 0: 50
}

// Offer is an offer with what this node thinks of it.
type Offer struct {
	artel.Offer
	Rating float64 `json:"rating"` // 0 to 1, of this node's own experience
	Known  bool    `json:"known"`  // has worked for this node before
	// What this node has seen of the machine's speed; Speed is the claim.
	Measured float64 `json:"measured,omitempty"` // 0: nothing of late
	Marks    float64 `json:"marks,omitempty"`    // for slow and wrong answers to challenges; they fade
}

// MeasureRequest asks a machine to show its speed.
type MeasureRequest struct {
	Node  artel.NodeID `json:"node"`
	Slots uint32       `json:"slots"` // at once; 0: one
}

// Measurement is what a machine has shown.
type Measurement struct {
	Node    artel.NodeID `json:"node"`
	Verdict string       `json:"verdict"` // "proved", "slow", "wrong" or "unproved"
	Claimed uint32       `json:"claimed"`
	Speed   float64      `json:"speed"`   // of each core
	Cores   uint32       `json:"cores"`   // at once
	Steps   uint32       `json:"steps"`   // of each
	Trip    float64      `json:"trip"`    // ms of the round trip, taken off
	Cost    uint64       `json:"cost"`    // slot-ms that it took
	Counts  float64      `json:"counts"`  // speed that its offer counts with now
	Message string       `json:"message"` // what it means, a sentence
}

// Quote is what a job would cost now.
type Quote struct {
	Tasks    uint64        `json:"tasks"`
	Slots    uint64        `json:"slots"`    // at once
	Expected artel.Amount  `json:"expected"` // by the time that tasks like these took, else the limit
	Most     artel.Amount  `json:"most"`     // every task runs to its time limit
	Wall     uint64        `json:"wall"`     // expected milliseconds until the last receipt
	Deposit  artel.Amount  `json:"deposit"`  // what the account has free
	Offers   []QuotedOffer `json:"offers"`
	Notes    []string      `json:"notes,omitempty"`
}

// QuotedOffer is one machine of a quote.
type QuotedOffer struct {
	Node   artel.NodeID `json:"node"`
	Price  artel.Price  `json:"price"`
	Slots  uint32       `json:"slots"`
	Tasks  uint64       `json:"tasks"`
	Speed  uint32       `json:"speed"`  // claimed
	Counts float64      `json:"counts"` // what it was ranked by: measured, or else claimed
	Region string       `json:"region,omitempty"`
	Cost   artel.Amount `json:"cost"`
}

// LeaseQuery chooses leases.
type LeaseQuery struct {
	All   bool // also those that ended
	Limit int  // 0: 100
}

// Lease is a lease as one of its sides sees it.
type Lease struct {
	ID       artel.Hash    `json:"id"`
	Role     string        `json:"role"` // of this node: "renter" or "provider"
	Peer     artel.NodeID  `json:"peer"` // the other side
	Renter   artel.Address `json:"renter"`
	Provider artel.Address `json:"provider"`
	Lane     uint64        `json:"lane"`
	Slots    uint32        `json:"slots"`
	Price    artel.Price   `json:"price"`
	State    string        `json:"state"`
	Start    time.Time     `json:"start"`
	End      time.Time     `json:"end"`
	Running  int           `json:"running"`
	Owed     artel.Amount  `json:"owed"`     // delivered and not covered by a voucher
	Promised artel.Amount  `json:"promised"` // the lane's highest voucher
	Cap      artel.Amount  `json:"cap"`      // booked on the lane
}

// ProvideConfig is how the owner rents the machine out.
type ProvideConfig struct {
	Slots     uint32       `json:"slots"`          // 0: one per core
	Memory    uint64       `json:"memory"`         // bytes, all slots together; 0: what the machine can spare
	Disk      uint64       `json:"disk"`           // bytes that strangers may take, images, checkpoints and tasks together; 0: what the disk can spare
	Images    uint64       `json:"images"`         // bytes of them for images; 0: a third
	Kept      *uint64      `json:"kept,omitempty"` // bytes of them for checkpoints of others; nil: a tenth
	Price     artel.Price  `json:"price"`
	MaxUnpaid artel.Amount `json:"maxUnpaid"` // zero: what a unit costs for each slot, and one more
	MinRedeem artel.Amount `json:"minRedeem"` // less is neither booked nor redeemed; zero: as the chain's calls cost
	MaxUnit   uint64       `json:"maxUnit"`   // milliseconds; 0: one hour
	Region    string       `json:"region,omitempty"`
	Prepay    bool         `json:"prepay"`
	GPUs      uint32       `json:"gpus,omitempty"`      // of the machine's, for tasks; AllGPUs: as many as there are
	PullPrice artel.Price  `json:"pullPrice,omitempty"` // units per 10⁹ bytes of an image beyond the first 2 GiB
}

// AllGPUs, as ProvideConfig.GPUs, is however many there are.
const AllGPUs = math.MaxUint32

// ProvideStatus is how the role is played now.
type ProvideStatus struct {
	On       bool          `json:"on"`
	Draining bool          `json:"draining"`
	Config   ProvideConfig `json:"config"`
	Offer    *artel.Offer  `json:"offer,omitempty"` // what is announced
	Busy     int           `json:"busy"`            // slots
	Leases   int           `json:"leases"`
	Done     uint64        `json:"done"`     // receipts signed since the daemon was started
	Promised artel.Amount  `json:"promised"` // vouchers held, not redeemed
	Earned   artel.Amount  `json:"earned"`   // redeemed, not withdrawn
	Message  string        `json:"message,omitempty"`
	// How the machine's owner has it back: "resting", "draining", "frozen" or "evicted", why,
	// and since when; empty: strangers' work runs.
	Way   string    `json:"way,omitempty"`
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Cost is the least price that pays for the power; 0: the owner has not said what it costs.
	Cost artel.Price `json:"cost,omitempty"`
}

// Owner is what the machine tells of its owner, and what follows from it.
type Owner struct {
	Action  string    `json:"action"` // of strangers' work: "run", "rest", "drain", "freeze" or "evict"
	Why     string    `json:"why,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	Paused  string    `json:"paused,omitempty"` // by hand: "freeze", "evict" or "drain"
	Until   time.Time `json:"until,omitzero"`   // zero: until it is resumed
	File    string    `json:"file"`             // where the policy is written down
	HasFile bool      `json:"hasFile"`
	Seen    []Fact    `json:"seen"`
	Notices []string  `json:"notices,omitempty"` // conditions of the policy that nothing here tells about
	Cost    uint64    `json:"cost,omitempty"`    // the least price that pays for the power; 0: not said
	Month   uint64    `json:"month"`             // bytes through the network this month
	Look    uint64    `json:"look"`              // microseconds that a look at all of this takes
}

// Fact is something that was seen.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// PauseRequest has strangers' work give way.
type PauseRequest struct {
	How string `json:"how"` // "freeze", "evict" or "drain"; empty: freeze
	For uint64 `json:"for"` // milliseconds; 0: until it is resumed
}

// StopRequest ends the provider's role.
type StopRequest struct {
	Now bool `json:"now"`
}
