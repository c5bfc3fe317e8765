package wasm

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/wasm/internal/confine"
)

// What the box and a worker say to each other, over the worker's stdin and stdout:
//
//	box → worker                        worker → box
//	config   once, after the start
//	                                    ready    confined (JSON of ready), waiting
//	task     JSON of task
//	                                    need     the program is not at hand
//	program  its bytes, in pieces
//	end      that was all of it
//	                                    started  the program's first instruction is next
//	                                    log      bytes of its log, any number of times
//	                                    done     JSON of outcome; then waiting again
//
// A frame is its kind (1 byte), its length (4 bytes, big endian), its bytes. The worker
// is not trusted: it has run strangers' code. The box bounds every length, accepts each
// kind only where it belongs, and kills the worker that says anything else.
type frameKind byte

const (
	frameConfig  frameKind = 'C'
	frameReady   frameKind = 'R'
	frameTask    frameKind = 'T'
	frameNeed    frameKind = 'N'
	frameProgram frameKind = 'P'
	frameEnd     frameKind = 'E'
	frameStarted frameKind = 'S'
	frameLog     frameKind = 'L'
	frameDone    frameKind = 'D'
)

// maxFrame bounds a frame. A task holds at most sandbox.MaxArgBytes of arguments, which
// JSON may escape to six times that.
const maxFrame = 1 << 20

const frameHeader = 5

// config is what a worker learns before its first task.
type config struct {
	Cache string // compile cache directory
	Root  string // the directories of all tasks are below it
	// MaxMemory is the most linear memory any task may ask for.
	MaxMemory int64
	// Interpret is Options.Interpret.
	Interpret bool
	// Keep is how many compiled programs stay in memory.
	Keep int
}

// ready is what a worker says of itself once it waits for tasks.
type ready struct {
	Applied   confine.Applied
	CPUMillis int64
}

// task is one attempt as the worker sees it.
type task struct {
	Key                 string
	Args                []string
	Env                 []string // k=v, sorted by name
	In, Out, Checkpoint string
	Limits              sandbox.Limits
	Seed                [32]byte
	Start               int64
}

// outcome is how the program ended, as far as the worker can tell.
type outcome struct {
	Code                     int32
	Reason                   sandbox.Reason
	Message                  string
	Memory                   int64
	OutputBytes, OutputFiles int64
	LogBytes                 int64
	CPUMillis                int64
}

// putFrame writes one frame with a single Write.
func putFrame(w io.Writer, kind frameKind, b []byte) error {
	if len(b) > maxFrame {
		return fmt.Errorf("frame %c of %d bytes: at most %d", kind, len(b), maxFrame)
	}
	buf := make([]byte, frameHeader+len(b))
	buf[0] = byte(kind)
	binary.BigEndian.PutUint32(buf[1:], uint32(len(b)))
	copy(buf[frameHeader:], b)
	_, err := w.Write(buf)
	return err
}

func putJSON(w io.Writer, kind frameKind, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return putFrame(w, kind, b)
}

// getFrame reads one frame. The bytes are valid until the next call with the same buf.
func getFrame(r io.Reader, buf *[]byte) (frameKind, []byte, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("frame %q of %d bytes: at most %d", head[0], n, maxFrame)
	}
	if uint32(cap(*buf)) < n {
		*buf = make([]byte, n)
	}
	b := (*buf)[:n]
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, fmt.Errorf("frame %q: %w", head[0], err)
	}
	return frameKind(head[0]), b, nil
}
