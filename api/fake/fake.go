// Package fake is a node in memory for tests of what speaks to the API: jobs
// run at once and print a line per task, money moves in a map. A job whose name
// begins with "slow" runs until it is cancelled; one whose name begins with
// "fail" fails its last task, and of one whose name begins with "late" the last task
// is not done when its deadline comes.
package fake

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/network"
)

// Node implements api.Node.
type Node struct {
	key artel.Key
	net network.File

	mu       sync.Mutex
	changed  chan struct{} // closed and renewed at each change
	jobs     []*job
	blobs    map[artel.Ref][]byte
	provide  api.ProvideStatus
	owner    api.Owner
	balance  api.Balance
	vouchers []api.Voucher
	offers   []api.Offer
	images   []api.StoredImage
	watchers int // Watch calls, ever
	visits   func(api.VisitRequest, io.ReadWriteCloser)
	steward  api.Steward
	lent     []artel.JobSpec // for how long
	brought  []Brought
}

type job struct {
	key    string
	detail api.JobDetail
	events []api.JobEvent
	logs   []api.LogChunk
	files  []file
}

type file struct {
	api.OutputFile
	data []byte
}

// When is the time of everything that happens here.
var when = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)

// Network is the fake's network.
func Network() network.File {
	return network.File{
		Schema: 1, Name: "fakenet", Protocol: "/artel/1",
		Chain:     network.Chain{Kind: network.KindEmbedded, ID: 7357, Genesis: artel.Keccak([]byte("fake"))},
		Contracts: network.Contracts{Token: artel.Address{1}, Ledger: artel.Address{2}, Stake: artel.Address{3}},
		Token:     network.Token{Symbol: "ART", Decimals: 6},
		Finality:  network.Finality{Policy: network.PolicyInstant},
		Rules:     network.Rules{Delay: 86400, Window: 86400},
		Faucet:    &network.Faucet{Account: artel.Address{9}},
	}
}

// New returns a node that has 100 tokens and knows two offers.
func New() *Node {
	k := key(1)
	n := &Node{key: k, net: Network(), changed: make(chan struct{}), blobs: map[artel.Ref][]byte{}}
	n.balance = api.Balance{Account: k.Address(), Signer: k.Address(), Token: n.net.Token, Tokens: artel.Units(100_000_000), Gas: "1000000000000000000", Block: 42}
	for i, price := range []artel.Price{2_000_000, 3_000_000} {
		p := key(byte(10 + i))
		n.offers = append(n.offers, api.Offer{Offer: artel.Offer{
			Network: n.net.Hash(), Node: p.NodeID(), Account: p.Address(), Seq: 1,
			Issued: uint64(when.Unix()), Expires: uint64(when.Unix()) + 600,
			Resources: artel.Resources{Slots: uint32(4 * (i + 1)), Memory: 1 << 30, Disk: 1 << 30},
			Price:     price, Region: []string{"eu", "us"}[i], Sandboxes: []string{"wasm"}, Speed: 1000,
			MaxUnit: 3_600_000, Addrs: []string{"/ip4/127.0.0.1/tcp/1"},
		}, Rating: 0.9})
	}
	for i, kind := range []string{api.ImageOwn, api.ImagePublic, api.ImageGuest} {
		n.images = append(n.images, api.StoredImage{
			Digest: artel.Keccak([]byte(kind)), Name: []string{"app.tar", "docker.io/library/python", ""}[i], Kind: kind,
			Bytes: 1 << 20, Unpacked: uint64(i) << 30, Used: when, InUse: i == 1,
		})
	}
	prov := key(10).Address()
	n.vouchers = []api.Voucher{{Voucher: artel.Voucher{Renter: k.Address(), Provider: prov, Lane: 5, Cumulative: artel.Units(700)}, Paid: artel.Units(200), Cap: artel.Units(1000)}}
	return n
}

func key(b byte) artel.Key {
	k, err := artel.KeyFromBytes(bytes.Repeat([]byte{b}, 32))
	if err != nil {
		panic(err) // a constant
	}
	return k
}

// change runs f under the lock and wakes who waits.
func (n *Node) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

// Status implements api.Node.
func (n *Node) Status(ctx context.Context) (api.Status, error) {
	c, err := n.Chain(ctx)
	n.mu.Lock()
	defer n.mu.Unlock()
	open := 0
	for _, j := range n.jobs {
		if !j.detail.State.Ended() {
			open++
		}
	}
	return api.Status{
		Release: "fake", Started: when, PID: os.Getpid(), DataDir: "/nowhere",
		Network: n.net.Name, Hash: n.net.Hash(), Node: n.key.NodeID(), PeerID: "16Uiu2HAmFake", Account: n.key.Address(),
		Addrs: []string{"/ip4/127.0.0.1/tcp/4001"}, Peers: 2, Reach: "private", Offers: len(n.offers),
		Jobs: open, Provider: n.provide.On, Chain: c,
	}, err
}

// Network implements api.Node.
func (n *Node) Network(context.Context) (network.File, error) { return n.net, nil }

// Chain implements api.Node.
func (n *Node) Chain(context.Context) (api.ChainStatus, error) {
	return api.ChainStatus{Kind: n.net.Chain.Kind, ID: n.net.Chain.ID, Reachable: true, Head: 42, HeadTime: when, Final: 42, Followed: 42}, nil
}

// AddPath implements api.Node.
func (n *Node) AddPath(_ context.Context, path string) (api.Blob, error) {
	var all bytes.Buffer
	files := 0
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		files++
		all.Write(b)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return api.Blob{}, api.Errorf(api.CodeInvalid, "add %s: no such file or directory", path)
	}
	if err != nil {
		return api.Blob{}, fmt.Errorf("add %s: %w", path, err)
	}
	return n.add(all.Bytes(), files)
}

// AddBytes implements api.Node.
func (n *Node) AddBytes(_ context.Context, r io.Reader, isTar bool) (api.Blob, error) {
	files := 1
	if isTar {
		files = 0
		var all bytes.Buffer
		t := tar.NewReader(r)
		for {
			h, err := t.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return api.Blob{}, api.Errorf(api.CodeInvalid, "read tar: %v", err)
			}
			if h.Typeflag == tar.TypeReg {
				files++
				io.Copy(&all, t)
			}
		}
		return n.add(all.Bytes(), files)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return api.Blob{}, fmt.Errorf("read bytes: %w", err)
	}
	return n.add(b, files)
}

func (n *Node) add(b []byte, files int) (api.Blob, error) {
	ref, err := artel.NewRef(artel.CodecRaw, sha256.Sum256(b))
	if err != nil {
		return api.Blob{}, err
	}
	n.change(func() { n.blobs[ref] = b })
	return api.Blob{Ref: ref, Bytes: uint64(len(b)), Files: files}, nil
}

// Submit implements api.Node.
func (n *Node) Submit(_ context.Context, r api.SubmitRequest) (api.Job, error) {
	var out api.Job
	var err error
	n.change(func() { out, err = n.submit(r) })
	return out, err
}

func (n *Node) submit(r api.SubmitRequest) (api.Job, error) {
	for _, j := range n.jobs {
		if j.key == r.Key {
			return j.detail.Job, nil
		}
	}
	if b, ok := n.blobs[r.Spec.Program]; r.Spec.Box.Image.IsZero() && (!ok || !bytes.HasPrefix(b, []byte("\x00asm"))) {
		return api.Job{}, artel.Invalid("program %s is not a WASM module; hint: GOOS=wasip1 GOARCH=wasm go build", r.Spec.Program)
	}
	if n.balance.Deposit.IsZero() {
		return api.Job{}, api.Errorf(api.CodeFunds, "the account has nothing in the ledger").WithHint("artel wallet deposit")
	}
	if !r.Spec.Service.IsZero() {
		if err := n.takesOver(r.Spec); err != nil {
			return api.Job{}, err
		}
	}
	j := &job{key: r.Key}
	j.detail.Job = api.Job{ID: fmt.Sprintf("%08x", uint32(0xa0000001)+uint32(len(n.jobs))<<24), Name: r.Spec.Name, State: api.StateRunning, Created: when, Tasks: r.Spec.Count, Budget: r.Spec.Budget}
	if j.detail.Spec = r.Spec; !r.Spec.Service.IsZero() {
		j.detail.ID = artel.Keccak([]byte(j.detail.ID)).String() // versions name each other by it
	}
	prov := n.offers[0].Node
	for i := range r.Spec.Count {
		t := api.Task{Index: r.Spec.First + i, State: api.StateRunning, Attempt: 1, Provider: prov}
		j.event(api.JobEvent{Kind: api.EventTask, Task: t.Index, Attempt: 1, State: api.StateRunning, Provider: prov})
		j.detail.Running++
		j.detail.Attempts++
		if last := i == r.Spec.Count-1; last && strings.HasPrefix(r.Spec.Name, "late") {
			t.State, t.Reason = api.StateCancelled, artel.ReasonCancelled
			j.detail.Running, j.detail.Cancelled, j.detail.Reason = j.detail.Running-1, j.detail.Cancelled+1, artel.ReasonDeadline
			j.detail.Message = fmt.Sprintf("the deadline came with %d of %d tasks done", j.detail.Done, j.detail.Tasks)
			j.event(api.JobEvent{Kind: api.EventTask, Task: t.Index, Attempt: 1, State: t.State, Provider: prov, Reason: t.Reason})
		} else if !strings.HasPrefix(r.Spec.Name, "slow") && r.Spec.Service.IsZero() {
			j.finish(&t, i == r.Spec.Count-1 && strings.HasPrefix(r.Spec.Name, "fail"))
		}
		j.detail.List = append(j.detail.List, t)
	}
	j.settle()
	n.jobs = append(n.jobs, j)
	return j.detail.Job, nil
}

func (j *job) event(e api.JobEvent) {
	e.Seq, e.Time = uint64(len(j.events)+1), when
	now := j.detail.Job
	e.Job = &now
	j.events = append(j.events, e)
}

func (j *job) finish(t *api.Task, fail bool) {
	j.logs = append(j.logs, api.LogChunk{Task: t.Index, Attempt: 1, Data: fmt.Appendf(nil, "hello from task %d %s\n", t.Index, strings.Join(j.detail.Spec.Args, " "))})
	t.State, t.Reason, t.Wall, t.Due = api.StateDone, artel.ReasonExited, 1500, artel.Units(3)
	j.detail.Running--
	if fail {
		t.State, t.ExitCode, t.Message = api.StateFailed, 3, "exit code 3"
		j.detail.Failed++
	} else {
		j.detail.Done++
		j.files = append(j.files, file{api.OutputFile{Task: t.Index, Path: "result.txt", Size: 5}, fmt.Appendf(nil, "r%03d\n", t.Index)})
	}
	j.detail.Promised = j.detail.Promised.Add(t.Due)
	j.event(api.JobEvent{Kind: api.EventTask, Task: t.Index, Attempt: 1, State: t.State, Provider: t.Provider, Reason: t.Reason, ExitCode: t.ExitCode, Message: t.Message})
}

func (j *job) settle() {
	switch {
	case j.detail.Running > 0:
		return
	case j.detail.Cancelled > 0:
		j.detail.State = api.StateCancelled
	case j.detail.Failed > 0:
		j.detail.State, j.detail.Message = api.StateFailed, fmt.Sprintf("%d of %d tasks failed", j.detail.Failed, j.detail.Tasks)
	default:
		j.detail.State = api.StateDone
	}
	j.detail.Ended = when
	j.event(api.JobEvent{Kind: api.EventJob, State: j.detail.State, Message: j.detail.Message})
}

// List implements api.Node.
func (n *Node) List(_ context.Context, q api.JobQuery) ([]api.Job, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []api.Job
	for _, j := range slices.Backward(n.jobs) {
		if (q.All || !j.detail.State.Ended()) && len(out) < q.Limit {
			out = append(out, j.detail.Job)
		}
	}
	return out, nil
}

// find takes an id or the beginning of one job's.
func (n *Node) find(id string) (*job, error) {
	var found []*job
	for _, j := range n.jobs {
		if id != "" && strings.HasPrefix(j.detail.ID, id) {
			found = append(found, j)
		}
	}
	switch len(found) {
	case 0:
	case 1:
		return found[0], nil
	default:
		return nil, api.Errorf(api.CodeInvalid, "%d jobs begin with %s", len(found), id).WithHint("more digits")
	}
	return nil, api.Errorf(api.CodeNotFound, "no job %s", id).WithHint("artel ps --all")
}

// Job implements api.Node.
func (n *Node) Job(_ context.Context, id string) (api.JobDetail, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	j, err := n.find(id)
	if err != nil {
		return api.JobDetail{}, err
	}
	d := j.detail
	d.List = slices.Clone(d.List)
	return d, nil
}

// Cancel implements api.Node.
func (n *Node) Cancel(_ context.Context, id string) (out api.Job, err error) {
	n.change(func() {
		var j *job
		if j, err = n.find(id); err != nil {
			return
		}
		for i := range j.detail.List {
			if t := &j.detail.List[i]; !t.State.Ended() {
				t.State, t.Reason = api.StateCancelled, artel.ReasonCancelled
				j.detail.Running--
				j.detail.Cancelled++
			}
		}
		if !j.detail.State.Ended() {
			j.settle()
		}
		out = j.detail.Job
	})
	return out, err
}

// Remove implements api.Node.
func (n *Node) Remove(_ context.Context, id string) (out api.Job, err error) {
	n.change(func() {
		var j *job
		if j, err = n.find(id); err != nil {
			return
		}
		if !j.detail.State.Ended() {
			err = api.Errorf(api.CodeConflict, "job %s is open", j.detail.ID).WithHint("artel cancel %s", j.detail.ID)
			return
		}
		out = j.detail.Job
		n.jobs = slices.DeleteFunc(n.jobs, func(x *job) bool { return x == j })
	})
	return out, err
}

// Watch implements api.Node.
func (n *Node) Watch(ctx context.Context, id string, after uint64, emit func(api.JobEvent) error) error {
	n.change(func() { n.watchers++ })
	return n.follow(ctx, id, true, func(j *job) (func() error, bool) {
		if after >= uint64(len(j.events)) {
			return nil, false
		}
		e := j.events[after]
		after++
		return func() error { return emit(e) }, true
	})
}

// Logs implements api.Node.
func (n *Node) Logs(ctx context.Context, id string, q api.LogQuery, emit func(api.LogChunk) error) error {
	at := 0
	return n.follow(ctx, id, q.Follow, func(j *job) (func() error, bool) {
		for at < len(j.logs) {
			c := j.logs[at]
			at++
			if len(q.Tasks) == 0 || slices.Contains(q.Tasks, c.Task) {
				return func() error { return emit(c) }, true
			}
		}
		return nil, false
	})
}

// follow takes what next has and waits for more until the job has ended.
func (n *Node) follow(ctx context.Context, id string, wait bool, next func(*job) (func() error, bool)) error {
	for {
		n.mu.Lock()
		j, err := n.find(id)
		if err != nil {
			n.mu.Unlock()
			return err
		}
		do, more := next(j)
		ended, changed := j.detail.State.Ended(), n.changed
		n.mu.Unlock()
		switch {
		case more:
			if err := do(); err != nil {
				return err
			}
		case ended || !wait:
			return nil
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// Files implements api.Node.
func (n *Node) Files(_ context.Context, id string, tasks []uint64) ([]api.OutputFile, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	j, err := n.find(id)
	if err != nil {
		return nil, err
	}
	var out []api.OutputFile
	for _, f := range j.files {
		if len(tasks) == 0 || slices.Contains(tasks, f.Task) {
			out = append(out, f.OutputFile)
		}
	}
	return out, nil
}

// ReadFiles implements api.Node.
func (n *Node) ReadFiles(ctx context.Context, id string, tasks []uint64, visit func(api.OutputFile, io.Reader) error) error {
	n.mu.Lock()
	j, err := n.find(id)
	if err != nil {
		n.mu.Unlock()
		return err
	}
	files := slices.Clone(j.files)
	n.mu.Unlock()
	for _, f := range files {
		if len(tasks) == 0 || slices.Contains(tasks, f.Task) {
			if err := visit(f.OutputFile, bytes.NewReader(f.data)); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// AwaitWatchers waits until Watch has been called k times.
func (n *Node) AwaitWatchers(ctx context.Context, k int) error {
	for {
		n.mu.Lock()
		got, changed := n.watchers, n.changed
		n.mu.Unlock()
		if got >= k {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for %d watchers, there are %d: %w", k, got, ctx.Err())
		}
	}
}
