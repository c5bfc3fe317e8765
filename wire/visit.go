package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/wire/wirepb"
)

// ProtocolVisit is the stream on which a renter looks into a running attempt of
// its own: another program beside it, a TCP port of it, its meter. One stream is
// one visit.
//
//	renter                              provider
//	  │ FrameOpen: Visit          ────▶   whose lease? does it run?
//	  │ ◀──── FrameOpened, or FrameError and the end
//	  │ FrameIn, FrameInEnd, FrameResize, FrameSignal ────▶
//	  │ ◀──── FrameOut, FrameErr ... FrameExit (a dial: FrameOut ... FrameOutEnd)
//	  │ ◀──── FrameReading (a usage), once for each FrameIn
//
// A frame is a byte that says what it is, its length in 3 bytes, big-endian, and
// so many bytes, at most MaxVisit. Who closes the stream ends the visit.
const ProtocolVisit = "visit/1"

// ProtocolSteward is the stream on which an account's own node speaks to its steward:
// one HTTP/1.1 connection to the API (docs/spec/wire.md).
const ProtocolSteward = "steward/1"

// Frame says what a frame is.
type Frame uint8

// The frames of a visit.
const (
	FrameOpen    Frame = 1  // Visit
	FrameOpened  Frame = 2  // empty
	FrameError   Frame = 3  // a sentence
	FrameIn      Frame = 4  // bytes for the program's stdin, or for the port
	FrameInEnd   Frame = 5  // no more of them
	FrameOut     Frame = 6  // bytes of its stdout, or of the port
	FrameErr     Frame = 7  // bytes of its stderr
	FrameOutEnd  Frame = 8  // the port sends no more
	FrameResize  Frame = 9  // rows and columns, 2 bytes each, big-endian
	FrameSignal  Frame = 10 // a signal's number, 1 byte
	FrameExit    Frame = 11 // the exit code, 4 bytes, big-endian
	FrameReading Frame = 12 // Reading
)

// Codes of FrameExit for a program that was not started, as shells have them; why comes
// before it, as FrameErr.
const (
	ExitNotExecutable = 126
	ExitNoProgram     = 127
)

// WriteFrame writes one frame with one call of w.Write. len(b) is at most MaxVisit.
func WriteFrame(w io.Writer, f Frame, b []byte) error {
	if len(b) > MaxVisit {
		return fmt.Errorf("write frame %d: %d bytes, at most %d", f, len(b), MaxVisit)
	}
	buf := make([]byte, 4+len(b))
	binary.BigEndian.PutUint32(buf, uint32(f)<<24|uint32(len(b)))
	copy(buf[4:], b)
	_, err := w.Write(buf)
	return err
}

// ReadFrame reads one frame. buf is used where it is long enough; the bytes are
// valid until it is used again. The error is io.EOF between two frames.
func ReadFrame(r io.Reader, buf []byte) (Frame, []byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	h := binary.BigEndian.Uint32(head[:])
	n := int(h & 0xffffff)
	if n > MaxVisit {
		return 0, nil, artel.Invalid("read frame: %d bytes, at most %d", n, MaxVisit)
	}
	if n > len(buf) {
		buf = make([]byte, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	return Frame(h >> 24), buf[:n], nil
}

// VisitBusy is the FrameError of a provider that has no place for the visit now: nothing
// is said of the program.
const VisitBusy = "too many people look in at once"

// Sentence is what a FrameError says, made harmless in a terminal.
func Sentence(b []byte) string { return clean(string(b), MaxText) }

// VisitKind is what a visit is for.
type VisitKind uint32

// The kinds of a visit.
const (
	VisitExec  VisitKind = 1 // run Args
	VisitDial  VisitKind = 2 // connect to Port
	VisitUsage VisitKind = 3 // read the meter
	VisitCheck VisitKind = 4 // as VisitDial, for a service's health: FrameOpened says that it answers, and is paid for
)

// Visit opens a visit to a running attempt.
type Visit struct {
	Lease artel.Hash
	Gen   uint64 // of the controller that speaks; 0: as in the terms
	TaskKey
	Kind       VisitKind
	Args, Env  []string // of VisitExec
	Dir        string
	TTY        bool
	Rows, Cols uint32
	Port       uint32 // of VisitDial, VisitCheck
}

// Check says what is wrong with what a renter asks for.
func (m Visit) Check() error {
	switch {
	case m.Kind < VisitExec || m.Kind > VisitCheck:
		return artel.Invalid("visit of kind %d, want 1 to 4", m.Kind)
	case m.Kind == VisitExec && (len(m.Args) == 0 || m.Args[0] == ""):
		return artel.Invalid("visit names no program to run")
	case (m.Kind == VisitDial || m.Kind == VisitCheck) && (m.Port == 0 || m.Port > math.MaxUint16):
		return artel.Invalid("visit to port %d, want 1 to 65535", m.Port)
	case m.Rows > math.MaxUint16 || m.Cols > math.MaxUint16:
		return artel.Invalid("visit with a terminal of %d rows and %d columns", m.Rows, m.Cols)
	}
	return nil
}

// Marshal encodes m.
func (m Visit) Marshal() []byte {
	return encode(&wirepb.Visit{
		Lease: blank(m.Lease[:]), Generation: m.Gen, Task: m.Task, Attempt: m.Attempt, Kind: uint32(m.Kind), Args: byteList(m.Args), Env: byteList(m.Env),
		Dir: []byte(m.Dir), Tty: m.TTY, Rows: m.Rows, Cols: m.Cols, Port: m.Port,
	})
}

// UnmarshalVisit decodes what a renter sent.
func UnmarshalVisit(b []byte) (Visit, error) {
	var p wirepb.Visit
	if err := decode(b, MaxVisit, tolerant, &p); err != nil {
		return Visit{}, err
	}
	r := reader{message: "Visit"}
	m := Visit{
		Lease: r.hash("lease", p.Lease), Gen: p.Generation, TaskKey: TaskKey{p.Task, p.Attempt}, Kind: VisitKind(p.Kind),
		Args: stringList(p.Args), Env: stringList(p.Env), Dir: string(p.Dir), TTY: p.Tty,
		Rows: p.Rows, Cols: p.Cols, Port: p.Port,
	}
	n := len(m.Dir)
	for _, s := range append(m.Args, m.Env...) {
		n += len(s)
	}
	if n > maxArgsBytes {
		r.fail("args", "arguments and variables of %d bytes, at most %d", n, maxArgsBytes)
	}
	if r.err != nil {
		return Visit{}, r.err
	}
	return m, nil
}

// Reading is what an attempt has used so far, by its provider's meter.
type Reading struct {
	CPU, Wall   uint64 // milliseconds
	Memory      uint64 // bytes now
	Processes   uint64
	Output, Log uint64 // bytes
	Sent, Got   uint64 // bytes, by the network that the task asked for
}

// Marshal encodes m.
func (m Reading) Marshal() []byte {
	return encode(&wirepb.Reading{
		Cpu: m.CPU, Wall: m.Wall, Memory: m.Memory, Processes: m.Processes, Output: m.Output, Log: m.Log, Sent: m.Sent, Got: m.Got,
	})
}

// UnmarshalReading decodes what a provider sent.
func UnmarshalReading(b []byte) (Reading, error) {
	var p wirepb.Reading
	if err := decode(b, MaxSmall, tolerant, &p); err != nil {
		return Reading{}, err
	}
	return Reading{
		CPU: p.Cpu, Wall: p.Wall, Memory: p.Memory, Processes: p.Processes, Output: p.Output, Log: p.Log, Sent: p.Sent, Got: p.Got,
	}, nil
}
