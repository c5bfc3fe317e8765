package api

import (
	"context"
	"io"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/network"
)

// Node is what the API needs of a running daemon. Every method may be called
// concurrently and returns an *Error, or an error that AsError can read. What
// the server passes in has passed the Check of its type.
type Node interface {
	Daemon
	Jobs
	Market
	Provider
	Wallet
	Visits
	Services
	Images
	Keeper
	Stewards
}

// Daemon tells about the node itself.
type Daemon interface {
	// Status returns the node at a glance. It does not wait for chain or network.
	Status(ctx context.Context) (Status, error)
	// Network returns the network file the daemon runs on.
	Network(ctx context.Context) (network.File, error)
	// Chain returns the chain as this node sees it; unavailable where it cannot
	// be reached is a state in the answer, not an error.
	Chain(ctx context.Context) (ChainStatus, error)
}

// Jobs is the renter's half.
type Jobs interface {
	// AddPath puts the file or directory at an absolute path into the blob store.
	AddPath(ctx context.Context, path string) (Blob, error)
	// AddBytes puts the bytes of r into the blob store as one file, or, if tar,
	// as the directory that a tar stream holds.
	AddBytes(ctx context.Context, r io.Reader, tar bool) (Blob, error)
	// Submit stores the job and returns; it runs whether or not anyone watches.
	// The same Key again returns the job that it made the first time, until that is removed.
	Submit(ctx context.Context, r SubmitRequest) (Job, error)
	// List returns jobs, newest first.
	List(ctx context.Context, q JobQuery) ([]Job, error)
	// Job returns one job with its tasks; not-found.
	Job(ctx context.Context, id string) (JobDetail, error)
	// Cancel ends a job; what was delivered stays delivered and paid. Cancelling
	// a job that has ended is no error.
	Cancel(ctx context.Context, id string) (Job, error)
	// Remove forgets a job that has ended, with its logs and what it left: their disk is
	// free soon, or when they are a day old; not-found, conflict.
	Remove(ctx context.Context, id string) (Job, error)
	// Watch calls emit for each event of the job after Seq after, old ones first,
	// until the job has ended and all were emitted, emit fails or ctx ends.
	Watch(ctx context.Context, id string, after uint64, emit func(JobEvent) error) error
	// Logs calls emit for what tasks have printed; with q.Follow it goes on until
	// the job has ended.
	Logs(ctx context.Context, id string, q LogQuery, emit func(LogChunk) error) error
	// Files lists what tasks have left in /out, by task and path.
	Files(ctx context.Context, id string, tasks []uint64) ([]OutputFile, error)
	// ReadFiles calls visit with each of those files and its verified bytes.
	ReadFiles(ctx context.Context, id string, tasks []uint64, visit func(OutputFile, io.Reader) error) error
}

// Market shows what is on offer.
type Market interface {
	// Offers returns live offers, the best first.
	Offers(ctx context.Context, q OfferQuery) ([]Offer, error)
	// Measure asks a machine on offer to show its speed by a timed challenge, which
	// costs some seconds of the slots.
	Measure(ctx context.Context, q MeasureRequest) (Measurement, error)
	// Quote says what a job would cost now. It reserves nothing. The spec's
	// Program may be zero.
	Quote(ctx context.Context, spec artel.JobSpec) (Quote, error)
	// Leases returns leases of either side, newest first.
	Leases(ctx context.Context, q LeaseQuery) ([]Lease, error)
}

// Provider is the provider's half.
type Provider interface {
	// Provide switches the role on, or changes how it is played. It outlasts a
	// restart.
	Provide(ctx context.Context, c ProvideConfig) (ProvideStatus, error)
	// StopProviding withdraws the offer. Running tasks end first, unless now.
	StopProviding(ctx context.Context, now bool) (ProvideStatus, error)
	// ProvideStatus returns how the role is played now.
	ProvideStatus(ctx context.Context) (ProvideStatus, error)
	// Owner returns what the machine tells of its owner, and what follows from it.
	Owner(ctx context.Context) (Owner, error)
	// PauseWork has strangers' work give way; when it returns it has, but for what is
	// drained. It outlasts a restart.
	PauseWork(ctx context.Context, r PauseRequest) (Owner, error)
	// ResumeWork takes that back. The policy may have it give way all the same.
	ResumeWork(ctx context.Context) (Owner, error)
}

// Wallet is the account's money. Methods that send a transaction return once it
// is final under the network's policy, or with Final false when ctx ended
// first; it goes on then.
type Wallet interface {
	// Balance returns what the account holds.
	Balance(ctx context.Context) (Balance, error)
	// Deposit moves tokens of the account into its ledger deposit.
	Deposit(ctx context.Context, a artel.Amount) (Done, error)
	// Withdraw takes earned money out at once; from the deposit it first asks
	// for an exit and, with Finish, carries a matured one out.
	Withdraw(ctx context.Context, r WithdrawRequest) (Done, error)
	// Stake adds to the stake.
	Stake(ctx context.Context, a artel.Amount) (Done, error)
	// SetSigner gives another node's key the right to sign for the account, or
	// takes it away.
	SetSigner(ctx context.Context, r SignerRequest) (Done, error)
	// Leave asks for stake back or, with Finish, takes what has matured.
	Leave(ctx context.Context, r WithdrawRequest) (Done, error)
	// Redeem sends the vouchers held for a provider, which need not be this node.
	Redeem(ctx context.Context, r RedeemRequest) (Done, error)
	// Faucet asks a private network's faucet for tokens; not-supported elsewhere.
	Faucet(ctx context.Context) (Done, error)
	// Recover goes on from where an installation with this key was, after its database
	// was lost: it raises the controller's generation, asks providers for the vouchers
	// they hold, and keepers for the journal of its open jobs.
	Recover(ctx context.Context) (Recovery, error)
	// Vouchers returns vouchers not redeemed in full, of providers this node
	// redeems for.
	Vouchers(ctx context.Context) ([]Voucher, error)
	// Statement gathers the figures of the whole ledger.
	Statement(ctx context.Context) (Statement, error)
}
