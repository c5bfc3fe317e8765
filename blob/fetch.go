package blob

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
)

// FetchOptions is how a node fetches. The zero value is good.
type FetchOptions struct {
	// Limits bound what the root may bring: Bytes counts each block once, and
	// the declared length of a file; Blocks counts links. Files and Depth are
	// Extract's to check.
	Limits Limits
	// Window is how many blocks may be asked for and not yet here; 0: 32, which
	// at 1 MiB each fills 250 MB/s over 100 ms. At most 64.
	Window int
	// Idle is how long the peer may take for one frame; 0: DefaultIdle.
	Idle time.Duration
	// Progress, if set, is called after each block, by the goroutine of Fetch.
	Progress func(Progress)
}

// Progress is how far a fetch has come, in bytes.
type Progress struct {
	Done    int64 // held now, what was here before included
	Total   int64 // as the root declares it; a peer's word, and shared blocks count twice
	Fetched int64 // that came over streams
}

// Fetch brings everything below root into the store, over streams from open to
// a node that runs Serve. It asks only for what the store lacks, so calling it
// again resumes it; if the store lacks nothing, no stream is opened. Each block
// is compared with its ref before it is kept. When a stream breaks after it
// brought something, the next is opened; else Fetch returns the error.
//
// Errors: a *Refusal (ErrRefused), ErrNotFound if the peer lacks a block,
// ErrLimit, ErrFull, ErrMismatch and ErrProtocol for a peer that lies,
// ErrMalformed and ErrUnsupported for what its nodes say, what open and the
// stream return.
func Fetch(ctx context.Context, open func(context.Context) (Stream, error), s Store, root artel.Ref, o FetchOptions) error {
	if root.IsZero() {
		return fmt.Errorf("fetch blob: %w: the zero ref", artel.ErrRef)
	}
	o.Limits = o.Limits.orDefault()
	if o.Window <= 0 {
		o.Window = 32
	}
	o.Window = min(o.Window, maxWant)
	if o.Idle == 0 {
		o.Idle = DefaultIdle
	}
	var fetched, reported int64
	for {
		f := fetcher{store: s, opts: o, seen: map[artel.Ref]struct{}{}, todo: []artel.Ref{root}, reported: reported}
		// What is here is renewed, or a GC that marked before this root's nodes
		// came would delete a leaf that an older root brought.
		f.look = s.Renew
		f.progress.Fetched = fetched
		err := f.run(ctx, open, root)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		var broken *brokenStream
		if !errors.As(err, &broken) || f.progress.Fetched == fetched || ctx.Err() != nil {
			return fmt.Errorf("fetch blob %s: %w", root, err)
		}
		fetched, reported = f.progress.Fetched, f.reported
	}
}

// brokenStream is an error of the stream itself: another stream may do better.
type brokenStream struct{ err error }

func (b *brokenStream) Error() string { return "stream broke: " + b.err.Error() }
func (b *brokenStream) Unwrap() error { return b.err }

// fetcher walks the graph from the root, leftmost first, in one goroutine.
type fetcher struct {
	store    Store
	opts     FetchOptions
	progress Progress
	reported int64 // the most that Progress.Done was, over all streams

	look   func(context.Context, artel.Ref) (int64, error) // Store.Renew or Store.Size
	seen   map[artel.Ref]struct{}                          // visited: held, or asked for
	todo   []artel.Ref                                     // to visit, the next one last
	queue  []artel.Ref                                     // asked for, oldest first
	linked int                                             // links followed

	batch   Batch
	pending int // bytes in batch
	blocks  int // blocks in batch
}

func (f *fetcher) run(ctx context.Context, open func(context.Context) (Stream, error), root artel.Ref) error {
	f.batch = f.store.Batch(ctx)
	defer f.batch.Close()
	want, err := f.advance(ctx)
	if err != nil || len(want) == 0 {
		return err
	}
	stream, err := open(ctx)
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { breakOff(stream) })
	defer stop()
	err = f.exchange(ctx, stream, root, want)
	// What has come is kept for the next try, even if ctx has ended.
	if cerr := f.batch.Commit(context.WithoutCancel(ctx)); cerr != nil {
		return cerr
	}
	return err
}

// exchange asks for blocks until none is missing. Wants are written by a
// goroutine of their own: the peer may be writing blocks and not reading.
func (f *fetcher) exchange(ctx context.Context, stream Stream, root artel.Ref, want []artel.Ref) (err error) {
	out := make(chan []byte, maxWant+1) // no more than the window is ever queued
	var writer sync.WaitGroup
	defer writer.Wait()
	defer func() {
		close(out)
		if err != nil {
			breakOff(stream)
		} else {
			stream.Close()
		}
	}()
	writer.Go(func() {
		for frame := range out {
			stream.SetWriteDeadline(time.Now().Add(f.opts.Idle))
			if _, err := stream.Write(frame); err != nil {
				for range out { // the reader sees the stream's end, or its deadline
				}
				return
			}
		}
	})
	out <- helloFrame(root)
	out <- wantFrame(want)
	in := bufio.NewReaderSize(stream, 64<<10)
	var buf []byte
	for welcomed := false; len(f.queue) > 0; {
		stream.SetReadDeadline(time.Now().Add(f.opts.Idle))
		var m message
		if m, buf, err = receive(in, buf); err != nil {
			return err
		}
		switch {
		case m.typ == typeRefused:
			return &m.refusal
		case m.typ == typeWelcome && !welcomed:
			if m.version != version {
				return fmt.Errorf("%w: version %d was not offered", ErrProtocol, m.version)
			}
			welcomed = true
			continue
		case !welcomed || (m.typ != typeBlock && m.typ != typeAbsent):
			return fmt.Errorf("%w: frame 0x%02x out of turn", ErrProtocol, m.typ)
		case m.refs[0] != f.queue[0]:
			return fmt.Errorf("%w: %s came where %s is due", ErrProtocol, m.refs[0], f.queue[0])
		case m.typ == typeAbsent:
			return fmt.Errorf("block %s: %w at the peer; hint: ask another node that has it", m.refs[0], ErrNotFound)
		}
		f.queue = f.queue[1:]
		if err := f.keep(ctx, m.refs[0], m.data); err != nil {
			return err
		}
		if len(f.queue) > f.opts.Window/2 {
			continue // ask for many at once
		}
		want, err := f.advance(ctx)
		if err != nil {
			return err
		}
		if len(want) > 0 {
			out <- wantFrame(want)
		}
	}
	return nil
}

func receive(in io.Reader, buf []byte) (message, []byte, error) {
	buf, err := readFrame(in, buf, maxToClient)
	if err != nil {
		if !errors.Is(err, ErrProtocol) {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			err = &brokenStream{err}
		}
		return message{}, buf, err
	}
	m, err := decodeMessage(buf)
	return m, buf, err
}

// keep verifies a block that arrived and puts it into the batch. Put compares
// the hash; a node has to be sound before it is followed, and a node that makes
// no sense is not worth the room, so it is compared here as well.
func (f *fetcher) keep(ctx context.Context, ref artel.Ref, data []byte) error {
	if ref.Codec() == artel.CodecDagPB {
		if err := Verify(ref, data); err != nil {
			return fmt.Errorf("block %s from the peer: %w", ref, err)
		}
	}
	if err := f.expand(ref, data, int64(len(data))); err != nil {
		return err
	}
	if err := f.batch.Put(ctx, ref, data); err != nil {
		return err
	}
	f.progress.Fetched += int64(len(data))
	f.report()
	f.pending, f.blocks = f.pending+len(data), f.blocks+1
	if f.pending >= groupBytes || f.blocks >= groupBlocks {
		f.pending, f.blocks = 0, 0
		return f.batch.Commit(ctx)
	}
	return nil
}

// advance visits the graph until the window is full or nothing is left, and
// returns the refs to ask for, which it has put into the queue.
func (f *fetcher) advance(ctx context.Context) ([]artel.Ref, error) {
	var want []artel.Ref
	for len(f.queue) < f.opts.Window && len(f.todo) > 0 {
		ref := f.todo[len(f.todo)-1]
		f.todo = f.todo[:len(f.todo)-1]
		if _, ok := f.seen[ref]; ok {
			continue
		}
		f.seen[ref] = struct{}{}
		held, err := f.visit(ctx, ref)
		if err != nil {
			return nil, err
		}
		if !held {
			want = append(want, ref)
			f.queue = append(f.queue, ref)
		}
	}
	return want, nil
}

// visit looks into the store. A leaf is not read: Get finds out if it rotted.
func (f *fetcher) visit(ctx context.Context, ref artel.Ref) (held bool, err error) {
	var data []byte
	size, err := f.look(ctx, ref)
	if err == nil && ref.Codec() == artel.CodecDagPB {
		data, err = f.store.Get(ctx, ref)
	}
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrMismatch) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := f.expand(ref, data, size); err != nil {
		return false, err
	}
	f.report()
	return true, nil
}

// expand counts a block that is here now and notes what it links to.
func (f *fetcher) expand(ref artel.Ref, data []byte, size int64) error {
	if ref.Codec() == artel.CodecDagPB {
		n, err := decodeFS(data)
		if err != nil {
			return fmt.Errorf("node %s: %w", ref, err)
		}
		if n.size > f.opts.Limits.Bytes {
			return fmt.Errorf("%w: a file of %d bytes, at most %d", ErrLimit, n.size, f.opts.Limits.Bytes)
		}
		if f.linked += len(n.links); f.linked > f.opts.Limits.Blocks {
			return fmt.Errorf("%w: more than %d links", ErrLimit, f.opts.Limits.Blocks)
		}
		for _, l := range slices.Backward(n.links) {
			f.todo = append(f.todo, l.ref)
		}
		if f.progress.Total == 0 {
			f.progress.Total = total(size, n.links)
		}
	}
	f.progress.Done += size
	f.progress.Total = max(f.progress.Total, f.progress.Done)
	if f.progress.Done > f.opts.Limits.Bytes {
		return fmt.Errorf("%w: more than %d bytes", ErrLimit, f.opts.Limits.Bytes)
	}
	return nil
}

func (f *fetcher) report() {
	if f.opts.Progress != nil && f.progress.Done >= f.reported {
		f.reported = f.progress.Done
		f.opts.Progress(f.progress)
	}
}

// total adds up what the root's links declare.
func total(size int64, links []link) int64 {
	sum := uint64(size)
	for _, l := range links {
		if l.tsize > math.MaxInt64-sum {
			return math.MaxInt64
		}
		sum += l.tsize
	}
	return int64(sum)
}
