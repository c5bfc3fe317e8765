package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// line is one line of a stream.
type line struct {
	Item  json.RawMessage `json:"item,omitempty"`
	Error *Error          `json:"error,omitempty"`
	End   bool            `json:"end,omitempty"`
}

// maxLine is the longest line a client reads: a log chunk in base64 with room.
const maxLine = 2 << 20

// streamWriter writes a stream and flushes each line: a person waits for it.
type streamWriter struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func newStreamWriter(w http.ResponseWriter) streamWriter {
	w.Header().Set("Content-Type", typeStream)
	w.WriteHeader(http.StatusOK)
	s := streamWriter{w, http.NewResponseController(w)}
	s.c.Flush() // the client knows that it was let in
	return s
}

func (s streamWriter) line(l line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if _, err := s.w.Write(append(b, '\n')); err != nil {
		return err
	}
	return s.c.Flush()
}

func (s streamWriter) item(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.line(line{Item: b})
}

// finish writes how the stream ended.
func (s streamWriter) finish(err error) {
	if err != nil {
		s.line(line{Error: AsError(err)})
		return
	}
	s.line(line{End: true})
}

// readStream hands each item of a stream to emit. A stream without an end is
// torn.
func readStream[T any](r io.Reader, emit func(T) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 64<<10), maxLine)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			return Errorf(CodeTorn, "read stream: %v", err)
		}
		switch {
		case l.Error != nil:
			return l.Error
		case l.End:
			return nil
		case l.Item == nil:
			continue
		}
		var v T
		if err := json.Unmarshal(l.Item, &v); err != nil {
			return Errorf(CodeIncompatible, "read stream: %v", err)
		}
		if err := emit(v); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return Errorf(CodeTorn, "read stream: %v", err)
	}
	return Errorf(CodeTorn, "the stream stopped before its end").WithHint("is the daemon still there? `artel doctor`")
}
