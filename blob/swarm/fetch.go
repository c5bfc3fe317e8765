package swarm

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// keepBytes is how much the keeper makes durable at once. As much again waits
// in leaves that have arrived.
const keepBytes = 16 << 20

// Options is how one root is fetched. The zero value is good.
type Options struct {
	// Limits bound what the root may bring; zero fields are DefaultLimits'.
	// Files and Depth are Extract's to check.
	Limits blob.Limits
	// Progress, if set, is called from one goroutine after leaves were kept.
	Progress func(blob.Progress)
}

// Fetch brings everything below root into the store, from the nodes named and
// from those that they name, and serves to others what is here meanwhile. It
// asks only for what the store lacks, so calling it again resumes it; if the
// store lacks nothing, no stream is opened. Each block is compared with its ref
// before it is kept. A second Fetch of a root waits for the first.
//
// It returns an error once every node that it knows of has failed for good, or
// nothing has come for twice Config.Idle. Errors are those of blob.Fetch; what
// the peers failed with is in the chain.
func (s *Swarm) Fetch(ctx context.Context, root artel.Ref, from []artel.NodeID, o Options) error {
	if err := s.fetch(ctx, root, from, o); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("fetch blob %s from a swarm: %w", root, err)
	}
	return nil
}

func (s *Swarm) fetch(ctx context.Context, root artel.Ref, from []artel.NodeID, o Options) error {
	if root.IsZero() {
		return fmt.Errorf("%w: the zero ref", artel.ErrRef)
	}
	o.Limits = limits(o.Limits)
	sh, err := s.acquire(root)
	if err != nil {
		return err
	}
	defer s.release(sh)
	if err := sh.lock(ctx); err != nil {
		return err
	}
	defer sh.unlock()
	p := &pull{s: s, share: sh, opts: o, keep: make(chan arrival, keepBytes/blob.LeafSize), changed: make(chan struct{}),
		links: map[artel.NodeID]*link{}, met: map[artel.NodeID]*candidate{}}
	id := s.cfg.Self
	p.rng = rand.New(rand.NewPCG(s.cfg.Seed^binary.BigEndian.Uint64(id[1:]), binary.BigEndian.Uint64(id[25:])))
	for _, peer := range from {
		p.learn(contact{id: peer}, named)
	}
	sh.mu.Lock()
	sh.pull, sh.given = p, nil
	sh.mu.Unlock()
	defer func() {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		sh.pull = nil
	}()
	w, err := p.fetchNodes(ctx)
	if err != nil {
		return err
	}
	if p.bytes, err = s.adopt(ctx, sh, &w.graph, s.cfg.Store.Renew); err != nil {
		return err
	}
	p.bytes += w.inner
	return p.run(ctx, max(w.bytes, p.bytes))
}

// limits fills in the defaults.
func limits(l blob.Limits) blob.Limits {
	d := blob.DefaultLimits()
	or(&l.Bytes, d.Bytes)
	or(&l.Blocks, d.Blocks)
	return l
}

// begin sets up the state of the leaves.
func (p *pull) begin(cancel context.CancelFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.share.mu.Lock()
	defer p.share.mu.Unlock()
	p.graph = p.share.graph
	n := len(p.graph.leaves)
	p.free, p.got, p.flying, p.avail = newSet(n), newSet(n), make([]uint8, n), make([]uint8, n)
	for i := range n {
		if p.share.have.has(i) {
			p.got.add(i)
		} else {
			p.free.add(i)
			p.left++
		}
	}
	p.gain, p.stop = time.Now(), cancel
}

// run pulls the leaves.
func (p *pull) run(ctx context.Context, total int64) error {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	p.begin(cancel)
	done := p.bytes
	if p.left == 0 {
		if p.opts.Progress != nil {
			p.opts.Progress(blob.Progress{Done: done, Total: done})
		}
		return nil
	}
	var links, keeper sync.WaitGroup
	keeper.Go(func() { p.store(ctx, blob.Progress{Done: done, Total: total}) })
	beats := time.NewTicker(beat)
	defer beats.Stop()
	for working.Err() == nil {
		for _, l := range p.due() {
			links.Go(func() { p.ended(l, l.run(working)) })
		}
		select {
		case <-beats.C:
			if err := p.look(); err != nil {
				p.fail(err)
			}
		case <-working.Done():
		}
	}
	links.Wait()
	close(p.keep)
	keeper.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return nil
	}
	if p.err == nil {
		return ctx.Err()
	}
	return p.err
}

// store keeps what arrives, as much at once as has come since the last time,
// and tells of it. What has come is kept even if ctx has ended.
func (p *pull) store(ctx context.Context, progress blob.Progress) {
	ctx = context.WithoutCancel(ctx)
	batch := p.s.cfg.Store.Batch(ctx)
	defer batch.Close()
	for a := range p.keep {
		var kept []int
		var bytes int
		err := batch.Put(ctx, p.graph.leaves[a.leaf], a.data)
		for kept, bytes = append(kept, a.leaf), len(a.data); err == nil && bytes < keepBytes; {
			var more arrival
			var ok bool
			select {
			case more, ok = <-p.keep:
			default:
			}
			if !ok {
				break
			}
			err = batch.Put(ctx, p.graph.leaves[more.leaf], more.data)
			kept, bytes = append(kept, more.leaf), bytes+len(more.data)
		}
		if err == nil {
			err = batch.Commit(ctx)
		}
		if err != nil {
			p.fail(err)
			for range p.keep { // nobody waits for the disk any more
			}
			return
		}
		p.kept(kept, bytes)
		progress.Done, progress.Fetched = progress.Done+int64(bytes), progress.Fetched+int64(bytes)
		progress.Total = max(progress.Total, progress.Done)
		if p.opts.Progress != nil {
			p.opts.Progress(progress)
		}
	}
}

// kept tells the peers of leaves that are durable.
func (p *pull) kept(leaves []int, bytes int) {
	p.share.mu.Lock()
	for _, i := range leaves {
		p.share.have.add(i)
	}
	p.share.usage.Got += int64(bytes)
	p.share.change()
	p.share.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gain = time.Now()
	if p.left -= len(leaves); p.left == 0 {
		p.stop()
	}
}

// fetchNodes brings the inner nodes, which are few, from one peer after the
// other, and returns their graph.
func (p *pull) fetchNodes(ctx context.Context) (*walk, error) {
	s := p.s
	batch := s.cfg.Store.Batch(ctx)
	defer batch.Close()
	w := newWalk(p.share.root, p.opts.Limits)
	for {
		if err := w.local(ctx, s.cfg.Store, s.cfg.Store.Renew); err != nil || w.done() {
			return w, err
		}
		c, wait := p.next()
		if c == nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			return nil, fmt.Errorf("no peer has the nodes%w", p.blame())
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
		before := w.next
		// A silent peer holds up everything here, so it is given little time at
		// first, and more when it is asked again.
		err := p.nodesFrom(ctx, c.contact, min(s.cfg.Idle, s.cfg.Patience<<c.fails), w, batch)
		if cerr := batch.Commit(context.WithoutCancel(ctx)); cerr != nil {
			return nil, cerr
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil {
			continue
		}
		if errors.Is(err, blob.ErrLimit) || errors.Is(err, blob.ErrMalformed) || errors.Is(err, blob.ErrUnsupported) || errors.Is(err, blob.ErrFull) {
			return nil, err // so says the root itself, or the disk
		}
		p.mu.Lock()
		p.failed(c, err, w.next > before)
		p.mu.Unlock()
	}
}

// next chooses the peer to ask for nodes, and how long to wait before.
func (p *pull) next() (best *candidate, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.met {
		if c.final == nil && c.fails < maxFails && (best == nil || c.next.Before(best.next) || c.next.Equal(best.next) && c.rank > best.rank) {
			best = c
		}
	}
	if best != nil {
		wait = max(0, time.Until(best.next))
	}
	return best, wait
}

// nodesFrom continues the walk with what one peer has, which may take patience
// for each frame.
func (p *pull) nodesFrom(ctx context.Context, c contact, patience time.Duration, w *walk, batch blob.Batch) error {
	opening, cancel := context.WithTimeout(ctx, patience)
	stream, err := p.s.cfg.Open(opening, c.id, c.addrs)
	cancel()
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, func() { breakOff(stream) })()
	send := func(b []byte) error {
		stream.SetWriteDeadline(time.Now().Add(patience))
		_, err := stream.Write(b)
		return err
	}
	if err := send(helloFrame(p.share.root, p.s.addrs())); err != nil {
		return err
	}
	in, named := bufio.NewReaderSize(stream, 64<<10), 0
	for asked := -1; !w.done(); { // asked: nodes are due up to here
		stream.SetReadDeadline(time.Now().Add(patience))
		m, err := readMessage(in)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		switch {
		case m.typ == typeRefused:
			return &m.refusal
		case m.typ == typeWelcome && m.version == version && asked < 0:
			asked = 0
		case m.typ == typeHave && asked >= 0:
			continue
		case m.typ == typePeers && asked >= 0 && named < 2*maxPeers:
			named += len(m.peers)
			p.mu.Lock()
			for _, c := range m.peers {
				p.learn(c, hearsay)
			}
			p.mu.Unlock()
			continue
		case m.typ == typeNode && m.number == w.next && m.number < asked:
			ref := w.nodes[w.next]
			if err := blob.Verify(ref, m.data); err != nil {
				p.share.ban(c.id)
				return fmt.Errorf("node %s: %w", ref, err)
			}
			if err := w.expand(m.data); err != nil {
				return err
			}
			if err := batch.Put(ctx, ref, m.data); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: frame 0x%02x out of turn", blob.ErrProtocol, m.typ)
		}
		if w.next < asked || w.done() {
			continue
		}
		count := min(maxNodes, len(w.nodes)-w.next)
		asked = w.next + count
		if err := send(frame(typeNodes, varint(w.next, count))); err != nil {
			return err
		}
	}
	return nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }
