package node

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/renter"
)

// AddPath implements api.Jobs.
func (n *Node) AddPath(ctx context.Context, path string) (api.Blob, error) {
	info, err := os.Stat(path)
	if err != nil {
		return api.Blob{}, api.Errorf(api.CodeNotFound, "add %s: %v", path, err)
	}
	if info.IsDir() {
		return n.addDir(ctx, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return api.Blob{}, api.Errorf(api.CodeNotFound, "add %s: %v", path, err)
	}
	defer f.Close()
	return n.AddBytes(ctx, f, false)
}

func (n *Node) addDir(ctx context.Context, path string) (api.Blob, error) {
	ref, err := blob.AddDir(ctx, n.blobs, path, blob.Limits{})
	if err != nil {
		return api.Blob{}, blobError(err)
	}
	b := api.Blob{Ref: ref}
	err = n.walk(ctx, ref, "", func(f api.OutputFile) error {
		b.Files++
		b.Bytes += uint64(f.Size)
		return nil
	})
	return b, blobError(err)
}

// AddBytes implements api.Jobs.
func (n *Node) AddBytes(ctx context.Context, r io.Reader, asTar bool) (api.Blob, error) {
	if !asTar {
		ref, size, err := blob.AddFile(ctx, n.blobs, r)
		return api.Blob{Ref: ref, Bytes: uint64(size), Files: 1}, blobError(err)
	}
	if err := mkdir(n.c.Paths.Work()); err != nil {
		return api.Blob{}, err
	}
	dir, err := os.MkdirTemp(n.c.Paths.Work(), "upload-")
	if err != nil {
		return api.Blob{}, err
	}
	defer os.RemoveAll(dir)
	if err := untar(r, dir); err != nil {
		return api.Blob{}, api.Errorf(api.CodeInvalid, "read tar: %v", err)
	}
	return n.addDir(ctx, dir)
}

// untar unpacks files and directories below dir, and nothing else.
func untar(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeReg:
			if err = root.MkdirAll(filepath.Dir(name), 0o700); err == nil {
				err = untarFile(root, name, t)
			}
		default:
			err = fmt.Errorf("%s is neither a file nor a directory", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func untarFile(root *os.Root, name string, r io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func blobError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blob.ErrFull):
		return &api.Error{Code: api.CodeTooLarge, Message: err.Error(), Hint: "free some disk space"}
	case errors.Is(err, blob.ErrUnsupported), errors.Is(err, blob.ErrLimit), errors.Is(err, blob.ErrMalformed):
		return api.Errorf(api.CodeInvalid, "%v", err)
	}
	return err
}

// Submit implements api.Jobs.
func (n *Node) Submit(ctx context.Context, r api.SubmitRequest) (api.Job, error) {
	if err := r.Spec.Check(); err != nil {
		return api.Job{}, api.Errorf(api.CodeInvalid, "%v", err)
	}
	for what, ref := range map[string]artel.Ref{"program": r.Spec.Program, "input": r.Spec.Input} {
		if ref.IsZero() {
			continue
		}
		if err := blob.Complete(ctx, n.blobs, ref, blob.Limits{}); err != nil {
			return api.Job{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("the job's %s is not in the blob store: %v", what, err), Hint: "add it first"}
		}
	}
	id := artel.Keccak([]byte("artel job"), []byte(r.Key))
	if err := n.renter.Submit(ctx, id, r.Spec); err != nil {
		return api.Job{}, err
	}
	j, ts, err := n.renter.Job(ctx, id)
	return jobLine(j, ts), err
}

// List implements api.Jobs.
func (n *Node) List(ctx context.Context, q api.JobQuery) ([]api.Job, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 100
	}
	js, err := n.renter.Jobs(ctx, limit)
	if err != nil {
		return nil, err
	}
	var out []api.Job
	for _, j := range js {
		if !q.All && j.Phase != job.Active {
			continue
		}
		j, ts, err := n.renter.Job(ctx, j.ID)
		if err != nil {
			return nil, err
		}
		line := jobLine(j, ts)
		if !line.State.Ended() && line.Running == 0 {
			line.Message = n.whyWaiting(ctx, j)
		}
		out = append(out, line)
	}
	return out, nil
}

// resolve finds a job by its id or a beginning of it that no other job shares.
func (n *Node) resolve(ctx context.Context, id string) (artel.Hash, error) {
	if h, err := artel.ParseHash(id); err == nil {
		return h, nil
	}
	want := strings.TrimPrefix(id, "0x")
	js, err := n.renter.Jobs(ctx, 10_000)
	if err != nil {
		return artel.Hash{}, err
	}
	var found []artel.Hash
	for _, j := range js {
		if len(want) >= 4 && strings.HasPrefix(j.ID.String()[2:], want) {
			found = append(found, j.ID)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return artel.Hash{}, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no job %q", id), Hint: "artel ps --all lists them"}
	}
	return artel.Hash{}, &api.Error{Code: api.CodeInvalid, Message: fmt.Sprintf("%d jobs begin with %q", len(found), id), Hint: "more digits"}
}

func (n *Node) load(ctx context.Context, id string) (job.Job, []job.Task, error) {
	h, err := n.resolve(ctx, id)
	if err != nil {
		return job.Job{}, nil, err
	}
	j, ts, err := n.renter.Job(ctx, h)
	if errors.Is(err, renter.ErrNoJob) {
		return j, nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("no job %q", id), Hint: "artel ps --all lists them"}
	}
	return j, ts, err
}

// Job implements api.Jobs.
func (n *Node) Job(ctx context.Context, id string) (api.JobDetail, error) {
	j, ts, err := n.load(ctx, id)
	if err != nil {
		return api.JobDetail{}, err
	}
	d := api.JobDetail{Job: jobLine(j, ts), Spec: j.Spec}
	for _, t := range ts {
		d.List = append(d.List, taskLine(j, t))
	}
	if !d.State.Ended() && d.Running == 0 {
		d.Message = n.whyWaiting(ctx, j)
	}
	return d, nil
}

// whyWaiting says what a job waits for, if the daemon knows.
func (n *Node) whyWaiting(ctx context.Context, j job.Job) string {
	if n.board.len() == 0 {
		if err := n.board.clockDoubt(); err != nil {
			return fmt.Sprintf("no offers are known; the last one was refused: %v; hint: artel doctor looks at this clock", err)
		}
		return "no offers are known yet"
	}
	if len(n.board.Offers(j.Spec, time.Now(), 1)) == 0 {
		return "no offer suits; artel quote says why"
	}
	if a, err := n.ledger.Account(ctx, n.account()); err == nil && a.Deposit.IsZero() {
		return "the account has no free deposit; hint: artel wallet deposit"
	}
	st, err := n.renter.Status(ctx)
	if err != nil || len(st.Denied) == 0 {
		return ""
	}
	// What the renter can do something about first.
	d := st.Denied[0]
	for _, x := range st.Denied {
		if errors.Is(x.Err, p2p.Unpaid) {
			d = x
			break
		}
	}
	return denial(d)
}

// denial is why a provider gave no lease, in a sentence with a hint.
func denial(d renter.Denial) string {
	text, hint := d.Err.Error(), ""
	var e *p2p.Error
	if errors.As(d.Err, &e) {
		text, hint = e.Message, e.Hint
	}
	text, _, _ = strings.Cut(text, "\n")
	text = fmt.Sprintf("provider %s gives no lease: %s", d.Node.Short(), text)
	if hint != "" {
		text += "; hint: " + hint
	}
	return text
}

func millis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func jobLine(j job.Job, ts []job.Task) api.Job {
	a := api.Job{
		ID: j.ID.String(), Name: j.Spec.Name, Message: j.Message, Created: millis(j.Created), Ended: millis(j.Ended),
		Tasks: j.Spec.Count, Promised: j.Spent, Budget: j.Spec.Budget,
	}
	nodes := map[artel.NodeID]bool{}
	for _, t := range ts {
		a.Attempts += uint64(len(t.Attempts))
		switch taskState(j, t) {
		case api.StateDone:
			a.Done++
		case api.StateFailed:
			a.Failed++
		case api.StateRunning:
			a.Running++
			nodes[t.Attempts[len(t.Attempts)-1].Node] = true
		case api.StateCancelled:
			a.Cancelled++
		default:
			a.Waiting++
		}
	}
	a.Providers = len(nodes)
	a.State = jobState(j, a.Running > 0 || a.Done > 0)
	return a
}

func jobState(j job.Job, begun bool) api.State {
	switch {
	case j.Phase == job.Cancelled:
		return api.StateCancelled
	case j.Phase == job.Finished && j.Failed > 0:
		return api.StateFailed
	case j.Phase == job.Finished:
		return api.StateDone
	case begun:
		return api.StateRunning
	}
	return api.StateWaiting
}

func taskState(j job.Job, t job.Task) api.State {
	switch t.State {
	case job.Done:
		return api.StateDone
	case job.Failed:
		return api.StateFailed
	}
	if j.Phase == job.Cancelled {
		return api.StateCancelled
	}
	if t.State == job.Out || t.State == job.Paying {
		return api.StateRunning
	}
	return api.StateWaiting
}

func taskLine(j job.Job, t job.Task) api.Task {
	a := api.Task{Index: j.Spec.First + t.Index, State: taskState(j, t), Output: t.Output, Due: t.Spent}
	if k := len(t.Attempts); k > 0 {
		last := t.Attempts[k-1]
		a.Attempt, a.Provider, a.Reason, a.Message = last.N, last.Node, last.Reason, last.Message
	}
	if r := t.Receipt; r != nil {
		a.Attempt, a.Provider, a.Reason, a.Message = r.Result.Attempt, t.Node, r.Reason, r.Message
		a.ExitCode, a.Wall = r.Result.ExitCode, r.Usage.Wall
	}
	return a
}

// Cancel implements api.Jobs.
func (n *Node) Cancel(ctx context.Context, id string) (api.Job, error) {
	j, _, err := n.load(ctx, id)
	if err != nil {
		return api.Job{}, err
	}
	if err := n.renter.Cancel(ctx, j.ID, "cancelled by its renter"); err != nil {
		return api.Job{}, err
	}
	d, err := n.Job(ctx, j.ID.String())
	return d.Job, err
}

// history lists what has happened to a job up to now, in an order that later
// events only add to. Each event is derived from what is stored, so that it
// survives a restart with its number.
func history(j job.Job, ts []job.Task, until int64) []api.JobEvent {
	var es []api.JobEvent
	add := func(ms int64, e api.JobEvent) {
		if ms != 0 && ms < until {
			e.Time = millis(ms)
			es = append(es, e)
		}
	}
	add(j.Created, api.JobEvent{Kind: api.EventJob, State: api.StateWaiting})
	for _, t := range ts {
		index := j.Spec.First + t.Index
		for _, at := range t.Attempts {
			e := api.JobEvent{Kind: api.EventTask, Task: index, Attempt: at.N, Provider: at.Node}
			e.State = api.StateRunning
			add(at.Sent, e)
			if at.Fenced {
				gone := e
				gone.Kind, gone.State, gone.Reason, gone.Message = api.EventLost, api.StateWaiting, artel.ReasonLost, "the host fell silent"
				add(at.Silent, gone)
			}
			e.Reason, e.Message = at.Reason, at.Message
			switch r := t.Receipt; {
			case r != nil && r.Result.Attempt == at.N && t.State == job.Failed:
				e.State, e.ExitCode = api.StateFailed, r.Result.ExitCode
			case r != nil && r.Result.Attempt == at.N:
				e.State = api.StateDone
			case at.Fenced && at.Reason == artel.ReasonLost:
				continue // it was told when it was fenced
			case at.Reason == artel.ReasonLost || at.Reason == artel.ReasonGarbage || at.Reason == artel.ReasonRefused:
				e.Kind, e.State = api.EventLost, api.StateWaiting
			default:
				e.State = api.StateWaiting
			}
			add(at.Ended, e)
		}
	}
	slices.SortStableFunc(es, func(a, b api.JobEvent) int { return a.Time.Compare(b.Time) })
	add(j.Ended, api.JobEvent{Kind: api.EventJob, State: jobState(j, true), Message: j.Message})
	for i := range es {
		es[i].Seq = uint64(i) + 1
	}
	return es
}

// sayAfter is how long a job waits before its watchers are told why, in
// milliseconds.
const sayAfter = 3_000

// Watch implements api.Jobs. A notice has the number of the event before it.
func (n *Node) Watch(ctx context.Context, id string, after uint64, emit func(api.JobEvent) error) error {
	told := "" // why it waits
	for {
		news := n.renter.News()
		now := time.Now().UnixMilli()
		j, ts, err := n.load(ctx, id)
		if err != nil {
			return err
		}
		over := j.Phase != job.Active
		if over {
			now = 1 << 62
		}
		line := jobLine(j, ts)
		for _, e := range history(j, ts, now) {
			if e.Seq <= after {
				continue
			}
			e.Job = &line
			if err := emit(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if over {
			return nil
		}
		if line.Running == 0 && now-j.Created > sayAfter {
			if why := n.whyWaiting(ctx, j); why != "" && why != told {
				told, line.Message = why, why
				if err := emit(api.JobEvent{Seq: after, Time: millis(now), Kind: api.EventNotice, Message: "waiting: " + why, Job: &line}); err != nil {
					return err
				}
			}
		}
		if err := pause(ctx, news, time.Second); err != nil {
			return err
		}
	}
}

// pause waits for news, at most d, and a little longer so that what comes
// together is told together.
func pause(ctx context.Context, news <-chan struct{}, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
	case <-news:
		t.Reset(20 * time.Millisecond)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
	return nil
}

// Logs implements api.Jobs.
func (n *Node) Logs(ctx context.Context, id string, q api.LogQuery, emit func(api.LogChunk) error) error {
	type place struct {
		attempt uint32
		offset  uint64
		done    bool
	}
	at := map[uint64]*place{}
	for {
		news := n.renter.News()
		j, ts, err := n.load(ctx, id)
		if err != nil {
			return err
		}
		for _, t := range ts {
			index := j.Spec.First + t.Index
			if len(t.Attempts) == 0 || len(q.Tasks) > 0 && !slices.Contains(q.Tasks, index) {
				continue
			}
			last := t.Attempts[len(t.Attempts)-1]
			p := at[index]
			if p == nil || p.attempt != last.N {
				p = &place{attempt: last.N}
				at[index] = p
			}
			if !p.done && !t.Log.IsZero() && t.Receipt != nil && t.Receipt.Result.Attempt == last.N {
				p.done = true
				if err := n.savedLog(ctx, t.Log, p.offset, func(c api.LogChunk) error {
					c.Task, c.Attempt = index, last.N
					return emit(c)
				}); err != nil {
					return err
				}
			}
			for !p.done {
				data, eof, err := n.renter.Logs(ctx, j.ID, t.Index, p.offset)
				if err != nil || len(data) == 0 {
					p.done = err == nil && eof && last.Ended != 0
					break // a log that cannot be read now may be later
				}
				if err := emit(api.LogChunk{Task: index, Attempt: last.N, Offset: p.offset, Data: data}); err != nil {
					return err
				}
				p.offset += uint64(len(data))
			}
		}
		if !q.Follow || j.Phase != job.Active {
			return nil
		}
		if err := pause(ctx, news, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// savedLog emits a log that is in the blob store, from offset on.
func (n *Node) savedLog(ctx context.Context, ref artel.Ref, offset uint64, emit func(api.LogChunk) error) error {
	f, err := blob.Open(ctx, n.blobs, ref)
	if err != nil {
		return fmt.Errorf("read saved log: %w", err)
	}
	if _, err := f.Seek(int64(offset), io.SeekStart); err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for {
		k, err := f.Read(buf)
		if k > 0 {
			if err := emit(api.LogChunk{Offset: offset, Data: slices.Clone(buf[:k])}); err != nil {
				return err
			}
			offset += uint64(k)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read saved log: %w", err)
		}
	}
}

// Files implements api.Jobs.
func (n *Node) Files(ctx context.Context, id string, tasks []uint64) ([]api.OutputFile, error) {
	j, ts, err := n.load(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []api.OutputFile
	for _, t := range ts {
		index := j.Spec.First + t.Index
		if t.Output.IsZero() || len(tasks) > 0 && !slices.Contains(tasks, index) {
			continue
		}
		if err := n.walk(ctx, t.Output, "", func(f api.OutputFile) error {
			f.Task = index
			out = append(out, f)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxDepth bounds what is listed of a stranger's output.
const maxDepth = 64

// walk visits the files of a directory, by path.
func (n *Node) walk(ctx context.Context, dir artel.Ref, prefix string, visit func(api.OutputFile) error) error {
	if strings.Count(prefix, "/") > maxDepth {
		return api.Errorf(api.CodeTooLarge, "directories are nested more than %d deep", maxDepth)
	}
	es, err := blob.ReadDir(ctx, n.blobs, dir)
	if err != nil {
		return err
	}
	for _, e := range es {
		path := prefix + e.Name
		f, err := blob.Open(ctx, n.blobs, e.Ref)
		if errors.Is(err, blob.ErrKind) {
			if err := n.walk(ctx, e.Ref, path+"/", visit); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(api.OutputFile{Path: path, Size: f.Size(), Ref: e.Ref}); err != nil {
			return err
		}
	}
	return nil
}

// ReadFiles implements api.Jobs.
func (n *Node) ReadFiles(ctx context.Context, id string, tasks []uint64, visit func(api.OutputFile, io.Reader) error) error {
	fs, err := n.Files(ctx, id, tasks)
	if err != nil {
		return err
	}
	for _, f := range fs {
		r, err := blob.Open(ctx, n.blobs, f.Ref)
		if err != nil {
			return fmt.Errorf("read %s of task %d: %w", f.Path, f.Task, err)
		}
		if err := visit(f, r); err != nil {
			return err
		}
	}
	return nil
}
