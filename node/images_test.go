package node

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob/swarm"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/p2p"
	p2pmem "github.com/artel-network/artel/p2p/mem"
	"github.com/artel-network/artel/wire"
)

// street is some nodes with images, on a network in memory.
type street struct {
	t       *testing.T
	net     *p2pmem.Network
	network artel.Hash
}

func newStreet(t *testing.T) *street {
	net := p2pmem.NewNetwork(1)
	net.SetLink(p2pmem.Link{Bandwidth: 8 << 20}) // or all would come before anybody can pass it on
	return &street{t, net, artel.Keccak([]byte("street"))}
}

// neighbour is one node of it.
type neighbour struct {
	*images
	s      *street
	leases map[artel.NodeID]artel.Label // of the one image, by whom they are with
	img    artel.Hash
	ahead  time.Duration // of the clock
}

func (s *street) node(n byte) *neighbour {
	s.t.Helper()
	key, err := artel.KeyFromBytes(bytes.Repeat([]byte{n}, 32))
	if err != nil {
		s.t.Fatal(err)
	}
	host := s.net.NewHost(p2pmem.Config{ID: key.NodeID(), Network: s.network, Wire: p2p.Versions{Min: 1, Max: 1}})
	b := &neighbour{s: s, leases: map[artel.NodeID]artel.Label{}}
	b.images = &images{
		self: key.NodeID(), key: key, network: s.network, host: host, dir: filepath.Join(s.t.TempDir(), "images"), log: slog.New(slog.DiscardHandler),
		now: func() time.Time { return time.Now().Add(b.ahead) },
		leased: func(_ context.Context, node artel.NodeID, img artel.Hash) (artel.Label, bool) {
			l, ok := b.leases[node]
			return l, ok && img == b.img
		},
		wanted: func(context.Context) (map[image.Digest]bool, error) { return nil, nil },
		free:   func(string) (int64, error) { return 1 << 40, nil },
	}
	if err := b.images.open(); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { host.Run(ctx) })
	s.t.Cleanup(func() {
		cancel()
		run.Wait()
		if err := b.close(); err != nil {
			s.t.Error(err)
		}
	})
	<-host.Ready()
	return b
}

// meet connects two nodes.
func (b *neighbour) meet(others ...*neighbour) {
	b.s.t.Helper()
	for _, o := range others {
		if err := b.host.Connect(b.s.t.Context(), o.host.Addrs()[0]); err != nil {
			b.s.t.Fatal(err)
		}
	}
}

// app writes an image of one layer with so many bytes of noise.
func (s *street) app(seed uint64, size int) (dir string) {
	s.t.Helper()
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(data)
	dir = filepath.Join(s.t.TempDir(), "layout")
	if _, err := (oci.Build{Layers: []oci.Layer{oci.Files(oci.File{Name: "data", Data: data})}, Config: oci.RunConfig{Cmd: []string{"/data"}}}).WriteLayout(dir); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// give takes an image in, as artel run --image PATH does.
func (b *neighbour) give(dir string, public bool) artel.Hash {
	b.s.t.Helper()
	pin, err := b.pin(b.s.t.Context(), api.ImageRequest{Path: dir, Public: public})
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.img = artel.Hash(pin.Digest)
	return b.img
}

// rent makes leases with nodes that name the image given.
func (b *neighbour) rent(label artel.Label, from ...*neighbour) {
	for _, p := range from {
		b.leases[p.self] = label
	}
}

func (b *neighbour) ensure(renter *neighbour, img artel.Hash, label artel.Label) (*image.Image, error) {
	return b.Ensure(b.s.t.Context(), renter.self, artel.Box{Image: img}, artel.Terms{Label: label, Renter: renter.self, Image: img})
}

func (b *neighbour) mustEnsure(renter *neighbour, img artel.Hash, label artel.Label) *image.Image {
	b.s.t.Helper()
	i, err := b.ensure(renter, img, label)
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.s.t.Cleanup(i.Release)
	return i
}

// blobs lists what a node has of an owner's image.
func (b *neighbour) blobs(owner *neighbour, img artel.Hash) []image.Blob {
	b.s.t.Helper()
	var id artel.NodeID
	if owner != nil {
		id = owner.self
	}
	sh, err := b.shelf(id)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return sh.store.Blobs(image.Digest(img))
}

// steal tries all that a node can do to get another's image from a holder, with the
// grant that it shows, and returns how.
func (b *neighbour) steal(owner, holder *neighbour, img artel.Hash, g *wire.Grant) (how []string) {
	t := b.s.t
	t.Helper()
	owners := []artel.NodeID{owner.self}
	if g == nil {
		owners = append(owners, artel.NodeID{}, b.self, holder.self)
	}
	for _, o := range owners {
		for i, bl := range holder.blobs(owner, img) {
			req := wire.FindRequest{Digest: artel.Hash(bl.Digest), Owner: o, Image: img, Grant: g}
			raw, err := b.host.Call(t.Context(), holder.self, wire.MethodFind, req.Marshal(), wire.MaxSmall)
			if err == nil {
				if r, err := wire.UnmarshalFindResponse(raw); err != nil || !r.Ref.IsZero() || r.Grant != nil {
					how = append(how, "it was told of "+bl.Digest.String())
				}
			}
			if i > 0 && g != nil {
				continue // one of them is proof enough
			}
			sh, err := b.shelf(o) // where it would go
			if err != nil {
				t.Fatal(err)
			}
			ctx := context.WithValue(t.Context(), askerKey{}, &asker{from: holder.self, image: img, grant: g})
			if err := sh.swarm.Fetch(ctx, bl.Ref, []artel.NodeID{holder.self}, swarm.Options{}); err == nil {
				how = append(how, "it was given "+bl.Digest.String())
			}
		}
	}
	return how
}

// TestOwnImage: a renter's own image goes to its leaseholders, each about once from
// the renter, and to nobody else: not from the renter, not from those who have it.
func TestOwnImage(t *testing.T) {
	s := newStreet(t)
	renter, thief := s.node(1), s.node(9)
	providers := []*neighbour{s.node(2), s.node(3), s.node(4), s.node(5)}
	img := renter.give(s.app(1, 6<<20), false)
	renter.rent("", providers...)
	var pulls sync.WaitGroup
	for _, p := range providers {
		p.meet(renter)
		pulls.Go(func() {
			i, err := p.ensure(renter, img, "")
			if err != nil {
				t.Error(err)
				return
			}
			defer i.Release()
			if info, err := os.Stat(filepath.Join(i.Root, "data")); err != nil || info.Size() != 6<<20 {
				t.Error(info, err)
			}
		})
	}
	pulls.Wait()
	if t.Failed() {
		return
	}
	sh, err := renter.shelf(renter.self)
	if err != nil {
		t.Fatal(err)
	}
	var sent, size int64
	for _, b := range renter.blobs(renter, img) {
		sent += sh.swarm.Usage(b.Ref).Sent
		size += b.Size
	}
	t.Logf("an image of %d bytes went to %d providers; its renter sent %d", size, len(providers), sent)
	if sent > size*3 { // who begins at once with others is given some twice
		t.Errorf("the renter sent %.2f times the image", float64(sent)/float64(size))
	}

	all := append([]*neighbour{renter}, providers...)
	thief.meet(all...)
	for _, holder := range all {
		if how := thief.steal(renter, holder, img, nil); len(how) > 0 {
			t.Errorf("from %s: %s", holder.self.Short(), strings.Join(how, ", "))
		}
	}
	// A lease of its own that names the digest gives it nothing: neither where the image
	// is, nor elsewhere.
	for _, p := range providers {
		if _, err := p.ensure(thief, img, ""); !errors.Is(err, image.ErrNotFound) {
			t.Errorf("a stranger's lease runs on it: %v", err)
		}
		if _, err := p.ensure(thief, img, artel.LabelPublic); !errors.Is(err, image.ErrNotFound) {
			t.Errorf("a stranger's lease that calls it public runs on it: %v", err)
		}
	}
	// Grants that are not for it.
	soon := uint64(time.Now().Add(time.Hour).Unix())
	for name, g := range map[string]wire.Grant{
		"another's":       wire.SignGrant(s.network, renter.key, img, providers[0].self, soon),
		"its own word":    wire.SignGrant(s.network, thief.key, img, thief.self, soon),
		"another image's": wire.SignGrant(s.network, renter.key, artel.Hash{1}, thief.self, soon),
		"another network": wire.SignGrant(artel.Hash{1}, renter.key, img, thief.self, soon),
		"an old one":      wire.SignGrant(s.network, renter.key, img, thief.self, uint64(time.Now().Unix())-1),
		"one turned over": {Image: img, Node: thief.self, Expires: soon, Signature: wire.SignGrant(s.network, renter.key, img, providers[0].self, soon).Signature},
	} {
		for _, holder := range all[:2] {
			if how := thief.steal(renter, holder, img, &g); len(how) > 0 {
				t.Errorf("%s, from %s: %s", name, holder.self.Short(), strings.Join(how, ", "))
			}
		}
	}
	// One that is for it opens the providers' doors, which shows that the above would
	// have been noticed; the renter's own opens to a lease alone.
	g := wire.SignGrant(s.network, renter.key, img, thief.self, soon)
	if how := thief.steal(renter, providers[1], img, &g); len(how) == 0 {
		t.Error("a sound grant is refused")
	}
}

// TestGrantEnds: who has a grant gets the image from another provider
// while the renter is away, until the grant ends.
func TestGrantEnds(t *testing.T) {
	s := newStreet(t)
	renter, first, second := s.node(1), s.node(2), s.node(3)
	img := renter.give(s.app(1, 1<<20), false)
	renter.rent("", first, second)
	first.meet(renter)
	first.mustEnsure(renter, img, "")
	second.meet(renter, first)
	// As Ensure would, with the renter's word.
	req := wire.FindRequest{Owner: renter.self, Image: img}
	raw, err := second.host.Call(t.Context(), renter.self, wire.MethodFind, req.Marshal(), wire.MaxSmall)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wire.UnmarshalFindResponse(raw)
	if err != nil || r.Grant == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	sh, err := second.shelf(renter.self)
	if err != nil {
		t.Fatal(err)
	}
	layer := first.blobs(renter, img)[0].Ref
	pull := func() error {
		ctx := context.WithValue(t.Context(), askerKey{}, &asker{from: renter.self, image: img, grant: r.Grant})
		return sh.swarm.Fetch(ctx, layer, []artel.NodeID{first.self}, swarm.Options{})
	}
	first.ahead = 2 * grantFor
	if err := pull(); err == nil {
		t.Error("a grant that has ended opens the door")
	}
	first.ahead = 0
	if err := pull(); err != nil {
		t.Error(err)
	}
	// Without a lease there is no grant.
	delete(renter.leases, second.self)
	raw, err = second.host.Call(t.Context(), renter.self, wire.MethodFind, req.Marshal(), wire.MaxSmall)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := wire.UnmarshalFindResponse(raw); err != nil || r.Grant != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestLabels: a public image is passed on by anybody; one that is private at rest by
// its renter alone, and it is gone after the lease.
func TestLabels(t *testing.T) {
	s := newStreet(t)
	renter, p, other := s.node(1), s.node(2), s.node(3)
	open := renter.give(s.app(1, 1<<20), true)
	p.meet(renter)
	p.mustEnsure(renter, open, artel.LabelPublic)
	other.meet(p) // and not the renter
	other.mustEnsure(p, open, artel.LabelPublic)

	img := renter.give(s.app(2, 1<<20), false)
	renter.rent(artel.LabelPrivate, p, other)
	i, err := p.ensure(renter, img, artel.LabelPrivate)
	if err != nil {
		t.Fatal(err)
	}
	req := wire.FindRequest{Owner: renter.self, Image: img}
	raw, err := p.host.Call(t.Context(), renter.self, wire.MethodFind, req.Marshal(), wire.MaxSmall)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := wire.UnmarshalFindResponse(raw); err != nil || r.Grant != nil {
		t.Errorf("a grant was given: %+v, %v", r, err)
	}
	other.meet(renter)
	if how := other.steal(renter, p, img, nil); len(how) > 0 {
		t.Error(how)
	}
	other.mustEnsure(renter, img, artel.LabelPrivate) // from the renter

	lease := map[leasedImage]bool{{renter.self, img}: true}
	dir := filepath.Join(p.dir, "of", renter.self.String())
	for _, c := range []struct {
		what  string
		open  map[leasedImage]bool
		there bool
		then  func()
	}{
		{"while it runs", nil, true, i.Release},
		{"while there is a lease", lease, true, nil},
		{"after it", nil, false, nil},
	} {
		if err := p.tidy(t.Context(), c.open); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) == c.there {
			t.Errorf("%s: %v", c.what, err)
		}
		if c.then != nil {
			c.then()
		}
	}
	if got := p.guests.Usage(); got == 0 || len(p.blobs(nil, open)) == 0 {
		t.Errorf("the public image went too: %d bytes are left", got)
	}
}

// TestHostileImageStreams: who talks nonsense is cut off, and nothing breaks.
func TestHostileImageStreams(t *testing.T) {
	s := newStreet(t)
	renter, stranger := s.node(1), s.node(9)
	img := renter.give(s.app(1, 100_000), false)
	stranger.meet(renter)
	sound := wire.FindRequest{Owner: renter.self, Image: img}.Marshal()
	for name, b := range map[string][]byte{
		"nothing":         {},
		"another frame":   {byte(wire.FrameOut), 0, 0, 0},
		"a huge frame":    {byte(wire.FrameOpen), 0xff, 0xff, 0xff},
		"no request":      {byte(wire.FrameOpen), 0, 0, 3, 'x', 'y', 'z'},
		"a short node":    {byte(wire.FrameOpen), 0, 0, 4, 0x12, 2, 1, 2},
		"a cut request":   append([]byte{byte(wire.FrameOpen), 0, 0, byte(len(sound))}, sound[:10]...),
		"then nonsense":   append(append([]byte{byte(wire.FrameOpen), 0, 0, byte(len(sound))}, sound...), "nonsense, and more of it"...),
		"an owner unseen": append([]byte{byte(wire.FrameOpen), 0, 0, byte(len(sound))}, wire.FindRequest{Owner: stranger.self, Image: img}.Marshal()...),
	} {
		st, err := stranger.host.OpenStream(t.Context(), renter.self, imageProtocol)
		if err != nil {
			t.Fatal(err)
		}
		st.Write(b)
		st.CloseWrite()
		buf := make([]byte, 1<<10)
		total := 0
		for {
			n, err := st.Read(buf)
			if total += n; err != nil {
				break
			}
		}
		if total > 600 {
			t.Errorf("%s: %d bytes came", name, total)
		}
		st.Close()
	}
	if len(renter.all()) != 2 {
		t.Errorf("%d shelves were made", len(renter.all()))
	}
	p := s.node(2)
	p.meet(renter)
	renter.rent("", p)
	p.mustEnsure(renter, img, "")
}
