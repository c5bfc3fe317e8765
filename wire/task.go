package wire

import (
	"google.golang.org/protobuf/proto"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// Marshal encodes m. FitStarts says how many starts the other side will read at
// once.
func (m StartRequest) Marshal() []byte {
	p := &wirepb.StartRequest{Lease: blank(m.Lease[:]), Generation: m.Gen}
	for _, s := range m.Starts {
		p.Starts = append(p.Starts, &wirepb.Start{Task: s.Task, Attempt: s.Attempt, Spec: specPB(s.Spec), Keep: keepingPB(s.Keep)})
	}
	return encode(p)
}

// FitStarts returns how many of starts, from the first, fit one StartRequest.
// It is 0 only where there are none or the first one is too large for any.
func FitStarts(starts []Start) int {
	const (
		fixed = 256 // more than all fields of fixed width and their tags
		item  = 6   // tag and length of an argument
	)
	size := fixed
	for i, s := range starts {
		size += fixed
		for _, a := range s.Spec.Args {
			size += item + len(a)
		}
		for _, e := range s.Spec.Env {
			size += item + len(e)
		}
		size += len(s.Spec.Box.Source) + len(s.Spec.Box.Dir)
		for _, h := range s.Spec.Box.Network {
			size += item + len(h)
		}
		if k := s.Keep; k != nil {
			size += proto.Size(keepingPB(k))
		}
		if i == MaxTasks || size > MaxStart {
			return i
		}
	}
	return len(starts)
}

// UnmarshalStartRequest decodes what a renter sent.
func UnmarshalStartRequest(b []byte) (StartRequest, error) {
	var p wirepb.StartRequest
	if err := decode(b, MaxStart, tolerant, &p); err != nil {
		return StartRequest{}, err
	}
	r := reader{message: "StartRequest"}
	m := StartRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation}
	for _, s := range p.Starts {
		m.Starts = append(m.Starts, Start{Task: s.Task, Attempt: s.Attempt, Spec: r.spec("spec", s.Spec), Keep: r.keeping("keep", s.Keep)})
		if r.err != nil {
			break
		}
	}
	if r.err != nil {
		return StartRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m StartResponse) Marshal() []byte {
	p := &wirepb.StartResponse{}
	for _, x := range m.Refused {
		p.Refused = append(p.Refused, &wirepb.Refusal{Task: x.Task, Attempt: x.Attempt, Reason: valid(string(x.Reason)), Message: clean(x.Message, MaxText)})
	}
	return encode(p)
}

// UnmarshalStartResponse decodes what a provider sent.
func UnmarshalStartResponse(b []byte) (StartResponse, error) {
	var p wirepb.StartResponse
	if err := decode(b, MaxStartAnswer, tolerant, &p); err != nil {
		return StartResponse{}, err
	}
	r := reader{message: "StartResponse"}
	var m StartResponse
	for _, x := range p.Refused {
		m.Refused = append(m.Refused, Refusal{
			Task: x.Task, Attempt: x.Attempt, Reason: artel.Reason(r.word("reason", x.Reason)), Message: r.text("message", x.Message, MaxText),
		})
	}
	if r.err != nil {
		return StartResponse{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m CancelRequest) Marshal() []byte {
	p := &wirepb.CancelRequest{Lease: blank(m.Lease[:]), Generation: m.Gen}
	for _, k := range m.Tasks {
		p.Tasks = append(p.Tasks, &wirepb.TaskKey{Task: k.Task, Attempt: k.Attempt})
	}
	return encode(p)
}

// UnmarshalCancelRequest decodes what a renter sent.
func UnmarshalCancelRequest(b []byte) (CancelRequest, error) {
	var p wirepb.CancelRequest
	if err := decode(b, MaxCancel, tolerant, &p); err != nil {
		return CancelRequest{}, err
	}
	r := reader{message: "CancelRequest"}
	m := CancelRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation}
	for _, k := range p.Tasks {
		m.Tasks = append(m.Tasks, TaskKey{k.Task, k.Attempt})
	}
	if r.err != nil {
		return CancelRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m.
func (m WatchRequest) Marshal() []byte {
	return encode(&wirepb.WatchRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, After: m.After, Wait: m.Wait, Done: m.Done})
}

// UnmarshalWatchRequest decodes what a renter sent.
func UnmarshalWatchRequest(b []byte) (WatchRequest, error) {
	var p wirepb.WatchRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return WatchRequest{}, err
	}
	r := reader{message: "WatchRequest"}
	m := WatchRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation, After: p.After, Wait: r.atMost("wait", p.Wait, MaxWait), Done: p.Done}
	if r.err != nil {
		return WatchRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m. Sentences are clipped to MaxText, so that MaxTasks events
// and MaxRunning progresses always fit MaxWatch.
func (m WatchResponse) Marshal() []byte {
	p := &wirepb.WatchResponse{Stopping: valid(string(m.Stopping)), Message: clean(m.Message, MaxText), Due: amountBytes(m.Due)}
	for _, e := range m.Events {
		p.Events = append(p.Events, &wirepb.Event{
			Seq: e.Seq, Task: e.Task, Attempt: e.Attempt, Receipt: receiptPB(e.Receipt),
			Reason: valid(string(e.Reason)), Message: clean(e.Message, MaxText), Segment: segmentPB(e.Segment), Slice: slicePB(e.Slice),
		})
	}
	for _, x := range m.Running {
		p.Running = append(p.Running, &wirepb.Progress{
			Task: x.Task, Attempt: x.Attempt, Phase: valid(x.Phase), Elapsed: x.Elapsed, LogBytes: x.LogBytes,
		})
	}
	return encode(p)
}

// UnmarshalWatchResponse decodes what a provider sent. The events' numbers rise
// by one from the first to the last.
func UnmarshalWatchResponse(b []byte) (WatchResponse, error) {
	var p wirepb.WatchResponse
	if err := decode(b, MaxWatch, tolerant, &p); err != nil {
		return WatchResponse{}, err
	}
	r := reader{message: "WatchResponse"}
	m := WatchResponse{Stopping: artel.Reason(r.word("stopping", p.Stopping)), Message: r.text("message", p.Message, MaxText), Due: r.amount("due", p.Due)}
	for i, e := range p.Events {
		switch {
		case e.Seq == 0:
			r.fail("event", "number 0, they begin at 1")
		case i > 0 && e.Seq != p.Events[i-1].Seq+1:
			r.fail("event", "number %d follows %d; they have no gaps", e.Seq, p.Events[i-1].Seq)
		}
		m.Events = append(m.Events, Event{
			Seq: e.Seq, Task: e.Task, Attempt: e.Attempt, Receipt: r.receipt("receipt", e.Receipt),
			Reason: artel.Reason(r.word("reason", e.Reason)), Message: r.text("message", e.Message, MaxText), Segment: r.segment("segment", e.Segment), Slice: r.slice("slice", e.Slice),
		})
		if r.err != nil {
			return WatchResponse{}, r.err
		}
	}
	for _, x := range p.Running {
		m.Running = append(m.Running, Progress{
			TaskKey: TaskKey{x.Task, x.Attempt}, Phase: r.word("phase", x.Phase), Elapsed: x.Elapsed, LogBytes: x.LogBytes,
		})
	}
	if r.err != nil {
		return WatchResponse{}, r.err
	}
	return m, nil
}

func slicePB(s *artel.Slice) *wirepb.Slice {
	if s == nil {
		return nil
	}
	return &wirepb.Slice{Earned: s.Earned, Idle: s.Idle, Due: amountBytes(s.Due)}
}

func (r *reader) slice(field string, m *wirepb.Slice) *artel.Slice {
	if m == nil {
		return nil
	}
	return &artel.Slice{Earned: m.Earned, Idle: m.Idle, Due: r.amount(field+".due", m.Due)}
}

// Marshal encodes m.
func (m LogsRequest) Marshal() []byte {
	return encode(&wirepb.LogsRequest{Lease: blank(m.Lease[:]), Generation: m.Gen, Task: m.Task, Attempt: m.Attempt, Offset: m.Offset, Max: m.Max})
}

// UnmarshalLogsRequest decodes what a renter sent. A Max of 0 or above
// MaxLogData is taken as MaxLogData by the provider.
func UnmarshalLogsRequest(b []byte) (LogsRequest, error) {
	var p wirepb.LogsRequest
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return LogsRequest{}, err
	}
	r := reader{message: "LogsRequest"}
	m := LogsRequest{Lease: r.hash("lease", p.Lease), Gen: p.Generation, TaskKey: TaskKey{p.Task, p.Attempt}, Offset: p.Offset, Max: p.Max}
	if r.err != nil {
		return LogsRequest{}, r.err
	}
	return m, nil
}

// Marshal encodes m; Data is at most MaxLogData bytes.
func (m LogsResponse) Marshal() []byte {
	return encode(&wirepb.LogsResponse{Data: m.Data, Eof: m.EOF})
}

// UnmarshalLogsResponse decodes what a provider sent. Data is a program's own
// bytes: whoever shows them to a terminal decides what of them is harmless.
func UnmarshalLogsResponse(b []byte) (LogsResponse, error) {
	var p wirepb.LogsResponse
	if err := decode(b, MaxLogChunk, tolerant, &p); err != nil {
		return LogsResponse{}, err
	}
	if len(p.Data) > MaxLogData {
		return LogsResponse{}, artel.Invalid("decode LogsResponse: data: %d bytes, at most %d", len(p.Data), MaxLogData)
	}
	return LogsResponse{Data: p.Data, EOF: p.Eof}, nil
}
