package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	unixfs "github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	unixfsio "github.com/ipfs/boxo/ipld/unixfs/io"
	cid "github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
)

// memDAG is the little of a DAG service that boxo's importers use.
type memDAG map[cid.Cid][]byte

func (m memDAG) Add(_ context.Context, n ipld.Node) error {
	m[n.Cid()] = bytes.Clone(n.RawData())
	return nil
}

func (m memDAG) AddMany(ctx context.Context, ns []ipld.Node) error {
	for _, n := range ns {
		m.Add(ctx, n)
	}
	return nil
}

func (m memDAG) Get(_ context.Context, c cid.Cid) (ipld.Node, error) {
	b, ok := m[c]
	if !ok {
		return nil, ipld.ErrNotFound{Cid: c}
	}
	if c.Type() == cid.Raw {
		return merkledag.NewRawNodeWPrefix(b, c.Prefix())
	}
	n, err := merkledag.DecodeProtobuf(b)
	if err != nil {
		return nil, err
	}
	n.SetCidBuilder(c.Prefix())
	return n, nil
}

func (m memDAG) GetMany(ctx context.Context, cs []cid.Cid) <-chan *ipld.NodeOption {
	out := make(chan *ipld.NodeOption, len(cs))
	for _, c := range cs {
		n, err := m.Get(ctx, c)
		out <- &ipld.NodeOption{Node: n, Err: err}
	}
	close(out)
	return out
}

func (m memDAG) Remove(context.Context, cid.Cid) error       { return errors.ErrUnsupported }
func (m memDAG) RemoveMany(context.Context, []cid.Cid) error { return errors.ErrUnsupported }

// forgetful keeps nothing, for large files.
type forgetful struct{ memDAG }

func (f forgetful) Add(context.Context, ipld.Node) error       { return nil }
func (f forgetful) AddMany(context.Context, []ipld.Node) error { return nil }

func boxoFile(t *testing.T, dag ipld.DAGService, r io.Reader, leaf, width int) ipld.Node {
	t.Helper()
	params := helpers.DagBuilderParams{
		Maxlinks:   width,
		RawLeaves:  true,
		CidBuilder: cid.V1Builder{Codec: cid.DagProtobuf, MhType: 0x12},
		Dagserv:    dag,
	}
	b, err := params.New(chunker.NewSizeSplitter(r, int64(leaf)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := balanced.Layout(b)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// nullBatch counts and keeps nothing.
type nullBatch struct{ n int }

func (b *nullBatch) Put(_ context.Context, ref Ref, data []byte) error {
	b.n++
	return Verify(ref, data)
}
func (b *nullBatch) Commit(context.Context) error { return nil }
func (b *nullBatch) Close() error                 { return nil }

// repeated yields n bytes in which every mebibyte differs.
func repeated(n int64) io.Reader { return io.LimitReader(&pattern{}, n) }

type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(p.at>>20) ^ byte(p.at>>28)
		p.at++
	}
	return len(b), nil
}

func TestFilesEqualBoxo(t *testing.T) {
	for _, c := range []struct {
		n           int64
		leaf, width int
	}{
		{0, LeafSize, linksPerNode},
		{1, LeafSize, linksPerNode},
		{LeafSize - 1, LeafSize, linksPerNode},
		{LeafSize, LeafSize, linksPerNode},
		{LeafSize + 1, LeafSize, linksPerNode},
		{5*LeafSize + 3, LeafSize, linksPerNode},
		{300 << 20, LeafSize, linksPerNode},
		// The layout with more than one level of nodes, with short leaves.
		{1024 * 64, 64, linksPerNode},
		{1024*64 + 1, 64, linksPerNode},
		{2500*64 + 7, 64, linksPerNode},
		{1024*1024*4 + 5, 4, linksPerNode},
		{3 * 10, 10, 3},
		{3*10 + 1, 10, 3},
		{9 * 10, 10, 3},
		{9*10 + 1, 10, 3},
		{27 * 10, 10, 3},
		{27*10 + 1, 10, 3},
		{81*10 + 35, 10, 3},
	} {
		t.Run(fmt.Sprintf("%d bytes, leaf %d, width %d", c.n, c.leaf, c.width), func(t *testing.T) {
			want := boxoFile(t, forgetful{}, repeated(c.n), c.leaf, c.width)
			a := adder{batch: &nullBatch{}, leaf: c.leaf, width: c.width}
			got, err := a.file(t.Context(), repeated(c.n))
			if err != nil {
				t.Fatal(err)
			}
			if got.ref.String() != want.Cid().String() {
				t.Fatalf("root %s, boxo's %s", got.ref, want.Cid())
			}
			size, err := want.Size()
			if err != nil || got.tsize != size || got.size != uint64(c.n) {
				t.Fatalf("sizes %d and %d, boxo's %d, %v", got.size, got.tsize, size, err)
			}
		})
	}
}

// TestDirsEqualBoxo builds one tree with boxo and with AddDir.
func TestDirsEqualBoxo(t *testing.T) {
	dag := memDAG{}
	dir := func() unixfsio.Directory {
		d, err := unixfsio.NewBasicDirectory(dag, unixfsio.WithCidBuilder(cid.V1Builder{Codec: cid.DagProtobuf, MhType: 0x12}))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	add := func(d unixfsio.Directory, name string, n ipld.Node) {
		if err := dag.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		if err := d.AddChild(t.Context(), name, n); err != nil {
			t.Fatal(err)
		}
	}
	node := func(d unixfsio.Directory) ipld.Node {
		n, err := d.GetNode()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	root, sub, deep, empty := dir(), dir(), dir(), dir()
	tree := map[string][]byte{}
	for path, size := range map[string]int64{
		"b.txt": 10, "a.txt": 0, "Z": LeafSize, "ü": 3 * LeafSize, "sub/one": 1, "sub/two": LeafSize + 1, "sub/deep/three": 7,
	} {
		data, err := io.ReadAll(repeated(size))
		if err != nil {
			t.Fatal(err)
		}
		tree[path] = data
		file := boxoFile(t, dag, bytes.NewReader(data), LeafSize, linksPerNode)
		switch {
		case len(path) > 9 && path[:9] == "sub/deep/":
			add(deep, path[9:], file)
		case len(path) > 4 && path[:4] == "sub/":
			add(sub, path[4:], file)
		default:
			add(root, path, file)
		}
	}
	add(sub, "deep", node(deep))
	add(root, "sub", node(sub))
	add(root, "empty", node(empty))
	want := node(root)

	host := t.TempDir()
	writeTree(t, host, tree)
	mkdir(t, host, "empty")
	s := newMemStore()
	got, err := AddDir(t.Context(), s, host, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want.Cid().String() {
		t.Fatalf("root %s, boxo's %s", got, want.Cid())
	}

	// And the other way: what boxo made is read here.
	s = newMemStore()
	if err := dag.Add(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for c, b := range dag {
		ref, err := ParseRef(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), ref, b); err != nil {
			t.Fatal(err)
		}
	}
	out := t.TempDir() + "/out"
	if err := Extract(t.Context(), s, got, out, Limits{}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, out, tree)
}

// TestReadsOlderLayouts reads what importers without raw leaves made.
func TestReadsOlderLayouts(t *testing.T) {
	dag := memDAG{}
	data, err := io.ReadAll(repeated(1000))
	if err != nil {
		t.Fatal(err)
	}
	params := helpers.DagBuilderParams{Maxlinks: 3, CidBuilder: cid.V1Builder{Codec: cid.DagProtobuf, MhType: 0x12}, Dagserv: dag}
	b, err := params.New(chunker.NewSizeSplitter(bytes.NewReader(data), 64))
	if err != nil {
		t.Fatal(err)
	}
	root, err := balanced.Layout(b)
	if err != nil {
		t.Fatal(err)
	}
	s := newMemStore()
	for c, b := range dag {
		ref, err := ParseRef(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), ref, b); err != nil {
			t.Fatal(err)
		}
	}
	ref, err := ParseRef(root.Cid().String())
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(t.Context(), s, ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
	_ = unixfs.TFile
}
