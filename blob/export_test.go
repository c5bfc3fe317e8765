package blob

import (
	"context"
	"io"

	"github.com/artel-network/artel"
)

// LinksPerNode is the width of the layout.
const LinksPerNode = linksPerNode

// Limits of the frames.
const (
	MaxToServer = maxToServer
	MaxToClient = maxToClient
)

// nowhere verifies and keeps nothing.
type nowhere struct{}

func (nowhere) Put(_ context.Context, ref artel.Ref, data []byte) error { return Verify(ref, data) }
func (nowhere) Add(_ context.Context, codec byte, data []byte) (artel.Ref, error) {
	return RefOf(codec, data)
}
func (nowhere) Commit(context.Context) error { return nil }
func (nowhere) Close() error                 { return nil }

// FileRoot builds a file in the layout of the given leaf size and width.
func FileRoot(ctx context.Context, r io.Reader, leaf, width int) (ref artel.Ref, size, total uint64, err error) {
	a := adder{batch: nowhere{}, leaf: leaf, width: width}
	c, err := a.file(ctx, r)
	return c.ref, c.size, c.tsize, err
}

// ShortFile adds a file in the layout of the given leaf size and width.
func ShortFile(ctx context.Context, s Store, r io.Reader, leaf, width int) (artel.Ref, error) {
	a := newAdder(ctx, s)
	a.leaf, a.width = leaf, width
	c, err := a.file(ctx, r)
	if err == nil {
		err = a.batch.Commit(ctx)
	}
	return c.ref, err
}

// Frames of the transfer, for peers that misbehave.
var (
	HelloFrame   = helloFrame
	WantFrame    = wantFrame
	RefusedFrame = refusedFrame
	AppendFrame  = appendFrame
	ReadFrame    = readFrame
)

// Types of frames.
const (
	TypeHello   = typeHello
	TypeWant    = typeWant
	TypeWelcome = typeWelcome
	TypeBlock   = typeBlock
	TypeAbsent  = typeAbsent
	TypeRefused = typeRefused
)

// Recode decodes a node and encodes it again.
func Recode(b []byte) (again []byte, dir bool, size int64, err error) {
	n, err := decodeFS(b)
	return n.encode(), n.dir, n.size, err
}

// Redo decodes a message of the transfer and encodes it again.
func Redo(payload []byte) ([]byte, error) {
	m, err := decodeMessage(payload)
	if err != nil {
		return nil, err
	}
	var body []byte
	switch m.typ {
	case typeHello, typeWelcome:
		body = append(body, m.version)
	case typeRefused:
		body = append(body, byte(m.refusal.Code))
		body = append(body, m.refusal.Text...)
	}
	for _, r := range m.refs {
		body = append(body, r.Bytes()...)
	}
	return appendFrame(nil, m.typ, body, m.data)[4:], nil
}
