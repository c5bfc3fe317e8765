package swarm

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/p2p"
)

// script is a peer that reads hello, answers with welcome, and then answers
// each frame as f does until that returns false.
func script(f func(s p2p.Stream, m message) bool) func(p2p.Stream, artel.NodeID) {
	return func(s p2p.Stream, _ artel.NodeID) {
		defer s.Close()
		in := bufio.NewReader(s)
		if m, err := readMessage(in); err != nil || m.typ != typeHello {
			return
		}
		s.Write(frame(typeWelcome, []byte{1}))
		for f(s, message{}) {
			m, err := readMessage(in)
			if err != nil || !f(s, m) {
				return
			}
		}
	}
}

// TestHostilePeers puts one peer that misbehaves beside an honest seeder, as
// one that the puller was told to ask, first.
func TestHostilePeers(t *testing.T) {
	const leaves = 200
	everything := haveFrame([]run{{0, leaves}})
	stranger, self := id(55), id(1)
	// claims has every leaf, says the other nodes, and answers wants as f does.
	claims := func(f func(s p2p.Stream, leaf int)) func(p2p.Stream, message) bool {
		return func(s p2p.Stream, m message) bool {
			switch m.typ {
			case 0:
				s.Write(everything)
			case typeWant:
				for _, i := range m.wants {
					f(s, i)
				}
			case typeInsist:
				f(s, m.number)
			}
			return true
		}
	}
	for name, c := range map[string]struct {
		evil  func(p2p.Stream, message) bool
		opens int // most streams that the puller opens to it; 0: any
	}{
		"garbage leaves":   {claims(func(s p2p.Stream, i int) { s.Write(frame(typeLeaf, varint(i), []byte("garbage"))) }), 2},
		"another leaf":     {claims(func(s p2p.Stream, i int) { s.Write(frame(typeLeaf, varint((i+1)%leaves), nil)) }), 2},
		"serves nothing":   {claims(func(p2p.Stream, int) {}), 0},
		"all absent":       {claims(func(s p2p.Stream, i int) { s.Write(frame(typeAbsent, varint(i))) }), 0},
		"leads strangers":  {claims(func(s p2p.Stream, i int) { s.Write(frame(typeElsewhere, varint(i), stranger[:])) }), 0},
		"leads to me":      {claims(func(s p2p.Stream, i int) { s.Write(frame(typeElsewhere, varint(i), self[:])) }), 0},
		"has too many":     {func(s p2p.Stream, m message) bool { s.Write(haveFrame([]run{{0, leaves + 1}})); return true }, 2},
		"welcomes twice":   {func(s p2p.Stream, m message) bool { s.Write(frame(typeWelcome, []byte{1})); return true }, 2},
		"a frame of 4 GiB": {func(s p2p.Stream, m message) bool { s.Write([]byte{255, 255, 255, 255, typeHave}); return true }, 2},
		"silent":           {func(s p2p.Stream, m message) bool { return true }, 0},
		"hangs up":         {func(s p2p.Stream, m message) bool { return false }, 0},
		"trickles": {claims(func(s p2p.Stream, i int) {
			s.Write([]byte{0, 0, 64, 0, typeLeaf})
			for {
				if _, err := s.Write([]byte{0}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}), 0},
		"names a crowd": {func(s p2p.Stream, m message) bool {
			for n := range 40 {
				s.Write(peersFrame([]contact{{id(1000 + n), nil}, {id(2000 + n), nil}}))
			}
			return true
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, 1, func(w *world) {
				seeder := w.node(0, newStore())
				root, total := tree(w.t, seeder.store, 1, 2, leaves/2, 4<<10)
				evil := w.evil(9, script(c.evil))
				p := w.node(1, newStore())
				q := p.pull(root, evil, seeder)
				q.wait(w.t)
				same(w.t, q.store, root, total)
				w.t.Logf("took %v, %+v, %d streams", q.took, q.swarm.Usage(root), p.opens[evil.id])
				if n := p.opens[evil.id]; c.opens > 0 && n > c.opens {
					w.t.Fatalf("%d streams to it", n)
				}
				if q.took > 5*time.Minute { // virtual
					w.t.Fatalf("it held up the puller for %v", q.took)
				}
				if met := len(p.opens); met > maxMet {
					w.t.Fatalf("streams to %d nodes", met)
				}
			})
		})
	}
}

// TestCrowd: one names a crowd that takes streams and says nothing. Who pulls
// finds the seeder, and the other pullers, all the same.
func TestCrowd(t *testing.T) {
	simulate(t, 1, func(w *world) {
		seeder := w.node(0, newStore())
		root, total := tree(w.t, seeder.store, 1, 4, 100, 16<<10)
		var crowd []contact
		for n := range 60 {
			crowd = append(crowd, contact{w.evil(100+n, func(s p2p.Stream, _ artel.NodeID) { io.Copy(io.Discard, s) }).id, nil})
		}
		evil := w.evil(9, script(func(s p2p.Stream, m message) bool {
			if m.typ == 0 {
				s.Write(peersFrame(crowd[:30]))
				s.Write(peersFrame(crowd[30:]))
			}
			return true
		}))
		var all []*pulling
		for n := range 3 {
			all = append(all, w.node(1+n, newStore()).pull(root, evil, seeder))
		}
		for _, q := range all {
			q.wait(w.t)
			same(w.t, q.store, root, total)
			w.t.Logf("took %v, streams to %d nodes", q.took, len(q.opens))
			if q.took > 30*time.Second { // virtual
				w.t.Fatalf("the crowd held up a puller for %v", q.took)
			}
		}
		sent(w.t, seeder, root, total, 1.3)
	})
}

// TestOnlyHostilePeers: without an honest one Fetch ends, with an error.
func TestOnlyHostilePeers(t *testing.T) {
	simulate(t, 1, func(w *world) {
		t := w.t
		seeder := w.node(0, newStore())
		root, _ := tree(t, seeder.store, 1, 2, 50, 4<<10)
		rootBlock, err := seeder.store.Get(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		rootBlock[60] ^= 1
		for name, c := range map[string]struct {
			evil func(p2p.Stream, message) bool
			want error
		}{
			"wrong node": {func(s p2p.Stream, m message) bool {
				if m.typ == typeNodes {
					s.Write(frame(typeNode, varint(0), rootBlock))
				}
				return true
			}, blob.ErrMismatch},
			"other node": {func(s p2p.Stream, m message) bool { s.Write(frame(typeNode, varint(5), rootBlock)); return true }, blob.ErrProtocol},
			"silent":     {func(s p2p.Stream, m message) bool { return true }, nil},
			"hangs up":   {func(s p2p.Stream, m message) bool { return false }, nil},
		} {
			n := 20 + len(name)
			evil := w.evil(n, script(c.evil))
			p := w.node(40+n, newStore())
			err := p.swarm.Fetch(t.Context(), root, []artel.NodeID{evil.id}, Options{})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("%s: %v", name, err)
			}
			if held(t, p.store) != 0 {
				t.Fatalf("%s: something was kept", name)
			}
			evil.stop()
			p.stop()
		}
	})
}

// TestHostilePullers plays pullers that break the rules.
func TestHostilePullers(t *testing.T) {
	store := newStore()
	root, _ := tree(t, store, 1, 2, 10, 1<<10)
	hello := helloFrame(root, nil)
	join := func(parts ...[]byte) (out []byte) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	var endless []byte
	for range 100 {
		endless = append(endless, frame(typeWant, varint(0, 1, 2, 3))...)
	}
	for name, said := range map[string][]byte{
		"no hello":        frame(typeWant, varint(1)),
		"hello twice":     join(hello, hello),
		"leaf outside":    join(hello, frame(typeWant, varint(20))),
		"insist outside":  join(hello, frame(typeInsist, varint(20), make([]byte, 33))),
		"node outside":    join(hello, frame(typeNodes, varint(2, 2))),
		"server's frame":  join(hello, frame(typeLeaf, varint(1), nil)),
		"endless wants":   join(hello, endless),
		"4 GiB":           {0xff, 0xff, 0xff, 0xff, 1},
		"http":            []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"want of 65":      join(hello, frame(typeWant, varint(make([]int, 65)...))),
		"half a varint":   join(hello, frame(typeWant, []byte{0x80})),
		"many, of a node": join(hello, frame(typeNodes, varint(maxNumber, 256))),
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Config{Self: id(0), Store: store, Allow: anyone})
			client, server := net.Pipe()
			defer client.Close()
			go client.Write(said)
			go io.Copy(io.Discard, client)
			wantErr(t, s.Serve(t.Context(), server, id(1)), blob.ErrProtocol)
		})
	}
	t.Run("asks and does not read", func(t *testing.T) {
		simulate(t, 1, func(w *world) {
			s := New(Config{Self: id(0), Store: store, Allow: anyone})
			client, server := net.Pipe()
			defer client.Close()
			go client.Write(join(hello, endless))
			if err := s.Serve(w.t.Context(), server, id(1)); err == nil {
				w.t.Fatal("no error")
			}
		})
	})
	t.Run("holds many streams", func(t *testing.T) {
		s := New(Config{Self: id(0), Store: store, Allow: anyone, PerPeer: 2})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for range 2 {
			client, server := net.Pipe()
			defer client.Close()
			go func() { done <- s.Serve(ctx, server, id(1)) }()
			client.Write(hello)
			if m, err := readMessage(bufio.NewReader(client)); err != nil || m.typ != typeWelcome {
				t.Fatal(m, err)
			}
		}
		client, server := net.Pipe()
		defer client.Close()
		go io.Copy(io.Discard, client)
		wantErr(t, s.Serve(ctx, server, id(1)), errBusy)
		cancel()
		for range 2 {
			wantErr(t, <-done, context.Canceled)
		}
	})
	t.Run("many roots", func(t *testing.T) {
		s := New(Config{Self: id(0), Store: store, Allow: anyone, Roots: 3, Blocks: 40})
		for seed := range uint64(6) {
			root, _ := tree(t, store, 100+seed, 1, 15, 100)
			client, server := net.Pipe()
			go func() { client.Write(helloFrame(root, nil)); io.Copy(io.Discard, client) }()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			s.Serve(ctx, server, id(1))
			cancel()
			client.Close()
			if len(s.shares) > 3 || s.blocks > 40 {
				t.Fatalf("%d roots, %d blocks", len(s.shares), s.blocks)
			}
		}
		if s.streams != 0 || len(s.peers) != 0 {
			t.Fatalf("%d streams are left", s.streams)
		}
	})
}
