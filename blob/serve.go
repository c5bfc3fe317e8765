package blob

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
)

// ServeOptions is how a node serves.
type ServeOptions struct {
	// Allow says whether the peer may have the root and all below it. Its error
	// is for the log of this node; the peer learns only that it is refused.
	// Without Allow nobody may have anything.
	Allow func(ctx context.Context, peer artel.NodeID, root artel.Ref) error
	// Blocks is the most that a root may have for its membership to be told;
	// 0: as in DefaultLimits. It bounds the memory of one stream to about 60
	// bytes each.
	Blocks int
	// Idle is how long the peer may take for one frame; 0: DefaultIdle.
	Idle time.Duration
}

// Serve answers one client until it closes the stream, and closes it. It
// returns the bytes of the blocks that were sent.
//
// Only blocks that are reachable from a root which Allow has granted are served,
// whatever else the store holds: knowing a ref is not enough. The error is nil
// after an orderly end, and otherwise says what the client did or what broke.
func Serve(ctx context.Context, stream Stream, peer artel.NodeID, s Store, o ServeOptions) (int64, error) {
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	if o.Allow == nil {
		o.Allow = func(context.Context, artel.NodeID, artel.Ref) error { return ErrRefused }
	}
	if o.Blocks == 0 {
		o.Blocks = DefaultLimits().Blocks
	}
	stop := context.AfterFunc(ctx, func() { breakOff(stream) })
	defer stop()
	defer stream.Close()
	v := server{stream: stream, store: s, opts: o, in: bufio.NewReaderSize(stream, 4<<10), out: bufio.NewWriterSize(stream, 64<<10)}
	err := v.serve(ctx, peer)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return v.sent, fmt.Errorf("serve blobs to %s: %w", peer.Short(), err)
	}
	return v.sent, nil
}

type server struct {
	stream Stream
	store  Store
	opts   ServeOptions
	in     *bufio.Reader
	out    *bufio.Writer
	buf    []byte
	sent   int64
	scope  scope
}

func (v *server) serve(ctx context.Context, peer artel.NodeID) error {
	m, err := v.read()
	if err == nil && m.typ != typeHello {
		err = fmt.Errorf("%w: frame 0x%02x before hello", ErrProtocol, m.typ)
	}
	if err != nil {
		return v.refuse(CodeProtocol, err)
	}
	root := m.refs[0]
	if err := v.opts.Allow(ctx, peer, root); err != nil {
		return v.refuse(CodeForbidden, fmt.Errorf("blob %s: %w", root, err))
	}
	v.scope = scope{store: v.store, allowed: map[artel.Ref]struct{}{}, left: v.opts.Blocks}
	v.scope.admit(root)
	if err := v.write(appendFrame(nil, typeWelcome, []byte{min(version, m.version)})); err != nil {
		return err
	}
	for {
		m, err := v.read()
		if err == io.EOF {
			return nil
		}
		if err == nil && m.typ != typeWant {
			err = fmt.Errorf("%w: frame 0x%02x where want is due", ErrProtocol, m.typ)
		}
		if err != nil {
			return v.refuse(CodeProtocol, err)
		}
		if err := v.answer(ctx, m.refs); err != nil {
			return err
		}
	}
}

// answer sends the blocks in order; while one is sent, the next is read and
// its hash compared.
func (v *server) answer(ctx context.Context, refs []artel.Ref) error {
	ctx, cancel := context.WithCancel(ctx)
	var reader sync.WaitGroup
	defer reader.Wait()
	defer cancel()
	ahead := make(chan found)
	reader.Go(func() {
		defer close(ahead)
		for _, ref := range refs {
			select {
			case ahead <- v.find(ctx, ref):
			case <-ctx.Done():
				return
			}
		}
	})
	for f := range ahead {
		if f.err != nil {
			return v.refuse(f.code, f.err)
		}
		if err := v.send(f); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	v.deadline()
	return v.out.Flush()
}

// found is the answer to one ref. With err set it is the last.
type found struct {
	ref  artel.Ref
	data []byte
	held bool
	code Code
	err  error
}

func (v *server) find(ctx context.Context, ref artel.Ref) found {
	ok, err := v.scope.has(ctx, ref)
	switch {
	case err != nil:
		return found{code: CodeInternal, err: err}
	case !ok:
		return found{code: CodeOutside, err: fmt.Errorf("%w: asked for block %s", ErrRefused, ref)}
	}
	data, err := v.store.Get(ctx, ref)
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrMismatch):
		return found{ref: ref}
	case err != nil:
		return found{code: CodeInternal, err: err}
	}
	return found{ref: ref, data: data, held: true}
}

func (v *server) send(f found) error {
	v.deadline()
	if !f.held {
		_, err := v.out.Write(appendFrame(nil, typeAbsent, f.ref.Bytes()))
		return err
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(1+refLen+len(f.data)))
	head = append(append(head, typeBlock), f.ref.Bytes()...)
	if _, err := v.out.Write(head); err != nil {
		return err
	}
	if _, err := v.out.Write(f.data); err != nil {
		return err
	}
	v.sent += int64(len(f.data))
	return nil
}

// refuse tells the peer why, as far as it may know, and returns err.
func (v *server) refuse(code Code, err error) error {
	if errors.Is(err, ErrProtocol) || code != CodeProtocol {
		v.write(refusedFrame(code, "")) // the peer may be gone; err is what counts
	}
	return err
}

func (v *server) read() (message, error) {
	v.stream.SetReadDeadline(time.Now().Add(v.opts.Idle))
	b, err := readFrame(v.in, v.buf, maxToServer)
	v.buf = b
	if err != nil {
		return message{}, err
	}
	return decodeMessage(b)
}

func (v *server) write(frame []byte) error {
	v.deadline()
	if _, err := v.out.Write(frame); err != nil {
		return err
	}
	return v.out.Flush()
}

func (v *server) deadline() { v.stream.SetWriteDeadline(time.Now().Add(v.opts.Idle)) }

// scope knows which refs are below one root. It follows the graph only as far
// as it must to find the ref that is asked for, in the order in which a client
// walks it.
type scope struct {
	store   Store
	allowed map[artel.Ref]struct{}
	todo    []artel.Ref // nodes of the graph that were not read yet
	left    int         // refs that may still be allowed
}

func (c *scope) admit(ref artel.Ref) {
	if _, ok := c.allowed[ref]; ok {
		return
	}
	c.allowed[ref] = struct{}{}
	c.left--
	if ref.Codec() == artel.CodecDagPB {
		c.todo = append(c.todo, ref)
	}
}

func (c *scope) has(ctx context.Context, ref artel.Ref) (bool, error) {
	for {
		if _, ok := c.allowed[ref]; ok {
			return true, nil
		}
		if len(c.todo) == 0 {
			return false, nil
		}
		if c.left < 0 {
			return false, fmt.Errorf("%w: root with too many blocks", ErrLimit)
		}
		at := c.todo[len(c.todo)-1]
		c.todo = c.todo[:len(c.todo)-1]
		b, err := c.store.Get(ctx, at)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrMismatch) {
			continue // what is below a missing node is not served
		}
		if err != nil {
			return false, err
		}
		first := len(c.todo)
		for child, err := range links(at, b) {
			if err != nil {
				return false, err
			}
			c.admit(child)
		}
		slices.Reverse(c.todo[first:])
	}
}
