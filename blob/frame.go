package blob

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/artel-network/artel"
)

// The transfer protocol, version 1, on a stream of its own. Each side sends
// frames; lengths are big endian and count what follows them:
//
//	frame   = len(4) type(1) body(len-1)
//
//	client → server
//	01 hello    version(1) root(36)      first, once; the newest version spoken
//	02 want     ref(36) × 1..64          as often as it likes
//
//	server → client
//	81 welcome  version(1)               the version that holds, at most the client's
//	82 block    ref(36) bytes(0..2 MiB)  } one of these for each ref wanted,
//	83 absent   ref(36)                  } in the order in which they were wanted
//	84 refused  code(1) text(0..512)     last; instead of any of the above
//
// The client need not wait for welcome before it sends want. It ends the
// exchange by closing the stream. The server handles one want at a time and
// reads the next after answering it, so a client that asks and does not read
// holds one frame of memory, and only until the write deadline.
const (
	version = 1

	typeHello   = 0x01
	typeWant    = 0x02
	typeWelcome = 0x81
	typeBlock   = 0x82
	typeAbsent  = 0x83
	typeRefused = 0x84

	refLen      = 36
	maxWant     = 64
	maxText     = 512
	maxToServer = 1 + maxWant*refLen
	maxToClient = 1 + refLen + MaxBlock
)

// DefaultIdle is how long either side waits for one whole frame. A peer slower
// than a block in that time (17 kB/s) is dropped.
const DefaultIdle = 60 * time.Second

// Errors of a transfer.
var (
	// ErrProtocol says that the peer broke the rules of the transfer.
	ErrProtocol = errors.New("peer broke the transfer protocol")
	// ErrRefused says that the server declined; errors.As finds a *Refusal.
	ErrRefused = errors.New("refused")
)

// Stream is what a transfer runs on: a libp2p stream, a net.Conn. If it has a
// method Reset, that is how a transfer breaks off; else Close.
type Stream interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Code says why a server declined.
type Code byte

// Codes of a Refusal, as on the wire.
const (
	CodeVersion   Code = 1 // no common version
	CodeForbidden Code = 2 // this peer may not have this root
	CodeOutside   Code = 3 // the block is not below the root
	CodeBusy      Code = 4 // try again later
	CodeProtocol  Code = 5 // the client broke the protocol
	CodeInternal  Code = 6 // the server's store is ill
	CodeAbsent    Code = 7 // the root is not here, or not yet (swarm only)
)

func (c Code) String() string {
	switch c {
	case CodeVersion:
		return "no common version; hint: one of the two nodes needs an update"
	case CodeForbidden:
		return "not allowed; hint: inputs are served to the lease's provider, results to the lease's renter"
	case CodeOutside:
		return "block outside the root"
	case CodeBusy:
		return "busy; hint: try again later"
	case CodeProtocol:
		return "protocol broken"
	case CodeInternal:
		return "the peer's store failed"
	case CodeAbsent:
		return "the root is not here; hint: ask another node, or try again later"
	}
	return fmt.Sprintf("code %d", byte(c))
}

// Refusal is the server's last word.
type Refusal struct {
	Code Code
	Text string // the server's; printable, at most 512 bytes
}

func (r *Refusal) Error() string {
	if r.Text == "" {
		return "refused: " + r.Code.String()
	}
	return fmt.Sprintf("refused: %v: %q", r.Code, r.Text)
}

// Is makes every Refusal match ErrRefused.
func (r *Refusal) Is(target error) bool { return target == ErrRefused }

// message is a decoded frame. Which fields are set depends on the type.
type message struct {
	typ     byte
	version byte
	refs    []artel.Ref // want: all; hello, block, absent: one
	data    []byte      // block; a part of the frame
	refusal Refusal
}

func appendFrame(b []byte, typ byte, parts ...[]byte) []byte {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, typ)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func helloFrame(root artel.Ref) []byte {
	return appendFrame(nil, typeHello, []byte{version}, root.Bytes())
}

func wantFrame(refs []artel.Ref) []byte {
	body := make([]byte, 0, len(refs)*refLen)
	for _, r := range refs {
		body = append(body, r.Bytes()...)
	}
	return appendFrame(nil, typeWant, body)
}

func refusedFrame(code Code, text string) []byte {
	return appendFrame(nil, typeRefused, []byte{byte(code)}, []byte(printable(text)))
}

// readFrame reads one frame of at most limit bytes into buf, which grows as
// needed, and returns its payload. io.EOF only between frames.
func readFrame(r io.Reader, buf []byte, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return buf, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > uint32(limit) {
		return buf, fmt.Errorf("%w: frame of %d bytes, at most %d", ErrProtocol, n, limit)
	}
	if cap(buf) < int(n) {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := io.ReadFull(r, buf)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return buf, err
}

// decodeMessage reads the payload of a frame.
func decodeMessage(b []byte) (message, error) {
	m, err := decodeBody(b)
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	return m, nil
}

func decodeBody(b []byte) (message, error) {
	if len(b) == 0 {
		return message{}, errors.New("empty frame")
	}
	m := message{typ: b[0]}
	body := b[1:]
	bad := fmt.Errorf("frame 0x%02x with a body of %d bytes", m.typ, len(body))
	refs := func(b []byte) error {
		for ; len(b) >= refLen; b = b[refLen:] {
			ref, err := artel.RefFromBytes(b[:refLen])
			if err != nil {
				return err
			}
			m.refs = append(m.refs, ref)
		}
		return nil
	}
	switch m.typ {
	case typeHello:
		if len(body) != 1+refLen || body[0] == 0 {
			return m, bad
		}
		m.version = body[0]
		return m, refs(body[1:])
	case typeWant:
		if len(body) == 0 || len(body)%refLen != 0 || len(body) > maxWant*refLen {
			return m, bad
		}
		return m, refs(body)
	case typeWelcome:
		if len(body) != 1 || body[0] == 0 {
			return m, bad
		}
		m.version = body[0]
		return m, nil
	case typeBlock:
		if len(body) < refLen || len(body) > refLen+MaxBlock {
			return m, bad
		}
		m.data = body[refLen:]
		return m, refs(body[:refLen])
	case typeAbsent:
		if len(body) != refLen {
			return m, bad
		}
		return m, refs(body)
	case typeRefused:
		if len(body) < 1 || len(body) > 1+maxText {
			return m, bad
		}
		m.refusal = Refusal{Code(body[0]), printable(string(body[1:]))}
		return m, nil
	}
	return m, fmt.Errorf("unknown frame 0x%02x", m.typ)
}

// printable makes a stranger's text safe for a terminal and a log.
func printable(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "?")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// breakOff ends a stream at once, in both directions.
func breakOff(s Stream) {
	if r, ok := s.(interface{ Reset() error }); ok {
		r.Reset()
		return
	}
	s.Close()
}
