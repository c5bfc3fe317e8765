package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/mem"
)

var never time.Time

func only(refs ...artel.Ref) iter.Seq[artel.Ref] { return slices.Values(refs) }

var stranger = artel.NodeID{2, 1}

func anyone(context.Context, artel.NodeID, artel.Ref) error { return nil }

// peer is a node that serves; each opening is a new stream to it.
type peer struct {
	t       testing.TB
	store   blob.Store
	opts    blob.ServeOptions
	wrap    func(blob.Stream) blob.Stream // the client's end
	streams atomic.Int32
	sent    atomic.Int64
	wg      sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

func newPeer(t testing.TB, s blob.Store) *peer {
	return &peer{t: t, store: s, opts: blob.ServeOptions{Allow: anyone}}
}

func (p *peer) open(context.Context) (blob.Stream, error) {
	p.streams.Add(1)
	client, server := net.Pipe()
	p.wg.Go(func() {
		n, err := blob.Serve(context.Background(), server, stranger, p.store, p.opts)
		p.sent.Add(n)
		p.mu.Lock()
		p.errs = append(p.errs, err)
		p.mu.Unlock()
	})
	if p.wrap != nil {
		return p.wrap(client), nil
	}
	return client, nil
}

// wait returns what Serve returned last, after every stream has ended.
func (p *peer) wait() error {
	p.wg.Wait()
	if len(p.errs) == 0 {
		return nil
	}
	return p.errs[len(p.errs)-1]
}

func sampleTree(t testing.TB, s blob.Store) artel.Ref {
	t.Helper()
	var entries []blob.Entry
	for i, n := range []int{0, 10, blob.LeafSize, 5*blob.LeafSize + 9} {
		entries = append(entries, blob.Entry{Name: fmt.Sprint("f", i), Ref: addFile(t, s, blobtest.Bytes(uint64(i), n))})
	}
	// A file with several levels of nodes and short leaves.
	short, err := blob.ShortFile(t.Context(), s, bytes.NewReader(blobtest.Bytes(77, 50_000)), 100, 5)
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, blob.Entry{Name: "short", Ref: short})
	sub, err := blob.MakeDir(t.Context(), s, entries)
	if err != nil {
		t.Fatal(err)
	}
	root, err := blob.MakeDir(t.Context(), s, append(entries, blob.Entry{Name: "sub", Ref: sub}))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func count(t testing.TB, s blob.Store) (n int, size int64) {
	t.Helper()
	for info, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		size += info.Size
	}
	return n, size
}

func TestFetch(t *testing.T) {
	for _, window := range []int{0, 1, 2, 64, 1000} {
		from, to := mem.New(0), mem.New(0)
		root := sampleTree(t, from)
		p := newPeer(t, from)
		var seen []blob.Progress
		o := blob.FetchOptions{Window: window, Progress: func(p blob.Progress) { seen = append(seen, p) }}
		if err := blob.Fetch(t.Context(), p.open, to, root, o); err != nil {
			t.Fatal(err)
		}
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
		if err := blob.Complete(t.Context(), to, root, blob.Limits{}); err != nil {
			t.Fatal(err)
		}
		n, size := count(t, from)
		if m, got := count(t, to); m != n || got != size {
			t.Fatalf("%d blocks of %d bytes arrived, want %d of %d", m, got, n, size)
		}
		last := seen[len(seen)-1]
		if last.Done != size || last.Fetched != size || p.sent.Load() != size || last.Total < size || len(seen) != n {
			t.Fatalf("progress ended with %+v after %d calls, %d bytes sent, %d bytes in %d blocks", last, len(seen), p.sent.Load(), size, n)
		}
		if !slices.IsSortedFunc(seen, func(a, b blob.Progress) int { return int(a.Done - b.Done) }) {
			t.Fatal("progress goes backwards")
		}
		// Again: nothing is missing, nobody is asked.
		if err := blob.Fetch(t.Context(), p.open, to, root, o); err != nil || p.streams.Load() != 1 {
			t.Fatal(p.streams.Load(), err)
		}
	}
}

// TestFetchMendsHoles deletes each block of a complete copy in turn.
func TestFetchMendsHoles(t *testing.T) {
	from, to := mem.New(0), mem.New(0)
	root := sampleTree(t, from)
	p := newPeer(t, from)
	if err := blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	for info := range from.List(t.Context()) {
		to.Delete(t.Context(), info.Ref, never)
		before := p.streams.Load()
		var last blob.Progress
		if err := blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{Progress: func(p blob.Progress) { last = p }}); err != nil {
			t.Fatal(err)
		}
		if last.Fetched != info.Size || p.streams.Load() != before+1 {
			t.Fatalf("fetched %d bytes for a hole of %d", last.Fetched, info.Size)
		}
	}
	if err := p.wait(); err != nil {
		t.Fatal(err)
	}
}

// TestFetchRenews: a leaf that was here before the fetch is as young as what
// the fetch brought.
func TestFetchRenews(t *testing.T) {
	from, to := mem.New(0), mem.New(0)
	root := sampleTree(t, from)
	addFile(t, to, blobtest.Bytes(3, 5*blob.LeafSize+9)) // one of its files
	start := time.Now()
	p := newPeer(t, from)
	if err := blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{}); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if freed, err := blob.GC(t.Context(), to, only(), start); err != nil || freed.Blocks != 0 {
		t.Fatalf("freed %+v, %v", freed, err)
	}
}

// breaking is a stream that ends after some bytes were read.
type breaking struct {
	blob.Stream
	left int
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("line cut")
	}
	n, err := b.Stream.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestFetchResumes(t *testing.T) {
	from, to := mem.New(0), mem.New(0)
	root := sampleTree(t, from)
	_, size := count(t, from)
	p := newPeer(t, from)
	p.wrap = func(s blob.Stream) blob.Stream { return &breaking{s, 2500 << 10} }
	var seen []blob.Progress
	if err := blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{Progress: func(p blob.Progress) { seen = append(seen, p) }}); err != nil {
		t.Fatal(err)
	}
	p.wait()
	if err := blob.Complete(t.Context(), to, root, blob.Limits{}); err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(seen, func(a, b blob.Progress) int { return int(a.Done - b.Done) }) || seen[len(seen)-1].Done != size {
		t.Fatal("progress goes backwards, or not to the end")
	}
	if n := p.streams.Load(); n < 3 || n > 10 {
		t.Fatalf("%d streams", n)
	}
	// The server counts what it handed to streams that broke, too; what was
	// whole when a stream broke is not sent again.
	if got := p.sent.Load(); got > size+int64(p.streams.Load())*33*blob.LeafSize {
		t.Fatalf("%d bytes sent for %d", got, size)
	}
	// A line that brings nothing is not tried for ever.
	p.wrap = func(s blob.Stream) blob.Stream { return &breaking{s, 100} }
	before := p.streams.Load()
	err := blob.Fetch(t.Context(), p.open, mem.New(0), root, blob.FetchOptions{})
	if err == nil || !strings.Contains(err.Error(), "line cut") || p.streams.Load() != before+1 {
		t.Fatal(err)
	}
	p.wait()
}

func TestFetchLimits(t *testing.T) {
	from := mem.New(0)
	root := sampleTree(t, from)
	big := addFile(t, from, make([]byte, 3*blob.LeafSize))
	for name, c := range map[string]struct {
		root artel.Ref
		lim  blob.Limits
	}{
		"bytes":         {root, blob.Limits{Bytes: 5 * blob.LeafSize}},
		"links":         {root, blob.Limits{Blocks: 100}},
		"declared size": {big, blob.Limits{Bytes: 2 * blob.LeafSize}}, // one block, thrice
	} {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, from)
			err := blob.Fetch(t.Context(), p.open, mem.New(0), c.root, blob.FetchOptions{Limits: c.lim})
			wantErr(t, err, blob.ErrLimit)
			p.wait()
		})
	}
	t.Run("store full", func(t *testing.T) {
		p := newPeer(t, from)
		to := mem.New(3 << 20)
		wantErr(t, blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{}), blob.ErrFull)
		p.wait()
		if n, _ := count(t, to); n == 0 {
			t.Fatal("what had come was thrown away")
		}
	})
}

// TestFetchBombs fetches what is small to hold: it ends, with each block once.
func TestFetchBombs(t *testing.T) {
	from := mem.New(0)
	for name, root := range bombs(t, from) {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t, from)
			to := mem.New(0)
			err := blob.Fetch(t.Context(), p.open, to, root, blob.FetchOptions{Limits: blob.Limits{Bytes: 1 << 31, Blocks: 10_000}})
			if name == "bytes" {
				wantErr(t, err, blob.ErrLimit) // a petabyte is declared
			} else if err != nil {
				t.Fatal(err)
			}
			p.wait()
		})
	}
}

func TestServeAllows(t *testing.T) {
	from := mem.New(0)
	root := sampleTree(t, from)
	secret := addFile(t, from, []byte("somebody else's result"))
	p := newPeer(t, from)
	p.opts.Allow = func(_ context.Context, who artel.NodeID, ref artel.Ref) error {
		if who != stranger {
			t.Errorf("asked for %s", who)
		}
		if ref == root {
			return nil
		}
		return errors.New("no lease names it")
	}
	err := blob.Fetch(t.Context(), p.open, mem.New(0), secret, blob.FetchOptions{})
	wantErr(t, err, blob.ErrRefused)
	var refusal *blob.Refusal
	if !errors.As(err, &refusal) || refusal.Code != blob.CodeForbidden || strings.Contains(err.Error(), "lease names") {
		t.Fatalf("got %v", err)
	}
	if err := p.wait(); err == nil || !strings.Contains(err.Error(), "no lease names it") {
		t.Fatalf("the server's log says %v", err)
	}
	// Below an allowed root only what is below it.
	c, s := net.Pipe()
	go blob.Serve(context.Background(), s, stranger, from, p.opts)
	go func() {
		c.Write(blob.HelloFrame(root))
		c.Write(blob.WantFrame([]artel.Ref{secret}))
	}()
	wantFrame(t, c, blob.TypeWelcome, []byte{1})
	wantFrame(t, c, blob.TypeRefused, []byte{byte(blob.CodeOutside)})
	wantEOF(t, c)
}

func wantFrame(t *testing.T, r io.Reader, typ byte, body []byte) {
	t.Helper()
	b, err := blob.ReadFrame(r, nil, blob.MaxToClient)
	if err != nil {
		t.Fatal(err)
	}
	if b[0] != typ || !bytes.HasPrefix(b[1:], body) {
		t.Fatalf("got frame %x", b[:min(len(b), 50)])
	}
}

func wantEOF(t *testing.T, r io.Reader) {
	t.Helper()
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Fatalf("%d more bytes, %v", n, err)
	}
}

// TestWindowHidesDelay fetches over a line of 100 ms there and back and any
// bandwidth, in virtual time: block by block it would take 13 s.
func TestWindowHidesDelay(t *testing.T) {
	from := mem.New(0)
	root, err := blob.ShortFile(t.Context(), from, bytes.NewReader(blobtest.Bytes(1, 128*1000)), 1000, 1024)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(t, from)
		p.wrap = func(far blob.Stream) blob.Stream {
			near, here := net.Pipe()
			p.wg.Go(func() { relay(far, here, 50*time.Millisecond) })
			p.wg.Go(func() { relay(here, far, 50*time.Millisecond) })
			return near
		}
		start := time.Now()
		if err := blob.Fetch(t.Context(), p.open, mem.New(0), root, blob.FetchOptions{Window: 32}); err != nil {
			t.Fatal(err)
		}
		// The root, then 128 blocks in windows of 32.
		if took := time.Since(start); took > 700*time.Millisecond {
			t.Fatalf("took %v", took)
		}
		if err := p.wait(); err != nil {
			t.Fatal(err)
		}
	})
}

// relay copies src to dst, each byte after delay, and then closes dst.
func relay(dst io.WriteCloser, src io.Reader, delay time.Duration) {
	type packet struct {
		data []byte
		due  time.Time
	}
	line := make(chan packet, 1<<12)
	go func() {
		defer close(line)
		for {
			buf := make([]byte, 4096)
			n, err := src.Read(buf)
			if err != nil {
				return
			}
			line <- packet{buf[:n], time.Now().Add(delay)}
		}
	}()
	for p := range line {
		time.Sleep(time.Until(p.due))
		if _, err := dst.Write(p.data); err != nil {
			break
		}
	}
	dst.Close()
	for range line {
	}
}
