package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/blob/swarm"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/job"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// imageProtocol moves the blobs of images, which many want at once: a FindRequest
// in one frame, then blob/swarm.
const imageProtocol = "image/1"

// images is the container images of a daemon, for both roles: a renter's own, which
// its providers may have from it, and those that a provider runs. Each renter's own
// images have a shelf to themselves, with blocks, index and swarm, so that nothing
// of them can be had, or be found to be here, by way of another's.
//
//	whose                 owner       who may have it from here
//	a registry's          zero        anybody
//	this node's own       this node   who has a lease from it that names the image
//	another renter's own  the renter  who shows that renter's grant
type images struct {
	self    artel.NodeID
	key     artel.Key
	network artel.Hash
	host    p2p.Host
	dir     string
	log     *slog.Logger
	now     func() time.Time
	// names are looked up for this machine's own user, who may name a registry on it;
	// strangers' as nobody in particular.
	names, strangers image.Registries
	// leased tells whether a node has a lease from this one that names an image.
	leased func(ctx context.Context, node artel.NodeID, image artel.Hash) (artel.Label, bool)
	// wanted lists the own images of jobs that are not done.
	wanted func(ctx context.Context) (map[image.Digest]bool, error)
	// free is the disk that images may use, in bytes.
	free func(dir string) (int64, error)

	own, guests *image.Cap
	nobody      *swarm.Swarm // refuses, in the words of the protocol
	collect     sync.Mutex   // one collection at a time

	mu      sync.Mutex
	shelves map[artel.NodeID]*shelf
}

// ownImages bounds what the images of this node's own jobs take where nothing else
// is said, in bytes; and ownShare what part of the free disk that may be.
const (
	ownImages = 64 << 30
	ownShare  = 2
)

func (n *Node) openImages() error {
	m := &images{
		self: n.c.Key.NodeID(), key: n.c.Key, network: n.network, host: n.host, dir: n.c.Paths.Images(), log: n.c.Log, now: time.Now,
		names:     image.Registries{Insecure: n.c.InsecureRegistries, Loopback: true, DockerConfig: true},
		strangers: image.Registries{Insecure: n.c.InsecureRegistries},
		leased: func(ctx context.Context, node artel.NodeID, img artel.Hash) (artel.Label, bool) {
			if n.loans.has(loan{to: node, image: img}) {
				return artel.LabelPrivate, true // nobody else may have it from there
			}
			return n.renter.Leases(ctx, node, img)
		},
		wanted: n.wantedImages,
		free:   spared,
	}
	if err := m.open(); err != nil {
		return fmt.Errorf("open images: %w", err)
	}
	n.images = m
	return nil
}

// spared is the disk that is free beyond what strangers leave to the owner.
func spared(dir string) (int64, error) {
	free, err := datadir.Free(dir)
	return int64(min(free, math.MaxInt64)) - spare, err
}

// wantedImages lists the images of jobs that are not done.
func (n *Node) wantedImages(ctx context.Context) (map[image.Digest]bool, error) {
	js, err := n.renter.Jobs(ctx, 1_000_000)
	if err != nil {
		return nil, err
	}
	m := map[image.Digest]bool{}
	for _, j := range js {
		if j.Phase == job.Active {
			m[image.Digest(j.Spec.Box.Image)] = true
		}
	}
	return m, nil
}

// open opens the shelves that are there and answers peers from then on.
func (m *images) open() error {
	if err := os.MkdirAll(filepath.Join(m.dir, "of"), 0o700); err != nil {
		return err
	}
	m.own, m.guests = image.NewCap(ownImages), image.NewCap(0)
	if free, err := m.free(m.dir); err == nil {
		m.own.SetLimit(max(min(ownImages, free/ownShare), 1))
	}
	m.nobody = swarm.New(swarm.Config{Self: m.self})
	m.shelves = map[artel.NodeID]*shelf{}
	owners := []artel.NodeID{{}}
	entries, err := os.ReadDir(filepath.Join(m.dir, "of"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if id, err := artel.ParseNodeID(e.Name()); err == nil {
			owners = append(owners, id)
		}
	}
	for _, o := range owners {
		if _, err := m.shelf(o); err != nil {
			return errors.Join(err, m.close())
		}
	}
	m.host.Handle(wire.MethodFind, wire.MaxSmall, m.find)
	m.host.HandleStream(imageProtocol, m.serve)
	return nil
}

func (m *images) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for o, s := range m.shelves {
		errs = append(errs, s.blobs.Close())
		delete(m.shelves, o)
	}
	return errors.Join(errs...)
}

// shelf is what this node has of one owner's images.
type shelf struct {
	m     *images
	owner artel.NodeID // zero: registries'
	dir   string
	blobs *disk.Store
	store *image.Store
	swarm *swarm.Swarm
	users int // guarded by m.mu

	mu      sync.Mutex
	pulling map[pulled]int // what is on its way here is passed on meanwhile
}

// pulled is a blob that is being pulled for an image; a registry's is anybody's,
// whatever image it is for.
type pulled struct {
	root  artel.Ref
	image artel.Hash
}

func (s *shelf) pulled(root artel.Ref, image artel.Hash) pulled {
	if s.owner == (artel.NodeID{}) {
		image = artel.Hash{}
	}
	return pulled{root, image}
}

// shelf returns an owner's shelf, made if need be.
func (m *images) shelf(owner artel.NodeID) (*shelf, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.openShelf(owner)
}

// openShelf wants mu.
func (m *images) openShelf(owner artel.NodeID) (_ *shelf, err error) {
	if s := m.shelves[owner]; s != nil {
		return s, nil
	}
	s := &shelf{m: m, owner: owner, dir: m.dir, pulling: map[pulled]int{}}
	o := image.Options{Registries: m.strangers, Peers: s, Cap: m.guests, Free: m.free}
	if owner != (artel.NodeID{}) {
		s.dir = filepath.Join(m.dir, "of", owner.String())
	}
	if owner == m.self {
		o.Registries, o.Cap, o.Needed = m.names, m.own, m.wanted
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	if s.blobs, err = disk.Open(filepath.Join(s.dir, "bytes"), 0); err != nil {
		return nil, err
	}
	if s.store, err = image.Open(s.dir, s.blobs, o); err != nil {
		return nil, errors.Join(err, s.blobs.Close())
	}
	s.swarm = swarm.New(swarm.Config{Self: m.self, Store: s.blobs, Open: s.open, Allow: s.allow, Addrs: m.host.Addrs})
	m.shelves[owner] = s
	return s, nil
}

// take returns a shelf that stays until done.
func (m *images) take(owner artel.NodeID, make bool) (s *shelf, done func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s = m.shelves[owner]; s == nil && !make {
		return nil, nil, fmt.Errorf("nothing of %s: %w", owner.Short(), fs.ErrNotExist)
	}
	if s, err = m.openShelf(owner); err != nil {
		return nil, nil, fmt.Errorf("open images of %s: %w", owner.Short(), err)
	}
	s.users++
	return s, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		s.users--
	}, nil
}

// all lists the shelves.
func (m *images) all() (list []*shelf) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.shelves {
		list = append(list, s)
	}
	return list
}

// leasedImage is an image that a lease names, and whose own it may be.
type leasedImage struct {
	renter artel.NodeID
	image  artel.Hash
}

// tidy collects what is over the caps, and what was here for the time of leases that
// are over: open lists those that are not.
func (m *images) tidy(ctx context.Context, open map[leasedImage]bool) error {
	m.collect.Lock()
	defer m.collect.Unlock()
	var errs []error
	for _, s := range m.all() {
		for _, i := range s.store.List() {
			if !i.Short || i.InUse || s.owner == m.self || open[leasedImage{s.owner, artel.Hash(i.Digest)}] {
				continue
			}
			if _, err := s.store.Remove(ctx, i.Digest); err != nil && !errors.Is(err, image.ErrInUse) {
				errs = append(errs, err)
			}
		}
	}
	for _, c := range []*image.Cap{m.own, m.guests} {
		if _, err := c.Collect(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, m.clearShelves())...)
}

// clearShelves removes the shelves of other renters on which nothing lies.
func (m *images) clearShelves() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for o, s := range m.shelves {
		if o == m.self || o == (artel.NodeID{}) || s.users > 0 || len(s.store.List()) > 0 {
			continue
		}
		s.store.Close()
		delete(m.shelves, o)
		errs = append(errs, s.blobs.Close(), os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// Hold implements provider.Images: it keeps the unpacked image in a directory that a box has outlived the daemon
// with.
func (m *images) Hold(dir string) (release func()) {
	for _, s := range m.all() {
		if release, ok := s.store.Hold(dir); ok {
			return release
		}
	}
	return func() {}
}

// asker is on whose lease an image is wanted, carried to Fetch and open by their
// contexts.
type asker struct {
	from  artel.NodeID
	image artel.Hash
	owner artel.NodeID // zero: the shelf's

	mu    sync.Mutex
	grant *wire.Grant // of the owner, who was asked last
}

// of is whose image it is to the peers that are asked.
func (a *asker) of(s *shelf) artel.NodeID {
	if a.owner != (artel.NodeID{}) {
		return a.owner
	}
	return s.owner
}

func (a *asker) shown() *wire.Grant {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.grant
}

type (
	askerKey struct{} // *asker
	shownKey struct{} // wire.FindRequest: what a peer has shown on its stream
)

// Ensure implements provider.Images. An image that a registry has is everybody's, and
// so is one that its renter calls public; any other is the renter's own.
func (m *images) Ensure(ctx context.Context, from artel.NodeID, b artel.Box, t artel.Terms) (*image.Image, error) {
	owner := from
	if b.Source != "" || t.Label == artel.LabelPublic {
		owner = artel.NodeID{}
	}
	s, done, err := m.take(owner, true)
	if err != nil {
		return nil, err
	}
	defer done()
	ctx = context.WithValue(ctx, askerKey{}, &asker{from: from, image: b.Image})
	return s.store.Ensure(ctx, image.Want{
		Digest: image.Digest(b.Image), Source: b.Source, Limits: image.Limits{Pull: int64(min(t.Pull, artel.MaxPull))},
		Short: t.Label == artel.LabelPrivate && owner == from,
	}, nil)
}

// bring takes over an image that its account's own node has: from now on it is this
// node's own, or public if the job calls it that.
func (m *images) bring(ctx context.Context, from artel.NodeID, spec artel.JobSpec) error {
	a := &asker{from: from, image: spec.Box.Image, owner: from}
	owner := m.self
	if spec.Label == artel.LabelPublic {
		a.owner, owner = artel.NodeID{}, artel.NodeID{}
	}
	s, done, err := m.take(owner, true)
	if err != nil {
		return err
	}
	defer done()
	ctx = context.WithValue(ctx, askerKey{}, a)
	got, last := 0, error(nil)
	for _, p := range boxPlatforms() {
		err := s.store.Pull(ctx, image.Want{Digest: image.Digest(spec.Box.Image), Platform: p, Limits: image.Limits{Pull: int64(min(spec.Pull, artel.MaxPull))}}, nil)
		switch {
		case err == nil:
			got++
		case errors.Is(err, image.ErrPlatform), errors.Is(err, image.ErrNotFound): // it is for the other one alone
			last = err
		default:
			return err
		}
	}
	if got == 0 {
		return last
	}
	return nil
}

// Bounds of talking to peers about images.
const (
	maxAsked = 16
	askFor   = 5 * time.Second
	helloFor = 10 * time.Second
	grantFor = time.Hour
)

// serve answers a stream.
func (m *images) serve(ctx context.Context, from artel.NodeID, st p2p.Stream) {
	st.SetDeadline(m.now().Add(helloFor))
	kind, b, err := wire.ReadFrame(st, nil)
	if err != nil || kind != wire.FrameOpen {
		st.Reset()
		return
	}
	q, err := wire.UnmarshalFindRequest(b)
	if err != nil {
		st.Reset()
		return
	}
	st.SetDeadline(time.Time{})
	with := m.nobody
	if s, done, err := m.take(q.Owner, false); err == nil {
		defer done()
		with = s.swarm
	}
	if err := with.Serve(context.WithValue(ctx, shownKey{}, q), st, from); err != nil && ctx.Err() == nil {
		m.log.Debug("serve images", "peer", from.Short(), "error", err)
	}
}

// allow decides whether a peer may have a blob. It is asked within serve.
func (s *shelf) allow(ctx context.Context, peer artel.NodeID, root artel.Ref) error {
	q, ok := ctx.Value(shownKey{}).(wire.FindRequest)
	if !ok {
		return errors.New("it has shown nothing")
	}
	if err := s.may(ctx, peer, q); err != nil {
		return err
	}
	s.mu.Lock()
	pulling := s.pulling[s.pulled(root, q.Image)] > 0
	s.mu.Unlock()
	if pulling || s.has(q.Image, root) {
		return nil
	}
	return fmt.Errorf("%s asks for what is not of image %s", peer.Short(), q.Image.Short())
}

// has reports whether a blob belongs to an image.
func (s *shelf) has(img artel.Hash, root artel.Ref) bool {
	if s.owner == (artel.NodeID{}) {
		return s.store.Has(root)
	}
	for _, b := range s.store.Blobs(image.Digest(img)) {
		if b.Ref == root {
			return true
		}
	}
	return false
}

// may says why a peer may not have an image; nil: it may.
func (s *shelf) may(ctx context.Context, peer artel.NodeID, q wire.FindRequest) error {
	switch s.owner {
	case artel.NodeID{}, peer:
		return nil
	case s.m.self:
		if _, ok := s.m.leased(ctx, peer, q.Image); !ok {
			return fmt.Errorf("%s has no lease that names image %s", peer.Short(), q.Image.Short())
		}
		return nil
	}
	return q.Grant.Check(s.m.network, s.owner, q.Image, peer, uint64(s.m.now().Unix()))
}

// find implements wire.MethodFind. That an image is here is told to nobody who may
// not have it.
func (m *images) find(ctx context.Context, from artel.NodeID, req []byte) ([]byte, error) {
	q, err := wire.UnmarshalFindRequest(req)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "%v", err)
	}
	var resp wire.FindResponse
	s, done, err := m.take(q.Owner, false)
	if err != nil {
		return resp.Marshal(), nil
	}
	defer done()
	if err := s.may(ctx, from, q); err != nil {
		m.log.Debug("find image", "peer", from.Short(), "error", err)
		return resp.Marshal(), nil
	}
	if ref, size, ok := s.store.Ref(image.Digest(q.Digest)); ok && s.has(q.Image, ref) {
		resp.Ref, resp.Size = ref, uint64(size)
	}
	if s.owner == m.self {
		if label, ok := m.leased(ctx, from, q.Image); ok && label != artel.LabelPrivate {
			g := wire.SignGrant(m.network, m.key, q.Image, from, uint64(m.now().Add(grantFor).Unix()))
			resp.Grant = &g
		}
	}
	return resp.Marshal(), nil
}

// open dials a peer of a swarm, and shows it what it may want to see.
func (s *shelf) open(ctx context.Context, peer artel.NodeID, addrs []string) (blob.Stream, error) {
	a, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return nil, errors.New("no lease wants it")
	}
	st, err := s.m.host.OpenStream(ctx, peer, imageProtocol)
	for i := 0; err != nil && i < len(addrs); i++ {
		if s.m.host.Connect(ctx, addrs[i]) == nil {
			st, err = s.m.host.OpenStream(ctx, peer, imageProtocol)
			break
		}
	}
	if err != nil {
		return nil, err
	}
	st.SetDeadline(s.m.now().Add(helloFor))
	if err := wire.WriteFrame(st, wire.FrameOpen, wire.FindRequest{Owner: a.of(s), Image: a.image, Grant: a.shown()}.Marshal()); err != nil {
		st.Reset()
		return nil, err
	}
	st.SetDeadline(time.Time{})
	return st, nil
}

// Fetch implements image.Peers: it asks the node that rents and, for what is
// everybody's, those that are connected; and pulls from all that have the blob, and
// from those that pull it too. An own image's others are named by its owner's swarm
// alone: who is asked for it learns that there is such an image.
func (s *shelf) Fetch(ctx context.Context, d image.Digest, size int64, not []artel.Ref, progress func(int64)) (artel.Ref, error) {
	a, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return artel.Ref{}, fmt.Errorf("%w here", image.ErrNotFound)
	}
	holders := s.ask(ctx, a, d, size)
	for _, r := range not {
		delete(holders, r)
	}
	err := fmt.Errorf("%w: no peer says that it has %s", image.ErrNotFound, d)
	if s.owner != (artel.NodeID{}) {
		err = fmt.Errorf("%w: the node that rents does not serve %s; hint: keep it online until the task has begun, and give the image again with artel run --image PATH", image.ErrNotFound, d)
	}
	for ref, peers := range holders {
		o := swarm.Options{Progress: func(p blob.Progress) { progress(p.Done) }}
		if size > 0 {
			o.Limits.Bytes = size + size/64 + 64<<10 // and the blocks that list its leaves
		}
		p := s.pulled(ref, a.image)
		s.pull(p, 1)
		err = s.swarm.Fetch(ctx, ref, peers, o)
		s.pull(p, -1)
		if err == nil {
			return ref, nil
		}
	}
	return artel.Ref{}, err
}

func (s *shelf) pull(p pulled, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pulling[p] += n; s.pulling[p] == 0 {
		delete(s.pulling, p)
	}
}

// ask returns who says that it has a blob, by the ref that it names.
func (s *shelf) ask(ctx context.Context, a *asker, d image.Digest, size int64) map[artel.Ref][]artel.NodeID {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	var asked []artel.NodeID
	if a.from != (artel.NodeID{}) && a.from != s.m.self {
		asked = append(asked, a.from)
	}
	if s.owner == (artel.NodeID{}) {
		for _, p := range s.m.host.Peers() {
			if p.ID != a.from && len(asked) < maxAsked {
				asked = append(asked, p.ID)
			}
		}
	}
	req := wire.FindRequest{Digest: artel.Hash(d), Owner: a.of(s), Image: a.image}.Marshal()
	found := make([]artel.Ref, len(asked))
	var wg sync.WaitGroup
	for i, peer := range asked {
		wg.Go(func() {
			b, err := s.m.host.Call(ctx, peer, wire.MethodFind, req, wire.MaxSmall)
			if err != nil {
				return
			}
			r, err := wire.UnmarshalFindResponse(b)
			if err != nil {
				return
			}
			if size == 0 || r.Size == uint64(size) {
				found[i] = r.Ref
			}
			if peer == s.owner {
				a.mu.Lock()
				a.grant = r.Grant
				a.mu.Unlock()
			}
		})
	}
	wg.Wait()
	holders := map[artel.Ref][]artel.NodeID{}
	for i, ref := range found {
		if !ref.IsZero() {
			holders[ref] = append(holders[ref], asked[i])
		}
	}
	return holders
}
