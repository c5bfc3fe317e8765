package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/swarm"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/wire"
)

// swarmProtocol moves the blobs of images, which many want at once.
const swarmProtocol = "swarm/1"

// images is the container images of a daemon, for both roles: a renter's, which
// providers may have from it, and those that a provider runs.
type images struct {
	n     *Node
	store *image.Store
	swarm *swarm.Swarm
	// names are looked up for this machine's own user, who may name a registry on it.
	names image.Registries

	mu      sync.Mutex
	pulling map[artel.Ref]int // what is on its way here is passed on meanwhile
}

func (n *Node) openImages() (err error) {
	m := &images{n: n, pulling: map[artel.Ref]int{}, names: image.Registries{Insecure: n.c.InsecureRegistries, Loopback: true, DockerConfig: true}}
	m.swarm = swarm.New(swarm.Config{
		Self: n.c.Key.NodeID(), Store: n.blobs, Open: m.open, Allow: m.allow, Addrs: n.host.Addrs,
	})
	m.store, err = image.Open(n.c.Paths.Images(), n.blobs, image.Options{
		Registries: image.Registries{Insecure: n.c.InsecureRegistries}, Peers: m,
	})
	if err != nil {
		return fmt.Errorf("open images: %w", err)
	}
	n.images = m
	n.host.Handle(wire.MethodFind, wire.MaxSmall, m.find)
	n.host.HandleStream(swarmProtocol, func(ctx context.Context, from artel.NodeID, s p2p.Stream) {
		if err := m.swarm.Serve(ctx, s, from); err != nil && ctx.Err() == nil {
			n.c.Log.Debug("serve images", "peer", from.Short(), "error", err)
		}
	})
	return nil
}

// open dials a peer of a swarm.
func (m *images) open(ctx context.Context, peer artel.NodeID, addrs []string) (blob.Stream, error) {
	s, err := m.n.host.OpenStream(ctx, peer, swarmProtocol)
	if err == nil {
		return s, nil
	}
	for _, a := range addrs {
		if m.n.host.Connect(ctx, a) == nil {
			return m.n.host.OpenStream(ctx, peer, swarmProtocol)
		}
	}
	return nil, err
}

// allow lets anybody have what images are made of: who knows the digest has the
// image's name.
func (m *images) allow(_ context.Context, peer artel.NodeID, root artel.Ref) error {
	m.mu.Lock()
	pulling := m.pulling[root] > 0
	m.mu.Unlock()
	if !pulling && !m.store.Has(root) {
		return fmt.Errorf("%s asks for what is no image's", peer.Short())
	}
	return nil
}

// find implements wire.MethodFind.
func (m *images) find(_ context.Context, _ artel.NodeID, req []byte) ([]byte, error) {
	q, err := wire.UnmarshalFindRequest(req)
	if err != nil {
		return nil, p2p.Errorf(p2p.Invalid, "%v", err)
	}
	var resp wire.FindResponse
	if ref, size, ok := m.store.Ref(image.Digest(q.Digest)); ok {
		resp = wire.FindResponse{Ref: ref, Size: uint64(size)}
	}
	return resp.Marshal(), nil
}

// asker is who wants an image, carried to Fetch by its context.
type asker struct{ from artel.NodeID }

type askerKey struct{}

// Ensure implements provider.Images.
func (m *images) Ensure(ctx context.Context, from artel.NodeID, b artel.Box, pull uint64) (*image.Image, error) {
	ctx = context.WithValue(ctx, askerKey{}, asker{from})
	return m.store.Ensure(ctx, image.Want{
		Digest: image.Digest(b.Image), Source: b.Source, Limits: image.Limits{Pull: int64(min(pull, artel.MaxPull))},
	}, nil)
}

// Bounds of asking peers for a blob.
const (
	maxAsked = 16
	askFor   = 5 * time.Second
)

// Fetch implements image.Peers: it asks the node that rents, then those that are
// connected, and pulls from all that have the blob, and from those that pull it too.
func (m *images) Fetch(ctx context.Context, d image.Digest, size int64, not []artel.Ref, progress func(int64)) (artel.Ref, error) {
	a, _ := ctx.Value(askerKey{}).(asker)
	holders := m.ask(ctx, d, size, a.from)
	for _, r := range not {
		delete(holders, r)
	}
	err := error(image.ErrNotFound)
	for ref, peers := range holders {
		o := swarm.Options{Progress: func(p blob.Progress) { progress(p.Done) }}
		if size > 0 {
			o.Limits.Bytes = size + size/64 + 64<<10 // and the blocks that list its leaves
		}
		m.pull(ref, 1)
		err = m.swarm.Fetch(ctx, ref, peers, o)
		m.pull(ref, -1)
		if err == nil {
			return ref, nil
		}
	}
	return artel.Ref{}, err
}

func (m *images) pull(ref artel.Ref, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pulling[ref] += n; m.pulling[ref] == 0 {
		delete(m.pulling, ref)
	}
}

// ask returns who says that it has a blob, by the ref that it names.
func (m *images) ask(ctx context.Context, d image.Digest, size int64, first artel.NodeID) map[artel.Ref][]artel.NodeID {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	var asked []artel.NodeID
	if first != (artel.NodeID{}) && first != m.n.c.Key.NodeID() {
		asked = append(asked, first)
	}
	for _, p := range m.n.host.Peers() {
		if p.ID != first && len(asked) < maxAsked {
			asked = append(asked, p.ID)
		}
	}
	req := wire.FindRequest{Digest: artel.Hash(d)}.Marshal()
	found := make([]artel.Ref, len(asked))
	var wg sync.WaitGroup
	for i, peer := range asked {
		wg.Go(func() {
			b, err := m.n.host.Call(ctx, peer, wire.MethodFind, req, wire.MaxSmall)
			if err != nil {
				return
			}
			if r, err := wire.UnmarshalFindResponse(b); err == nil && (size == 0 || r.Size == uint64(size)) {
				found[i] = r.Ref
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

// Image implements api.Images.
func (n *Node) Image(ctx context.Context, r api.ImageRequest) (api.Image, error) {
	var pin image.Pinned
	var err error
	if r.Path != "" {
		pin, err = n.images.store.Add(ctx, r.Path, "", nil)
	} else {
		pin, err = n.images.names.Resolve(ctx, r.Name, image.Platform{})
	}
	if err != nil {
		return api.Image{}, imageError(err)
	}
	i := api.Image{Digest: artel.Hash(pin.Digest), Source: pin.Source, Bytes: uint64(max(pin.Size, 0))}
	for _, p := range pin.Platforms {
		i.Platforms = append(i.Platforms, p.String())
	}
	return i, nil
}

func imageError(err error) error {
	code := api.CodeInvalid
	switch {
	case errors.Is(err, image.ErrNotFound):
		code = api.CodeNotFound
	case errors.Is(err, image.ErrAuth):
		code = api.CodeForbidden
	case errors.Is(err, image.ErrRegistry):
		code = api.CodeUnavailable
	case errors.Is(err, image.ErrFull), errors.Is(err, image.ErrTooLarge):
		code = api.CodeTooLarge
	case !errors.Is(err, image.ErrMalformed) && !errors.Is(err, image.ErrUnsupported) && !errors.Is(err, image.ErrDigest) && !errors.Is(err, image.ErrPlatform):
		return err
	}
	return api.Errorf(code, "%v", err)
}
