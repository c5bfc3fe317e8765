package blob_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
)

// TestMakeFile: a file of parts is read as their bytes one after the other, over
// one level of nodes and over two, and is fetched and collected as any file.
func TestMakeFile(t *testing.T) {
	for _, n := range []int{1, 2, 1024, 1025, 3000} {
		s := mem.New(0)
		var parts []blob.Part
		var all []byte
		for i := range n {
			data := bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 1+i%7)
			ref, err := blob.RefOf(artel.CodecRaw, data)
			if err == nil {
				err = s.Put(t.Context(), ref, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			parts, all = append(parts, blob.Part{Ref: ref, Size: int64(len(data))}), append(all, data...)
		}
		before, err := s.Usage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		root, nodes, err := blob.MakeFile(t.Context(), s, parts)
		if err != nil {
			t.Fatal(err)
		}
		after, err := s.Usage(t.Context())
		if err != nil || after.Bytes-before.Bytes != nodes || root.Codec() != artel.CodecDagPB {
			t.Errorf("%d parts: %d bytes of nodes, %d were kept, root %s, %v", n, nodes, after.Bytes-before.Bytes, root, err)
		}
		f, err := blob.Open(t.Context(), s, root)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, all) {
			t.Errorf("%d parts: %d bytes of %d, %v", n, len(got), len(all), err)
		}
		if err := blob.Complete(t.Context(), s, root, blob.Limits{}); err != nil {
			t.Error(err)
		}
	}
	leaf, _ := blob.RefOf(artel.CodecRaw, []byte("x"))
	node, _ := blob.RefOf(artel.CodecDagPB, []byte("x"))
	for what, parts := range map[string][]blob.Part{
		"none": nil, "a zero ref": {{Size: 1}}, "a node": {{Ref: node, Size: 1}}, "an empty part": {{Ref: leaf}},
		"a part over a block": {{Ref: leaf, Size: blob.MaxBlock + 1}}, "a negative part": {{Ref: leaf, Size: -1}},
	} {
		if _, _, err := blob.MakeFile(t.Context(), mem.New(0), parts); !errors.Is(err, blob.ErrMalformed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
