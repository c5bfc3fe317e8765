// Package simtest runs a whole network in one process and in virtual time:
// renters, providers, a ledger and the wires between them, with crashes,
// partitions, lost, doubled and late messages drawn from a seed. After each run
// it checks that the promises hold.
//
// A seed draws everything that the simulation decides: who cheats, whose clock
// is off, which faults happen when, what links do, and every id, nonce and lane
// number. What it does not draw is the order of goroutines that are ready at the
// same virtual instant, and which of several ready cases a select takes. So two
// runs of a seed tell the same story of faults, and may differ in which of two
// simultaneous messages comes first. Played alone and with GOMAXPROCS=1, a seed
// is told in the same words nearly always.
package simtest

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/lease"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
)

// provDisk is a provider's disk: what Save returned for is on it, whatever
// happens to the provider.
type provDisk struct {
	mu     sync.Mutex
	lanes  map[lease.Key]provider.LaneRow
	leases map[artel.Hash]provider.LeaseRow
	events map[artel.Hash]map[uint64]provider.EventRow
	gens   map[provider.Controller]uint64
	outbox map[string]chain.Tx
	// signed is the simulation's own record of every receipt ever stored.
	signed map[signedKey]artel.Receipt
	earned map[signedKey]uint64     // ms in the newest checkpoint of each attempt
	idle   map[artel.Hash]uint64    // slot-ms that each lease was held without a task
	laneOf map[artel.Hash]lease.Key // of each lease ever made
	rested map[lease.Key]time.Time  // since when no lease is open on a lane, or its provider is up again
	double []artel.Result           // two results of one attempt: must stay empty
	over   []lease.Book             // lanes unpaid beyond maxUnpaid: must stay empty
	back   []lease.Book             // vouchers or totals that went backwards: must stay empty
	lost   []lease.Book             // lanes that were forgotten before they were redeemed: must stay empty

	maxUnpaid artel.Amount
}

// reread is a row as a database gives it back.
func reread[T any](row T) (back T, err error) {
	b, err := json.Marshal(row)
	if err != nil {
		return back, err
	}
	return back, json.Unmarshal(b, &back)
}

type signedKey struct {
	lease   artel.Hash
	task    uint64
	attempt uint32
}

func newProvDisk() *provDisk {
	return &provDisk{
		lanes: map[lease.Key]provider.LaneRow{}, leases: map[artel.Hash]provider.LeaseRow{}, events: map[artel.Hash]map[uint64]provider.EventRow{},
		gens: map[provider.Controller]uint64{}, outbox: map[string]chain.Tx{}, signed: map[signedKey]artel.Receipt{},
		earned: map[signedKey]uint64{}, idle: map[artel.Hash]uint64{}, laneOf: map[artel.Hash]lease.Key{}, rested: map[lease.Key]time.Time{},
	}
}

func (d *provDisk) Load(context.Context) (provider.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	st := provider.State{Generations: maps.Clone(d.gens)}
	for k, b := range d.lanes {
		d.rested[k] = time.Now()
		b, err := reread(b)
		if err != nil {
			return st, err
		}
		st.Lanes = append(st.Lanes, b)
	}
	for _, r := range d.leases {
		r, err := reread(r)
		if err != nil {
			return st, err
		}
		st.Leases = append(st.Leases, r)
	}
	for _, es := range d.events {
		for _, seq := range slices.Sorted(maps.Keys(es)) {
			st.Events = append(st.Events, es[seq])
		}
	}
	for _, x := range d.outbox {
		st.Outbox = append(st.Outbox, x)
	}
	return st, nil
}

func (d *provDisk) Save(ctx context.Context, c provider.Change) error {
	if err := ctx.Err(); err != nil {
		return err // the power is off
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, k := range c.DropLanes {
		if b := d.lanes[k]; b.Paid.Less(b.Voucher) {
			d.lost = append(d.lost, b.Book)
		}
		delete(d.lanes, k)
	}
	for _, a := range c.DropGenerations {
		delete(d.gens, a)
	}
	for _, b := range c.Lanes {
		if d.maxUnpaid.Less(b.Exposed()) {
			d.over = append(d.over, b.Book)
		}
		if was := d.lanes[b.Key]; b.Voucher.Less(was.Voucher) || b.Due().Less(was.Due()) {
			d.back = append(d.back, b.Book)
		}
		if was := d.lanes[b.Key]; was.Rested == 0 || b.Rested == 0 {
			d.rested[b.Key] = time.Now()
		}
		d.lanes[b.Key] = b
	}
	for _, r := range c.Leases {
		d.idle[r.Sold.ID], d.laneOf[r.Sold.ID] = r.Sold.Idle, lease.KeyOf(r.Sold.Lease)
		d.leases[r.Sold.ID] = r
	}
	for _, e := range c.Events {
		if d.events[e.Lease] == nil {
			d.events[e.Lease] = map[uint64]provider.EventRow{}
		}
		d.events[e.Lease][e.Event.Seq] = e
		if g := e.Event.Segment; g != nil {
			k := signedKey{g.Saved.Lease, g.Saved.Number, g.Saved.Attempt}
			d.earned[k] = max(d.earned[k], g.Saved.Wall)
		}
		if r := e.Event.Receipt; r != nil {
			k := signedKey{r.Result.Lease, r.Result.Task, r.Result.Attempt}
			if was, ok := d.signed[k]; ok && was.Result != r.Result {
				d.double = append(d.double, r.Result)
			}
			d.signed[k] = *r
		}
	}
	for _, f := range c.Forget {
		for seq := range d.events[f.Lease] {
			if seq <= f.Through {
				delete(d.events[f.Lease], seq)
			}
		}
	}
	for _, id := range c.DropLeases {
		delete(d.leases, id)
		delete(d.events, id)
	}
	maps.Copy(d.gens, c.Generations)
	for _, x := range c.Outbox {
		d.outbox[x.ID] = x
	}
	for _, id := range c.Sent {
		delete(d.outbox, id)
	}
	return nil
}

// rentDisk is a renter's disk.
type rentDisk struct {
	mu     sync.Mutex
	meta   renter.Meta
	books  map[lease.Key]lease.Book
	leases map[artel.Hash]renter.LeaseRow
	jobs   map[artel.Hash]job.Job
	tasks  map[artel.Hash]map[uint64]job.Task
	outbox map[string]chain.Tx
	back   []lease.Book                // vouchers that went backwards: must stay empty
	payer  map[lease.Key]artel.Hash    // the job for which a lane's present lease was made
	spent  map[artel.Hash]artel.Amount // the vouchers that were signed on them since
	undone []job.Task                  // done tasks that changed: must stay empty
	nodes  map[artel.NodeID]renter.NodeRow
}

// copyOf is a backup as of now.
func (d *rentDisk) copyOf() *rentDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newRentDisk()
	c.meta, c.books, c.leases, c.jobs, c.outbox = d.meta, maps.Clone(d.books), maps.Clone(d.leases), maps.Clone(d.jobs), maps.Clone(d.outbox)
	for id, ts := range d.tasks {
		c.tasks[id] = maps.Clone(ts)
	}
	c.nodes = maps.Clone(d.nodes)
	return c
}

func newRentDisk() *rentDisk {
	return &rentDisk{
		books: map[lease.Key]lease.Book{}, leases: map[artel.Hash]renter.LeaseRow{}, jobs: map[artel.Hash]job.Job{},
		tasks: map[artel.Hash]map[uint64]job.Task{}, outbox: map[string]chain.Tx{},
		payer: map[lease.Key]artel.Hash{}, spent: map[artel.Hash]artel.Amount{}, nodes: map[artel.NodeID]renter.NodeRow{},
	}
}

func (d *rentDisk) Load(context.Context) (renter.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	st := renter.State{Meta: d.meta, Tasks: map[artel.Hash][]job.Task{}}
	for _, b := range d.books {
		st.Books = append(st.Books, b)
	}
	for _, r := range d.leases {
		r, err := reread(r)
		if err != nil {
			return st, err
		}
		st.Leases = append(st.Leases, r)
	}
	for id, j := range d.jobs {
		if j.Phase == job.Active {
			st.Jobs = append(st.Jobs, j)
			st.Tasks[id] = d.list(id)
		}
	}
	slices.SortFunc(st.Jobs, func(a, b job.Job) int { return cmp.Compare(a.Created, b.Created) })
	for _, x := range d.outbox {
		st.Outbox = append(st.Outbox, x)
	}
	for _, x := range d.nodes {
		x, err := reread(x)
		if err != nil {
			return st, err
		}
		st.Nodes = append(st.Nodes, x)
	}
	return st, nil
}

func (d *rentDisk) list(id artel.Hash) []job.Task {
	var ts []job.Task
	for _, i := range slices.Sorted(maps.Keys(d.tasks[id])) {
		ts = append(ts, d.tasks[id][i])
	}
	return ts
}

func (d *rentDisk) Save(ctx context.Context, c renter.Change) error {
	if err := ctx.Err(); err != nil {
		return err // the power is off
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Meta != nil {
		d.meta = *c.Meta
	}
	for _, r := range c.Leases {
		d.payer[lease.KeyOf(r.Bought.Lease)] = r.Job
	}
	for _, b := range c.Books {
		id := d.payer[b.Key]
		d.spent[id] = d.spent[id].Add(b.Voucher.Sub(d.books[b.Key].Voucher))
		if b.Voucher.Less(d.books[b.Key].Voucher) {
			d.back = append(d.back, b)
		}
		d.books[b.Key] = b
	}
	for _, r := range c.Leases {
		d.leases[r.Bought.ID] = r
	}
	for _, id := range c.DropLeases {
		delete(d.leases, id)
	}
	for _, j := range c.Jobs {
		d.jobs[j.ID] = j
	}
	for _, id := range c.DropJobs {
		delete(d.jobs, id)
		delete(d.tasks, id)
	}
	for _, n := range c.Nodes {
		d.nodes[n.Node] = n
	}
	for id, ts := range c.Tasks {
		if d.tasks[id] == nil {
			d.tasks[id] = map[uint64]job.Task{}
		}
		for _, t := range ts {
			if was := d.tasks[id][t.Index]; was.State == job.Done && (t.State != job.Done || t.Receipt.Result != was.Receipt.Result) {
				d.undone = append(d.undone, t)
			}
			d.tasks[id][t.Index] = t
		}
	}
	for _, x := range c.Outbox {
		d.outbox[x.ID] = x
	}
	for _, id := range c.Sent {
		delete(d.outbox, id)
	}
	return nil
}

func (d *rentDisk) Job(_ context.Context, id artel.Hash) (job.Job, []job.Task, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	j, ok := d.jobs[id]
	if !ok {
		return j, nil, renter.ErrNoJob
	}
	return j, d.list(id), nil
}

func (d *rentDisk) Jobs(_ context.Context, n int) ([]job.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	js := slices.Collect(maps.Values(d.jobs))
	slices.SortFunc(js, func(a, b job.Job) int { return cmp.Compare(b.Created, a.Created) })
	return js[:min(n, len(js))], nil
}
