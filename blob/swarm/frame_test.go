package swarm

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
)

func samples() [][]byte {
	root, data := blobtest.Block(1, 100)
	a, b := id(1), id(2)
	return [][]byte{
		helloFrame(root, nil),
		helloFrame(root, []string{"/ip4/127.0.0.1/tcp/1", "/memory/x"}),
		frame(typeNodes, varint(3, 256)),
		frame(typeWant, varint(0, 127, 128, maxNumber)),
		frame(typeInsist, varint(7), a[:]),
		frame(typeAlive),
		frame(typeWelcome, []byte{1}),
		frame(typeNode, varint(300), data),
		frame(typeLeaf, varint(1), nil),
		frame(typeElsewhere, varint(7), b[:]),
		frame(typeAbsent, varint(7)),
		haveFrame([]run{{0, 1}, {5, 100}, {200, 1}}),
		peersFrame([]contact{{a, nil}, {b, []string{"/x"}}}),
		refusedFrame(blob.CodeBusy),
		frame(typeRefused, []byte("\x04later \x1b[2J")),
	}
}

// encode is the inverse of decode.
func encode(m message) []byte {
	switch m.typ {
	case typeHello:
		b := helloFrame(m.root, m.addrs)
		b[5] = m.version
		return b
	case typeNodes:
		return frame(m.typ, varint(m.number, m.count))
	case typeWant:
		return frame(m.typ, varint(m.wants...))
	case typeInsist, typeElsewhere:
		return frame(m.typ, varint(m.number), m.id[:])
	case typeWelcome:
		return frame(m.typ, []byte{m.version})
	case typeNode, typeLeaf:
		return frame(m.typ, varint(m.number), m.data)
	case typeAbsent:
		return frame(m.typ, varint(m.number))
	case typeHave:
		return haveFrame(m.runs)
	case typePeers:
		return peersFrame(m.peers)
	case typeRefused:
		return frame(m.typ, []byte{byte(m.refusal.Code)}, []byte(m.refusal.Text))
	}
	return frame(m.typ)
}

func parse(b []byte) (message, error) { return readMessage(bufio.NewReader(bytes.NewReader(b))) }

func TestFrames(t *testing.T) {
	for _, b := range samples() {
		m, err := parse(b)
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		if got := encode(m); !bytes.Equal(got, b) && m.typ != typeRefused {
			t.Fatalf("%x became %x", b, got)
		}
		if strings.ContainsRune(m.refusal.Text, 0x1b) {
			t.Fatalf("escape in %q", m.refusal.Text)
		}
		for n := 5; n < len(b); n++ { // the same frame, cut and mended
			cut := slices.Clone(b[:n])
			binary.BigEndian.PutUint32(cut, uint32(n-4))
			if _, err := parse(cut); err != nil && !errors.Is(err, blob.ErrProtocol) {
				t.Fatalf("%x: %v", cut, err)
			}
		}
	}
}

func TestBadFrames(t *testing.T) {
	a := id(1)
	root, _ := blobtest.Block(1, 5)
	many := make([]contact, 33)
	for name, b := range map[string][]byte{
		"no bytes":            {0, 0, 0, 0, 0},
		"4 GiB":               {0xff, 0xff, 0xff, 0xff, typeLeaf},
		"unknown type":        frame(0x42),
		"hello of version 0":  frame(typeHello, []byte{0}, root.Bytes(), []byte{0}),
		"hello, no ref":       frame(typeHello, []byte{1}, bytes.Repeat([]byte{7}, 36), []byte{0}),
		"hello, 9 addresses":  frame(typeHello, []byte{1}, root.Bytes(), []byte{9}, bytes.Repeat([]byte{1, 'x'}, 9)),
		"hello, an escape":    frame(typeHello, []byte{1}, root.Bytes(), []byte{1, 1, 0x1b}),
		"hello, empty":        frame(typeHello, []byte{1}, root.Bytes(), []byte{1, 0}),
		"no nodes":            frame(typeNodes, varint(1, 0)),
		"257 nodes":           frame(typeNodes, varint(1, 257)),
		"no wants":            frame(typeWant),
		"65 wants":            frame(typeWant, varint(make([]int, 65)...)),
		"a long varint":       frame(typeWant, []byte{0x80, 0}),
		"a number too big":    frame(typeWant, varint(maxNumber+1)),
		"insist, half an id":  frame(typeInsist, varint(1), a[:20]),
		"alive with a body":   frame(typeAlive, []byte{1}),
		"leaf of 2 MiB + 1":   frame(typeLeaf, varint(1), make([]byte, blob.MaxBlock+1)),
		"have of nothing":     frame(typeHave),
		"have, an empty run":  frame(typeHave, varint(1, 0)),
		"have, runs that run": frame(typeHave, varint(1, 1, 0, 1)),
		"have of too many":    frame(typeHave, varint(maxNumber, 1)),
		"33 peers":            peersFrame(many),
		"no peers":            frame(typePeers),
		"refused, no code":    frame(typeRefused),
		"refused, long":       frame(typeRefused, make([]byte, 514)),
		"absent and more":     frame(typeAbsent, varint(1), []byte{0}),
	} {
		if _, err := parse(b); !errors.Is(err, blob.ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, b := range samples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		again, err := parse(encode(m))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
	})
}

func TestSet(t *testing.T) {
	s, told := newSet(130), newSet(130)
	for _, i := range []int{0, 1, 2, 63, 64, 100, 129} {
		if !s.add(i) || s.add(i) {
			t.Fatal(i)
		}
	}
	want := []run{{0, 3}, {63, 2}, {100, 1}, {129, 1}}
	var got []run
	for range 4 {
		got = append(got, s.news(told, 2)...)
	}
	if !slices.Equal(got, want) || !slices.Equal(s, told) {
		t.Fatalf("%v, want %v", got, want)
	}
	if !s.drop(63) || s.drop(63) || s.has(63) {
		t.Fatal("63 stays")
	}
}
