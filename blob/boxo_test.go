package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	chunker "github.com/ipfs/boxo/chunker"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	unixfsio "github.com/ipfs/boxo/ipld/unixfs/io"
	cid "github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/mem"
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

// repeated yields n bytes in which every mebibyte differs.
func repeated(n int64) io.Reader { return io.LimitReader(&pattern{}, n) }

type pattern struct{ at int64 }

func (p *pattern) Read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), 1<<20-p.at&(1<<20-1))] // to the end of the mebibyte
	clear(b)
	if p.at&(1<<20-1) == 0 && len(b) > 1 {
		b[0], b[1] = byte(p.at>>20), byte(p.at>>28)
	}
	p.at += int64(len(b))
	return len(b), nil
}

func TestFilesEqualBoxo(t *testing.T) {
	for _, c := range []struct {
		n           int64
		leaf, width int
	}{
		{0, blob.LeafSize, blob.LinksPerNode},
		{1, blob.LeafSize, blob.LinksPerNode},
		{32<<10 - 1, blob.LeafSize, blob.LinksPerNode}, // around the small buffer
		{32 << 10, blob.LeafSize, blob.LinksPerNode},
		{32<<10 + 1, blob.LeafSize, blob.LinksPerNode},
		{blob.LeafSize - 1, blob.LeafSize, blob.LinksPerNode},
		{blob.LeafSize, blob.LeafSize, blob.LinksPerNode},
		{blob.LeafSize + 1, blob.LeafSize, blob.LinksPerNode},
		{5*blob.LeafSize + 3, blob.LeafSize, blob.LinksPerNode},
		{64<<20 + 1, blob.LeafSize, blob.LinksPerNode},
		// The layout with more than one level of nodes, with short leaves.
		{1024 * 64, 64, blob.LinksPerNode},
		{1024*64 + 1, 64, blob.LinksPerNode},
		{2500*64 + 7, 64, blob.LinksPerNode},
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
			ref, fileSize, total, err := blob.FileRoot(t.Context(), repeated(c.n), c.leaf, c.width)
			if err != nil {
				t.Fatal(err)
			}
			if ref.String() != want.Cid().String() {
				t.Fatalf("root %s, boxo's %s", ref, want.Cid())
			}
			size, err := want.Size()
			if err != nil || total != size || fileSize != uint64(c.n) {
				t.Fatalf("sizes %d and %d, boxo's %d, %v", fileSize, total, size, err)
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
		"b.txt": 10, "a.txt": 0, "Z": blob.LeafSize, "ü": 3 * blob.LeafSize, "sub/one": 1, "sub/two": blob.LeafSize + 1, "sub/deep/three": 7,
	} {
		data, err := io.ReadAll(repeated(size))
		if err != nil {
			t.Fatal(err)
		}
		tree[path] = data
		file := boxoFile(t, dag, bytes.NewReader(data), blob.LeafSize, blob.LinksPerNode)
		in, name := filepath.Split(path)
		add(map[string]unixfsio.Directory{"": root, "sub/": sub, "sub/deep/": deep}[in], name, file)
	}
	add(sub, "deep", node(deep))
	add(root, "sub", node(sub))
	add(root, "empty", node(empty))
	want := node(root)

	host := t.TempDir()
	writeTree(t, host, tree)
	mkdir(t, host, "empty")
	s := mem.New(0)
	got, err := blob.AddDir(t.Context(), s, host, blob.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != want.Cid().String() {
		t.Fatalf("root %s, boxo's %s", got, want.Cid())
	}

	// And the other way: what boxo made is read here.
	s = mem.New(0)
	if err := dag.Add(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	for c, b := range dag {
		ref, err := artel.ParseRef(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), ref, b); err != nil {
			t.Fatal(err)
		}
	}
	out := t.TempDir() + "/out"
	if err := blob.Extract(t.Context(), s, got, out, blob.Limits{}); err != nil {
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
	s := mem.New(0)
	for c, b := range dag {
		ref, err := artel.ParseRef(c.String())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), ref, b); err != nil {
			t.Fatal(err)
		}
	}
	ref, err := artel.ParseRef(root.Cid().String())
	if err != nil {
		t.Fatal(err)
	}
	f, err := blob.Open(t.Context(), s, ref)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatalf("read %d bytes, %v", len(got), err)
	}
}
