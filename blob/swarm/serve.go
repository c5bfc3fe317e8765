package swarm

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
	"github.com/artel-network/artel/blob"
)

// Serve answers one puller until it closes the stream, and closes it. Only what
// is below a root that Config.Allow has granted is served. The error is nil
// after an orderly end, and otherwise says what the peer did or what broke.
func (s *Swarm) Serve(ctx context.Context, stream blob.Stream, peer artel.NodeID) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { breakOff(stream) })
	defer stream.Close()
	defer stop() // before cancel, or an orderly end would be none
	v := &server{s: s, stream: stream, peer: peer, turn: make(chan struct{}, 1), in: bufio.NewReaderSize(stream, 4<<10), out: bufio.NewWriterSize(stream, 64<<10)}
	err := v.serve(ctx)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("serve swarm to %s: %w", peer.Short(), err)
	}
	return nil
}

type server struct {
	s      *Swarm
	stream blob.Stream
	peer   artel.NodeID
	in     *bufio.Reader
	share  *share
	member *member
	asked  int // nodes and leaves

	turn chan struct{} // holds one token while a frame is written
	out  *bufio.Writer
}

func (v *server) serve(ctx context.Context) error {
	if err := v.s.enter(v.peer); err != nil {
		return v.refuse(blob.CodeBusy, err)
	}
	defer v.s.leave(v.peer)
	m, err := v.read()
	if err == nil && m.typ != typeHello {
		err = fmt.Errorf("%w: frame 0x%02x before hello", blob.ErrProtocol, m.typ)
	}
	if err != nil {
		return v.refuse(blob.CodeProtocol, err)
	}
	if err := v.s.cfg.Allow(ctx, v.peer, m.root); err != nil {
		return v.refuse(blob.CodeForbidden, fmt.Errorf("blob %s: %w", m.root, err))
	}
	if v.share, err = v.s.acquire(m.root); err != nil {
		return v.refuse(blob.CodeBusy, err)
	}
	defer v.s.release(v.share)
	if v.share.outcast(v.peer) {
		return v.refuse(blob.CodeForbidden, fmt.Errorf("blob %s: it sent wrong bytes of it", m.root))
	}
	// Who pulls from here will have something: perhaps what this node lacks.
	v.share.meet(v.peer, m.addrs)
	if err := v.s.load(ctx, v.share); err != nil {
		return v.refuse(codeOf(err), fmt.Errorf("blob %s: %w", m.root, err))
	}
	v.member = v.share.join(v.peer, m.addrs)
	defer v.share.part(v.member)
	if err := v.write(frame(typeWelcome, []byte{min(version, m.version)})); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var teller sync.WaitGroup
	defer teller.Wait()
	defer cancel()
	teller.Go(func() { v.tell(ctx) })
	for {
		m, err := v.read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return v.refuse(blob.CodeProtocol, err)
		}
		if err := v.answer(ctx, m); err != nil {
			return err
		}
	}
}

func codeOf(err error) blob.Code {
	switch {
	case absent(err):
		return blob.CodeAbsent
	case errors.Is(err, errBusy), errors.Is(err, context.Canceled):
		return blob.CodeBusy
	}
	return blob.CodeInternal
}

// tell sends news of leaves and of members until ctx ends or the stream breaks,
// which the reader of the stream will notice.
func (v *server) tell(ctx context.Context) {
	sh := v.share
	told, met := newSet(len(sh.graph.leaves)), map[artel.NodeID]struct{}{}
	for {
		sh.mu.Lock()
		runs, changed := sh.have.news(told, maxRuns), sh.changed
		var peers []contact
		if len(met) < 2*maxPeers {
			peers = sh.others(v.peer, met, maxPeers)
		}
		sh.mu.Unlock()
		var err error
		if len(peers) > 0 {
			err = v.write(peersFrame(peers))
		}
		if len(runs) > 0 && err == nil {
			err = v.write(haveFrame(runs))
		}
		if err != nil {
			return
		}
		if len(runs) == maxRuns || len(peers) == maxPeers {
			continue // there may be more
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

func (v *server) answer(ctx context.Context, m message) error {
	g := v.share.graph
	// Nobody needs anything as often as that; failing peers and lost leaves have
	// their share in it.
	if v.asked += m.count + len(m.wants) + 1; v.asked > 64+8*g.blocks() && m.typ != typeAlive {
		return v.refuse(blob.CodeProtocol, fmt.Errorf("%w: %d wishes for %d blocks", blob.ErrProtocol, v.asked, g.blocks()))
	}
	switch m.typ {
	case typeAlive:
		v.asked--
		return nil
	case typeNodes:
		return v.nodes(ctx, m.number, m.count)
	case typeWant:
		for _, i := range m.wants {
			if err := v.leaf(ctx, i, false, artel.NodeID{}); err != nil {
				return err
			}
		}
		return nil
	case typeInsist:
		return v.leaf(ctx, m.number, true, m.id)
	}
	return v.refuse(blob.CodeProtocol, fmt.Errorf("%w: frame 0x%02x where a wish is due", blob.ErrProtocol, m.typ))
}

func (v *server) nodes(ctx context.Context, first, count int) error {
	refs := v.share.graph.nodes
	if first+count > len(refs) {
		return v.refuse(blob.CodeOutside, fmt.Errorf("%w: node %d of %d", blob.ErrProtocol, first+count-1, len(refs)))
	}
	for i := first; i < first+count; i++ {
		b, err := v.s.cfg.Store.Get(ctx, refs[i])
		if err != nil {
			return v.refuse(codeOf(err), err)
		}
		if err := v.block(typeNode, i, b); err != nil {
			return err
		}
	}
	return nil
}

func (v *server) leaf(ctx context.Context, i int, insist bool, unserved artel.NodeID) error {
	refs := v.share.graph.leaves
	if i >= len(refs) {
		return v.refuse(blob.CodeOutside, fmt.Errorf("%w: leaf %d of %d", blob.ErrProtocol, i, len(refs)))
	}
	// Judged now and not when the wish came: a slow peer is given one leaf at a
	// time, however many it wants.
	what, holder := v.share.judge(i, v.member, insist, unserved)
	switch what {
	case lead:
		return v.write(frame(typeElsewhere, varint(i), holder[:]))
	case lack:
		return v.write(frame(typeAbsent, varint(i)))
	}
	b, err := v.s.cfg.Store.Get(ctx, refs[i])
	if absent(err) {
		v.share.lost(i)
		return v.write(frame(typeAbsent, varint(i)))
	}
	if err != nil {
		return v.refuse(blob.CodeInternal, err)
	}
	return v.block(typeLeaf, i, b)
}

// block sends a node or a leaf.
func (v *server) block(typ byte, i int, b []byte) error {
	if err := v.send(typ, i, b); err != nil {
		return err
	}
	if typ == typeLeaf {
		v.share.moves(v.member, i)
	}
	v.share.mu.Lock()
	defer v.share.mu.Unlock()
	v.share.usage.Sent += int64(len(b))
	return nil
}

func (v *server) send(typ byte, i int, b []byte) error {
	number := varint(i)
	head := binary.BigEndian.AppendUint32(nil, uint32(1+len(number)+len(b)))
	head = append(append(head, typ), number...)
	v.turn <- struct{}{}
	defer func() { <-v.turn }()
	v.stream.SetWriteDeadline(time.Now().Add(v.s.cfg.Idle))
	if _, err := v.out.Write(head); err != nil {
		return err
	}
	for part := range slices.Chunk(b, 64<<10) {
		if typ == typeLeaf {
			v.share.moves(v.member, i)
		}
		if _, err := v.out.Write(part); err != nil {
			return err
		}
	}
	return v.out.Flush()
}

// refuse tells the peer why, as far as it may know, and returns err.
func (v *server) refuse(code blob.Code, err error) error {
	if errors.Is(err, blob.ErrProtocol) || code != blob.CodeProtocol {
		v.write(refusedFrame(code)) // the peer may be gone; err is what counts
	}
	return err
}

func (v *server) read() (message, error) {
	v.stream.SetReadDeadline(time.Now().Add(v.s.cfg.Idle))
	return readMessage(v.in)
}

// write sends one frame.
func (v *server) write(b []byte) error {
	v.turn <- struct{}{}
	defer func() { <-v.turn }()
	v.stream.SetWriteDeadline(time.Now().Add(v.s.cfg.Idle))
	if _, err := v.out.Write(b); err != nil {
		return err
	}
	return v.out.Flush()
}
