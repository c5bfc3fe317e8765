package swarm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

var errSilent = errors.New("the peer said nothing")

// link is a stream that leaves come on. Its fields but the first are guarded by
// pull.mu, or atomic.
type link struct {
	p       *pull
	peer    artel.NodeID
	addrs   []string
	opening time.Duration // how long that may take
	stream  blob.Stream
	bytes   atomic.Int64 // that came
	moved   atomic.Int64 // when the last of them came, in Unix nanoseconds

	welcomed bool
	served   bool // it brought a leaf
	has      set
	began    time.Time
	pending  map[int]time.Time // on their way, and when they were asked for
	deferred map[int]deferral  // the peer leads to another node
	urgent   []deferral        // to insist on
	leads    map[int]int       // how often the peer led elsewhere for a leaf
	skip     set               // pending, deferred or urgent
	window   int               // leaves that may be on their way
	flow     float64           // bytes per second while something was due, lately
	busy     time.Duration     // that something was due
	counted  int64             // of bytes, in flow
	last     time.Time         // when an answer came, or was first asked for
	err      error             // why it was dropped
	met      int               // nodes that it named
}

// Read reads the stream and counts: a leaf may be long on its way.
func (l *link) Read(b []byte) (int, error) {
	n, err := l.stream.Read(b)
	l.bytes.Add(int64(n))
	l.moved.Store(time.Now().UnixNano())
	return n, err
}

// deferral is a leaf that holder should have.
type deferral struct {
	leaf   int
	holder artel.NodeID
	until  time.Time
}

// stalled says that nothing came for too long. The caller holds mu.
func (l *link) stalled(now time.Time) bool {
	patience := l.p.s.cfg.Patience
	return len(l.pending) > 0 && now.Sub(l.last) > patience && now.Sub(time.Unix(0, l.moved.Load())) > patience
}

// gauge measures the flow once a beat. The caller holds mu.
func (l *link) gauge() {
	bytes := l.bytes.Load()
	if len(l.pending) > 0 {
		flow := float64(bytes-l.counted) / beat.Seconds()
		if l.busy == 0 {
			l.flow = flow // the first of an average over some 2 s
		}
		l.flow = 0.9*l.flow + 0.1*flow
		l.busy += beat
	}
	l.counted = bytes
}

// slow says that l is not worth waiting for, if than is the other choice.
func (l *link) slow(than *link) bool {
	if l.busy < l.p.s.cfg.Patience {
		return false
	}
	return l.flow < crawl || than.busy >= l.p.s.cfg.Patience && l.flow < than.flow/4
}

// drop breaks the link off. The caller holds mu.
func (l *link) drop(err error) {
	if l.err == nil {
		l.err = err
	}
	if l.stream != nil {
		breakOff(l.stream)
	}
}

// run pulls until the link breaks or ctx ends.
func (l *link) run(parent context.Context) error {
	s := l.p.s
	opening, cancel := context.WithTimeout(parent, l.opening)
	stream, err := s.cfg.Open(opening, l.peer, l.addrs)
	cancel()
	if err != nil {
		return fmt.Errorf("open stream: %w", err)
	}
	defer stream.Close()
	l.p.mu.Lock()
	l.stream, l.last = stream, time.Now()
	l.p.mu.Unlock()
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	// Then it closes, and is not broken off: the peer learns that this was an orderly
	// end. Close itself waits, up to 10 s, for a peer that has not agreed to the protocol
	// yet, unless the reader has given it up.
	defer context.AfterFunc(ctx, func() { stream.SetReadDeadline(time.Unix(1, 0)) })()
	if err := l.write(helloFrame(l.p.share.root, s.addrs())); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- l.ask(ctx) }()
	err = l.read(ctx)
	cancel()
	if parent.Err() == nil {
		breakOff(stream) // a write that hangs ends
	}
	if aerr := <-done; aerr != nil && err == nil {
		err = aerr
	}
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	if l.err != nil {
		err = l.err
	}
	return err
}

// ask sends wishes as there is room for them.
func (l *link) ask(ctx context.Context) error {
	alive := time.NewTicker(l.p.s.cfg.Idle / 3)
	defer alive.Stop()
	for {
		l.p.mu.Lock()
		var wants []int
		var insists []deferral
		if l.welcomed {
			wants, insists = l.p.pick(l)
		}
		changed := l.p.changed
		l.p.mu.Unlock()
		for _, d := range insists {
			if err := l.write(frame(typeInsist, varint(d.leaf), d.holder[:])); err != nil {
				return err
			}
		}
		if len(wants) > 0 {
			if err := l.write(frame(typeWant, varint(wants...))); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-alive.C:
			if err := l.write(frame(typeAlive)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (l *link) write(b []byte) error {
	l.stream.SetWriteDeadline(time.Now().Add(l.p.s.cfg.Idle))
	_, err := l.stream.Write(b)
	return err
}

// read takes what the peer sends.
func (l *link) read(ctx context.Context) error {
	in := bufio.NewReaderSize(l, 64<<10)
	for {
		m, err := readMessage(in)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = l.take(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

func (l *link) take(ctx context.Context, m message) error {
	p := l.p
	if m.typ == typeRefused {
		return &m.refusal
	}
	if l.welcomed == (m.typ == typeWelcome) { // written by this goroutine alone
		return fmt.Errorf("%w: frame 0x%02x out of turn", blob.ErrProtocol, m.typ)
	}
	if m.typ == typeLeaf {
		return l.leaf(ctx, m.number, m.data)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch m.typ {
	case typeWelcome:
		if m.version != version {
			return fmt.Errorf("%w: version %d was not offered", blob.ErrProtocol, m.version)
		}
		l.welcomed = true
	case typeHave:
		for _, r := range m.runs {
			if r.first+r.count > len(p.graph.leaves) {
				return fmt.Errorf("%w: it has leaf %d of %d", blob.ErrProtocol, r.first+r.count-1, len(p.graph.leaves))
			}
			for i := r.first; i < r.first+r.count; i++ {
				if l.has.add(i) {
					p.avail[i]++
				}
			}
		}
	case typePeers:
		if l.met += len(m.peers); l.met > 2*maxPeers {
			return fmt.Errorf("%w: it names %d nodes", blob.ErrProtocol, l.met)
		}
		for _, c := range m.peers {
			p.learn(c, hearsay)
		}
	case typeElsewhere:
		return l.elsewhere(m.number, m.id)
	case typeAbsent:
		if _, ok := l.pending[m.number]; !ok {
			return fmt.Errorf("%w: leaf %d was not asked for", blob.ErrProtocol, m.number)
		}
		p.landed(l, m.number)
		if l.has.drop(m.number) {
			p.avail[m.number]--
		}
	default:
		return fmt.Errorf("%w: frame 0x%02x out of turn", blob.ErrProtocol, m.typ)
	}
	p.wake()
	return nil
}

// leaf takes a leaf: it is compared with its ref before it counts.
func (l *link) leaf(ctx context.Context, i int, data []byte) error {
	p := l.p
	p.mu.Lock()
	asked, ok := l.pending[i]
	needed := ok && !p.got.has(i)
	p.mu.Unlock()
	if !ok {
		return fmt.Errorf("%w: leaf %d was not asked for", blob.ErrProtocol, i)
	}
	if needed {
		if err := blob.Verify(p.graph.leaves[i], data); err != nil {
			p.share.wasted(len(data))
			p.share.ban(l.peer)
			return fmt.Errorf("leaf %d, %s: %w", i, p.graph.leaves[i], err)
		}
	}
	p.mu.Lock()
	needed = needed && p.got.add(i)
	p.free.drop(i)
	p.landed(l, i)
	now := time.Now()
	l.measure(now.Sub(asked), now)
	if needed {
		p.gain = now
		p.bytes += int64(len(data))
	}
	over := p.bytes > p.opts.Limits.Bytes
	p.wake()
	p.mu.Unlock()
	if over {
		err := fmt.Errorf("%w: more than %d bytes", blob.ErrLimit, p.opts.Limits.Bytes)
		p.fail(err)
		return err
	}
	if !needed {
		p.share.wasted(len(data))
		return nil
	}
	select {
	case p.keep <- arrival{i, data}:
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l.last = time.Now() // a wait for the disk here is not the peer's
	return nil
}

// measure adapts the window to a leaf that took so long: what is on its way
// should arrive within about a second. The caller holds mu.
func (l *link) measure(took time.Duration, now time.Time) {
	l.served, l.last = true, now
	l.p.met[l.peer].fails = 0
	switch {
	case took < time.Second:
		l.window = min(l.window+1, maxWant)
	case took > 2*time.Second:
		l.window = max(l.window-1, 1)
	}
}

// elsewhere notes that the peer leads to holder for leaf i. The caller holds mu.
func (l *link) elsewhere(i int, holder artel.NodeID) error {
	p := l.p
	if _, ok := l.pending[i]; !ok {
		return fmt.Errorf("%w: leaf %d was not asked for", blob.ErrProtocol, i)
	}
	p.landed(l, i)
	l.last = time.Now()
	if p.got.has(i) {
		p.wake()
		return nil
	}
	l.leads[i]++
	n := l.leads[i]
	d := deferral{i, holder, l.last.Add(time.Duration(min(n, 6)) * p.s.cfg.Patience)}
	l.skip.add(i)
	if n > 3 {
		d.holder = artel.NodeID{} // not from anybody else
	}
	switch {
	case n > 64:
		return fmt.Errorf("%w: it led elsewhere %d times for leaf %d", blob.ErrProtocol, n, i)
	case holder == p.s.cfg.Self || holder == l.peer:
		l.urgent = append(l.urgent, d)
	default:
		l.deferred[i] = d
		p.learn(contact{id: holder}, hearsay)
		if c := p.met[holder]; c != nil && c.next.Sub(l.last) > beat {
			c.next = l.last.Add(beat) // it has something by now
		}
	}
	p.wake()
	return nil
}
