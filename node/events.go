package node

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/job"
)

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
			e.State, e.Message = api.StateRunning, begunText(at)
			if at.Copy && e.Message == "" {
				e.Message = "a copy: another attempt takes long, the first to be done counts"
			}
			add(at.Sent, e)
			if at.Taken {
				back := e
				back.State, back.Message = api.StateWaiting, at.Message
				add(at.Silent, back)
			} else if at.Fenced {
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
			case at.Reason == artel.ReasonCancelled:
				continue // another one was first, or the job has ended
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
	told, late, warned := "", "", "" // why it waits, that its deadline cannot be kept, where its checkpoints are
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
		if j.Late != 0 && j.Message != late {
			late = j.Message
			if err := emit(api.JobEvent{Seq: after, Time: millis(now), Kind: api.EventNotice, Reason: artel.ReasonDeadline, Message: late, Job: &line}); err != nil {
				return err
			}
		}
		if line.Running == 0 && now-j.Created > sayAfter {
			if why := n.whyWaiting(ctx, j); why != "" && why != told {
				told, line.Message = why, why
				if err := emit(api.JobEvent{Seq: after, Time: millis(now), Kind: api.EventNotice, Message: "waiting: " + why, Job: &line}); err != nil {
					return err
				}
			}
		}
		if why := thin(j, ts); why != "" && why != warned {
			warned = why
			if err := emit(api.JobEvent{Seq: after, Time: millis(now), Kind: api.EventNotice, Message: why, Job: &line}); err != nil {
				return err
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
