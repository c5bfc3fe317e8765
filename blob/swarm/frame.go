package swarm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// The swarm protocol, version 1. Each stream has one side that asks and one
// that answers; two nodes that want each other's leaves have two streams.
// Lengths are big endian, n is a varint as short as can be, an id is a node's 33
// bytes, and a contact is id count(1) {len(1) address}×count.
//
//	frame   = len(4) type(1) body(len-1)
//
//	asks
//	01 hello     version(1) root(36) count(1) {len(1) address}×0..8   first, once
//	02 nodes     n(first) n(count)       inner nodes of the graph, by number
//	03 want      n(leaf) × 1..64         leaves, by number
//	04 insist    n(leaf) id              a leaf that id, to which an elsewhere led, did not serve
//	05 alive                             nothing to ask for now, but here
//
//	answers
//	81 welcome   version(1)
//	82 node      n(number) bytes         } for each node that was asked for, in order
//	83 leaf      n(number) bytes         } one of these for each leaf
//	84 elsewhere n(leaf) id              } that was asked for, in the order
//	85 absent    n(leaf)                 } in which they were asked for
//	86 have      {n(gap) n(count)} × 1..2048   at any time: leaves that are here now
//	87 peers     contact × 1..32         at any time: others that pull or hold the root
//	88 refused   code(1) text(0..512)    last
//
// Nodes are numbered breadth first from the root, 0; leaves, the distinct raw
// blocks, in the order in which those nodes name them first. So both sides know
// every number's ref, and the bytes are compared with it. A gap of have counts
// from the end of the run before.
const (
	version = 1

	typeHello     = 0x01
	typeNodes     = 0x02
	typeWant      = 0x03
	typeInsist    = 0x04
	typeAlive     = 0x05
	typeWelcome   = 0x81
	typeNode      = 0x82
	typeLeaf      = 0x83
	typeElsewhere = 0x84
	typeAbsent    = 0x85
	typeHave      = 0x86
	typePeers     = 0x87
	typeRefused   = 0x88

	refLen   = 36
	idLen    = 33
	maxAddrs = 8
	maxAddr  = 255
	maxNodes = 256 // of one nodes frame
	maxWant  = 64
	maxRuns  = 2048
	maxPeers = 32
	maxText  = 512
	// maxNumber is above any leaf's number, and far from overflow.
	maxNumber = 1 << 30
	maxVarint = 5 // of maxNumber
)

// maxBody is the most that the body of a frame may hold; -1 for an unknown type.
func maxBody(typ byte) int {
	switch typ {
	case typeHello:
		return 1 + refLen + 1 + maxAddrs*(1+maxAddr)
	case typeNodes:
		return 2 * maxVarint
	case typeWant:
		return maxWant * maxVarint
	case typeInsist, typeElsewhere:
		return maxVarint + idLen
	case typeAlive:
		return 0
	case typeWelcome:
		return 1
	case typeNode, typeLeaf:
		return maxVarint + blob.MaxBlock
	case typeAbsent:
		return maxVarint
	case typeHave:
		return maxRuns * 2 * maxVarint
	case typePeers:
		return maxPeers * (idLen + 1 + maxAddrs*(1+maxAddr))
	case typeRefused:
		return 1 + maxText
	}
	return -1
}

// contact is a node and where its word has it that it can be dialled.
type contact struct {
	id    artel.NodeID
	addrs []string
}

// message is a decoded frame. Which fields are set depends on the type.
type message struct {
	typ     byte
	version byte
	root    artel.Ref
	number  int   // nodes: the first; insist, node, leaf, elsewhere, absent
	count   int   // nodes
	wants   []int // want
	runs    []run // have
	id      artel.NodeID
	addrs   []string  // hello
	peers   []contact // peers
	data    []byte    // node, leaf; a part of the frame
	refusal blob.Refusal
}

func frame(typ byte, parts ...[]byte) []byte {
	n := 1
	for _, p := range parts {
		n += len(p)
	}
	b := make([]byte, 0, 4+n)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, typ)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func varint(ns ...int) []byte {
	var b []byte
	for _, n := range ns {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

func appendAddrs(b []byte, addrs []string) []byte {
	at := len(b)
	b = append(b, 0)
	for _, a := range addrs {
		if len(a) == 0 || len(a) > maxAddr || b[at] == maxAddrs {
			continue
		}
		b[at]++
		b = append(b, byte(len(a)))
		b = append(b, a...)
	}
	return b
}

func helloFrame(root artel.Ref, addrs []string) []byte {
	return frame(typeHello, []byte{version}, root.Bytes(), appendAddrs(nil, addrs))
}

func haveFrame(runs []run) []byte {
	var body []byte
	end := 0
	for _, r := range runs {
		body = append(body, varint(r.first-end, r.count)...)
		end = r.first + r.count
	}
	return frame(typeHave, body)
}

func peersFrame(peers []contact) []byte {
	var body []byte
	for _, p := range peers {
		body = appendAddrs(append(body, p.id[:]...), p.addrs)
	}
	return frame(typePeers, body)
}

func refusedFrame(code blob.Code) []byte { return frame(typeRefused, []byte{byte(code)}) }

// readMessage reads one frame, whose bytes are new memory. io.EOF only between
// frames; blob.ErrProtocol for a frame that is none.
func readMessage(r *bufio.Reader) (message, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return message{}, err
	}
	n, most := binary.BigEndian.Uint32(head[:]), maxBody(head[4])
	if n == 0 || most < 0 || n-1 > uint32(most) {
		return message{}, fmt.Errorf("%w: frame 0x%02x of %d bytes", blob.ErrProtocol, head[4], n)
	}
	body := make([]byte, n-1)
	if _, err := io.ReadFull(r, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return message{}, err
	}
	return decode(head[4], body)
}

// decode reads the body of a frame.
func decode(typ byte, body []byte) (message, error) {
	r := reader{b: body}
	m := message{typ: typ}
	switch typ {
	case typeHello:
		m.version = r.byte()
		m.root = r.ref()
		m.addrs = r.addrs()
		if m.version == 0 {
			r.fail("version 0")
		}
	case typeNodes:
		m.number, m.count = r.number(), r.number()
		if m.count < 1 || m.count > maxNodes {
			r.fail("a count out of range")
		}
	case typeWant:
		for r.more() && len(m.wants) <= maxWant {
			m.wants = append(m.wants, r.number())
		}
		if len(m.wants) < 1 || len(m.wants) > maxWant {
			r.fail("a count out of range")
		}
	case typeInsist, typeElsewhere:
		m.number, m.id = r.number(), r.id()
	case typeAlive:
	case typeWelcome:
		if m.version = r.byte(); m.version == 0 {
			r.fail("version 0")
		}
	case typeNode, typeLeaf:
		m.number = r.number()
		m.data, r.b = r.b, nil
		if len(m.data) > blob.MaxBlock {
			r.fail("a block too big")
		}
	case typeAbsent:
		m.number = r.number()
	case typeHave:
		m.runs = r.runs()
	case typePeers:
		for r.more() && len(m.peers) <= maxPeers {
			m.peers = append(m.peers, contact{r.id(), r.addrs()})
		}
		if len(m.peers) < 1 || len(m.peers) > maxPeers {
			r.fail("a count out of range")
		}
	case typeRefused:
		m.refusal.Code = blob.Code(r.byte())
		if len(r.b) > maxText {
			r.fail("a text too long")
		}
		m.refusal.Text, r.b = printable(string(r.b)), nil
	default:
		r.fail("an unknown type")
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("bytes left over")
	}
	if r.err != nil {
		return message{}, fmt.Errorf("%w: frame 0x%02x: %w", blob.ErrProtocol, typ, r.err)
	}
	return m, nil
}

// reader takes fields from b. After the first error every method returns zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = errors.New(what)
	}
	r.b = nil
}

func (r *reader) more() bool { return len(r.b) > 0 }

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.fail("too short")
		return make([]byte, n) // n is at most 255
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte { return r.take(1)[0] }

func (r *reader) number() int {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > maxNumber || n > 1 && r.b[n-1] == 0 {
		r.fail("a bad varint")
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *reader) ref() artel.Ref {
	b := r.take(refLen)
	if r.err != nil {
		return artel.Ref{}
	}
	ref, err := artel.RefFromBytes(b)
	if err != nil {
		r.fail(err.Error())
	}
	return ref
}

// id does not check that it is a point of the curve: dialling does.
func (r *reader) id() artel.NodeID { return artel.NodeID(r.take(idLen)) }

func (r *reader) addrs() []string {
	n := int(r.byte())
	if n > maxAddrs {
		r.fail("too many addresses")
	}
	var out []string
	for ; n > 0 && r.err == nil; n-- {
		a := string(r.take(int(r.byte())))
		if a == "" || printable(a) != a {
			r.fail("a bad address")
		}
		out = append(out, a)
	}
	return out
}

func (r *reader) runs() []run {
	var out []run
	for end := 0; r.more(); {
		gap, count := r.number(), r.number()
		if r.err != nil {
			return nil
		}
		if count == 0 || len(out) == maxRuns || len(out) > 0 && gap == 0 || end+gap+count > maxNumber {
			r.fail("a bad run")
			return nil
		}
		out = append(out, run{end + gap, count})
		end += gap + count
	}
	if len(out) == 0 {
		r.fail("no runs")
	}
	return out
}

// printable makes a stranger's text safe for a terminal and a log.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}
