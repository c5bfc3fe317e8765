package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/mem"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/network"
	"github.com/artel-network/artel/provider"
)

// owner is the provider's half of a daemon. It sleeps until the owner switches
// it on; what is switched on stays so across restarts.
type owner struct {
	n       *Node
	machine [16]byte
	resumed chan struct{} // closed once what ran before is taken up

	mu       sync.Mutex
	p        *provider.Provider // nil until it was first switched on
	boxes    boxes
	boxed    *provider.Boxed
	saves    *disk.Store // checkpoints on their way; nil until then
	gpus     GPUs        // as they were when the boxes were opened
	set      saved
	draining bool

	seen atomic.Pointer[sight] // by the guard
}

// saved is what outlasts a restart.
type saved struct {
	On     bool              `json:"on"`
	Config api.ProvideConfig `json:"config"`
}

func newOwner(n *Node, machine [16]byte) *owner {
	return &owner{n: n, machine: machine, resumed: make(chan struct{})}
}

// resume takes up the role as it was before the daemon stopped. A provider that
// is off still answers for what it signed.
func (o *owner) resume(ctx context.Context) error {
	defer close(o.resumed)
	o.mu.Lock()
	defer o.mu.Unlock()
	ok, err := o.n.db.Setting(ctx, "provide", &o.set)
	if err != nil || !ok {
		return err
	}
	if err := o.begin(ctx, o.complete(o.set.Config)); err != nil {
		return fmt.Errorf("resume providing: %w", err)
	}
	o.p.Pause(ctx, !o.set.On)
	o.keep(o.complete(o.set.Config))
	return nil
}

// begin builds and starts the provider. Called with mu held.
func (o *owner) begin(ctx context.Context, c api.ProvideConfig) error {
	if o.p != nil {
		return nil
	}
	n := o.n
	c = n.guard.caps(c)
	work := n.c.Paths.Work()
	if err := os.RemoveAll(o.scratchDir()); err != nil { // of a daemon that was killed
		return fmt.Errorf("clear %s: %w", o.scratchDir(), err)
	}
	for _, d := range []string{work, work + "/jobs", o.scratchDir()} {
		if err := mkdir(d); err != nil {
			return err
		}
	}
	pol, err := o.policy(ctx, c)
	if err != nil {
		return err
	}
	if o.gpus, err = FindGPUs(ctx, host.Local()); err != nil {
		n.c.Log.Warn("no GPUs for tasks", "reason", err)
	}
	if o.boxes, err = o.openBoxes(ctx, int(pol.Resources.Slots), int64(pol.Resources.Memory)); err != nil {
		return err
	}
	o.boxes.describe(&pol)
	lend := o.offerGPUs(&pol, c.GPUs)
	keepers, err := o.keepers()
	if err != nil {
		return err
	}
	o.boxed = &provider.Boxed{Keepers: keepers, Boxes: o.boxes.byKind(), Images: n.images, Left: o.boxes.left, Blobs: n.blobs, Dir: work + "/jobs", Fetch: o.fetch, Scratch: o.scratch, Room: o.room, Tidy: n.tidySoon}
	o.limit(c)
	o.boxed.LendGPUs(lend)
	o.p = provider.New(provider.Config{
		Key: n.c.Key, Account: n.account(), Network: n.network, Machine: o.machine, Params: n.params, Policy: pol,
		Host: n.host, Ledger: n.ledger, Store: n.db.Provider(), Log: n.c.Log.With("room", "provider"),
		Runner: o.boxed, Provers: provers(o.boxes.wasm, work+"/jobs/challenge"),
	})
	o.p.Register()
	o.show()
	n.begin <- room{"sandbox", o.boxes.wasm.Run}
	n.begin <- room{"provider", o.p.Run}
	return nil
}

// limit divides the disk that the owner gives between images, checkpoints of others
// and all else.
func (o *owner) limit(c api.ProvideConfig) {
	o.boxed.Limit(max(int64(min(c.Disk-c.Images-*c.Kept, math.MaxInt64)), 1))
	o.keep(c)
	o.n.images.guests.SetLimit(max(int64(min(c.Images, math.MaxInt64)), 1))
}

// notices say what of strangers' work does not work here.
func (o *owner) notices() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.p == nil {
		return nil
	}
	return o.boxes.notices()
}

// spare is what strangers' programs and inputs leave free of the owner's disk,
// in bytes.
const spare = 1 << 30

// room refuses what would take the owner's last bytes.
func (o *owner) room(bytes int64) error {
	free, err := datadir.Free(o.n.c.Paths.Root())
	if err == nil && free < spare+uint64(max(bytes, 0)) {
		return fmt.Errorf("%w: the machine's disk has %d bytes left", blob.ErrFull, free)
	}
	return nil
}

// fetch brings a stranger's blob into a store as long as the disk has room for
// it.
func (o *owner) fetch(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64) error {
	if err := o.room(limit); err != nil {
		return fmt.Errorf("fetch blob %s: %w", root, err)
	}
	return o.n.fetchInto(ctx, from, into, root, limit)
}

func (o *owner) scratchDir() string { return o.n.c.Paths.Work() + "/scratch" }

// inMemory is the most that a scratch store keeps in memory, in bytes.
const inMemory = 1 << 20

// scratch makes a store for what is here for a moment: a blob between its fetch
// and the sandbox, an output between the sandbox and its seal.
func (o *owner) scratch(bytes int64) (blob.Store, func(), error) {
	if bytes <= inMemory {
		return mem.New(0), func() {}, nil
	}
	dir, err := os.MkdirTemp(o.scratchDir(), "")
	if err != nil {
		return nil, nil, fmt.Errorf("make scratch store: %w", err)
	}
	s, err := disk.Open(dir, 0)
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, fmt.Errorf("make scratch store: %w", err)
	}
	return s, func() {
		if err := errors.Join(s.Close(), os.RemoveAll(dir)); err != nil {
			o.n.c.Log.Warn("remove scratch store", "error", err)
		}
	}, nil
}

// Defaults of a provider, where the owner says nothing.
const (
	defaultUnit   = uint64(time.Hour / time.Millisecond)
	defaultMemory = 512 << 20 // bytes a slot, at least
	maxMemory     = 4 << 30   // and at most
	defaultDisk   = 12 << 30  // bytes a slot; images have a third, checkpoints of others a tenth, a task may use a fifth of the rest
	imageShare    = 3
	keptShare     = 10
	offerTTL      = 10 * time.Minute
	maxLease      = 24 * time.Hour
	patience      = 2 * time.Minute
	pullFree      = 2 << 30            // bytes of an image
	remember      = 7 * 24 * time.Hour // lanes on which nothing is open
)

// cpu is the processor's class as offers carry it.
func cpu(c host.Class) artel.CPU {
	return artel.CPU{Arch: c.Arch, Vendor: c.Vendor, Features: c.Features}
}

// policy turns the owner's wishes, completed, into terms. The first time it measures the
// machine.
func (o *owner) policy(ctx context.Context, c api.ProvideConfig) (provider.Policy, error) {
	if c.Price == 0 {
		return provider.Policy{}, api.Errorf(api.CodeInvalid, "no price")
	}
	if c.Images > c.Disk || *c.Kept > c.Disk-c.Images {
		return provider.Policy{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d bytes for images and %d for checkpoints, %d in all", c.Images, *c.Kept, c.Disk), Hint: "--max-images and --max-kept are parts of --max-disk"}
	}
	// A slot's share of the disk holds an input, an output as it was left, and the
	// same on its way: what a task may use is a fifth of it.
	slots := uint64(c.Slots)
	free, err := datadir.Free(o.n.c.Paths.Root())
	if err == nil && c.Disk > free {
		return provider.Policy{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d bytes of disk are offered, %d are free", c.Disk, free), Hint: "a smaller --max-disk"}
	}
	speed, err := o.speed(ctx)
	if err != nil {
		return provider.Policy{}, err
	}
	p := provider.Policy{
		Price: c.Price, Resources: artel.Resources{Slots: c.Slots, Memory: c.Memory / slots, Disk: (c.Disk - c.Images - *c.Kept) / slots / 5},
		MaxUnit: c.MaxUnit, MaxUnpaid: c.MaxUnpaid, Prepay: c.Prepay, MaxLease: uint64(maxLease.Seconds()),
		CPU: cpu(host.Local().CPU()), PullFree: pullFree, PullPrice: c.PullPrice, MaxImage: c.Images,
		Keeps: uint64(keptLimits(*c.Kept).Renter), Patience: patience, Region: c.Region, Sandboxes: o.boxes.kinds(), Speed: speed, OfferTTL: offerTTL,
	}
	p.RedeemAt, p.MinRedeem, p.Remember = p.MaxUnpaid, c.MinRedeem, remember
	// A lease must be able to gather so much beside a unit of its longest task.
	if most := c.MaxUnpaid.Sub(artel.Cost(c.Price, c.MaxUnit)); most.Less(c.MinRedeem) {
		return p, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("at least %s units are to be redeemed at once; with --max-unpaid %s and the longest task, %s can gather", c.MinRedeem, c.MaxUnpaid, most), Hint: "a smaller --min-redeem, a shorter --max-task or a larger --max-unpaid"}
	}
	return p, nil
}

// slotMemory is what a slot offers where the owner says nothing: its share of half
// the machine's memory, but not more than most tasks want.
func (o *owner) slotMemory(slots uint32) uint64 {
	m, err := host.Local().Memory()
	if err != nil {
		return defaultMemory
	}
	return min(max(m.Total/2/uint64(slots), defaultMemory), maxMemory)
}

// complete fills in what the owner left open.
func (o *owner) complete(c api.ProvideConfig) api.ProvideConfig {
	if c.Slots == 0 {
		c.Slots = uint32(runtime.NumCPU())
	}
	if c.Memory == 0 {
		c.Memory = uint64(c.Slots) * o.slotMemory(c.Slots)
	}
	if c.Disk == 0 {
		c.Disk = uint64(c.Slots) * defaultDisk
		if free, err := datadir.Free(o.n.c.Paths.Root()); err == nil {
			c.Disk = min(c.Disk, free/4*3)
		}
	}
	if c.Images == 0 && len(o.n.c.Containers) > 0 {
		c.Images = c.Disk / imageShare
	}
	if c.Kept == nil {
		kept := min(c.Disk/keptShare, c.Disk-min(c.Disk, c.Images))
		c.Kept = &kept
	}
	if c.MaxUnit == 0 {
		c.MaxUnit = defaultUnit
	}
	if c.MaxUnpaid.IsZero() {
		// Each slot may be a unit ahead, and one more is on its way to be paid.
		c.MaxUnpaid = artel.Cost(c.Price, c.MaxUnit*uint64(c.Slots+1))
	}
	if c.MinRedeem.IsZero() && o.n.c.Network.Chain.Kind != network.KindEmbedded {
		// Calls cost gas here. What it is worth in tokens nobody can tell; an eighth
		// of what may stay unpaid is booked and redeemed seldom enough.
		c.MinRedeem = c.MaxUnpaid.Div(8).Min(c.MaxUnpaid.Sub(artel.Cost(c.Price, c.MaxUnit)))
	}
	return c
}

var errOff = &api.Error{Code: api.CodeConflict, Message: "this node does not rent itself out", Hint: "artel provide --price …"}

// Provide implements api.Provider.
func (n *Node) Provide(ctx context.Context, c api.ProvideConfig) (api.ProvideStatus, error) {
	o := n.owner
	o.mu.Lock()
	defer o.mu.Unlock()
	c = o.complete(c)
	next := saved{On: true, Config: c}
	c = n.guard.caps(c)
	if err := n.guard.pays(c); err != nil {
		return api.ProvideStatus{}, err
	}
	pol, err := o.policy(ctx, c)
	if err != nil {
		return api.ProvideStatus{}, err
	}
	if o.p != nil && o.boxes.wasm.Capabilities().Slots < int(c.Slots) {
		return api.ProvideStatus{}, &api.Error{Code: api.CodeConflict, Message: fmt.Sprintf("the sandbox runs with %d slots", o.boxes.wasm.Capabilities().Slots), Hint: "restart the daemon to offer more"}
	}
	if err := o.mayLend(ctx, c.GPUs); err != nil {
		return api.ProvideStatus{}, err
	}
	if err := n.db.SetSetting(ctx, "provide", next); err != nil {
		return api.ProvideStatus{}, err
	}
	o.set, o.draining = next, false
	defer o.show()
	if err := o.begin(ctx, c); err != nil {
		return api.ProvideStatus{}, err
	}
	o.limit(c)
	o.boxes.describe(&pol) // known since they were opened
	o.boxed.LendGPUs(o.offerGPUs(&pol, c.GPUs))
	o.p.SetPolicy(pol)
	o.p.Pause(ctx, false)
	return o.status(ctx)
}

// StopProviding implements api.Provider.
func (n *Node) StopProviding(ctx context.Context, now bool) (api.ProvideStatus, error) {
	o := n.owner
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.p == nil || !o.set.On {
		return api.ProvideStatus{}, errOff
	}
	o.set.On = false
	defer o.show()
	if err := n.db.SetSetting(ctx, "provide", o.set); err != nil {
		return api.ProvideStatus{}, err
	}
	o.p.Pause(ctx, true)
	o.keep(o.set.Config)
	if now {
		o.p.EndAll(ctx)
	} else {
		o.p.LeaveKept(ctx)
	}
	o.draining = true
	return o.status(ctx)
}

// ProvideStatus implements api.Provider.
func (n *Node) ProvideStatus(ctx context.Context) (api.ProvideStatus, error) {
	n.owner.mu.Lock()
	defer n.owner.mu.Unlock()
	return n.owner.status(ctx)
}

func (o *owner) status(ctx context.Context) (api.ProvideStatus, error) {
	s := api.ProvideStatus{On: o.set.On, Config: o.set.Config, Cost: o.n.guard.powerPrice()}
	if o.p == nil {
		return s, nil
	}
	st, ok := o.p.Status(ctx)
	if !ok {
		return s, api.Errorf(api.CodeUnavailable, "the provider is stopping")
	}
	s.Busy = int(st.Busy)
	if st.Way != provider.Free {
		s.Way, s.Why, s.Since = st.Way.String(), st.Why, time.UnixMilli(st.Since).UTC()
	}
	for _, l := range st.Leases {
		if l.Phase != "closed" {
			s.Leases++
		}
	}
	s.Draining = o.draining && !o.p.Drained(ctx)
	for _, b := range st.Lanes {
		if sum, err := s.Promised.Plus(b.Voucher.Sub(b.Paid)); err == nil {
			s.Promised = sum
		}
	}
	if offer, ok := o.p.Offer(ctx, offerTTL); ok {
		s.Offer = &offer
	}
	if a, err := o.n.ledger.Account(ctx, o.n.account()); err == nil {
		s.Earned = a.Earned
	} else {
		s.Message = "the chain does not answer: " + err.Error()
	}
	s.Done = st.Signed
	return s, nil
}

func (o *owner) provider() *provider.Provider {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.p
}

func (o *owner) mayRead(ctx context.Context, peer artel.NodeID, root artel.Ref) bool {
	p := o.provider()
	return p != nil && p.MayRead(ctx, peer, root)
}

func (o *owner) roots(ctx context.Context) ([]artel.Ref, error) {
	p := o.provider()
	if p == nil {
		return nil, nil
	}
	roots, ok := p.Roots(ctx)
	if !ok {
		return nil, errors.New("the provider is stopping")
	}
	return roots, nil
}

// images lists what open leases run on.
func (o *owner) images(ctx context.Context) (map[leasedImage]bool, error) {
	p := o.provider()
	if p == nil {
		return nil, nil
	}
	list, ok := p.Terms(ctx)
	if !ok {
		return nil, errors.New("the provider is stopping")
	}
	open := map[leasedImage]bool{}
	for _, t := range list {
		open[leasedImage{t.Renter, t.Image}] = true
	}
	return open, nil
}

func (o *owner) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	errs := []error{o.boxes.close()}
	if o.saves != nil {
		errs = append(errs, o.saves.Close())
	}
	return errors.Join(errs...)
}
