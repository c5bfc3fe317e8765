package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image"
)

// Image implements api.Images. What others could not pull, for it lies on this disk,
// in a registry on this machine or in one that wants credentials, is taken in, and
// providers have it from here.
func (n *Node) Image(ctx context.Context, r api.ImageRequest) (api.Image, error) {
	pin, err := n.images.pin(ctx, r)
	if err != nil {
		return api.Image{}, imageError(err)
	}
	i := api.Image{Digest: artel.Hash(pin.Digest), Source: pin.Source, Bytes: uint64(max(pin.Size, 0))}
	for _, p := range pin.Platforms {
		i.Platforms = append(i.Platforms, p.String())
	}
	return i, nil
}

// boxPlatforms are what container boxes run on.
func boxPlatforms() []image.Platform {
	return []image.Platform{{OS: "linux", Arch: "amd64"}, {OS: "linux", Arch: "arm64"}}
}

func (m *images) pin(ctx context.Context, r api.ImageRequest) (image.Pinned, error) {
	owner := m.self
	if r.Public {
		owner = artel.NodeID{}
	}
	s, done, err := m.take(owner, true)
	if err != nil {
		return image.Pinned{}, err
	}
	defer done()
	if r.Path != "" {
		return s.store.Add(ctx, r.Path, "", nil)
	}
	pin, err := m.names.Resolve(ctx, r.Name, image.Platform{})
	if err != nil || !pin.Private {
		return pin, err
	}
	if r.Public {
		return image.Pinned{}, fmt.Errorf("%w: others cannot pull %s, so it is not public; hint: without --label public your machines get it from this node, and nobody else does", image.ErrAuth, pin.Source)
	}
	// With this user's credentials, which no provider ever sees.
	if s, done, err = m.take(m.self, true); err != nil {
		return image.Pinned{}, err
	}
	defer done()
	var got []image.Platform
	for _, p := range boxPlatforms() {
		if !slices.ContainsFunc(pin.Platforms, p.Runs) {
			continue
		}
		if err := s.store.Pull(ctx, image.Want{Digest: pin.Digest, Source: pin.Source, Platform: p}, nil); err != nil {
			return image.Pinned{}, err
		}
		got = append(got, p)
	}
	if len(got) == 0 {
		return image.Pinned{}, fmt.Errorf("%w: it is for %v; hint: containers run on linux/amd64 and linux/arm64", image.ErrPlatform, pin.Platforms)
	}
	pin.Source, pin.Platforms = "", got
	return pin, nil
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
	case errors.Is(err, image.ErrInUse):
		code = api.CodeConflict
	case !errors.Is(err, image.ErrMalformed) && !errors.Is(err, image.ErrUnsupported) && !errors.Is(err, image.ErrDigest) && !errors.Is(err, image.ErrPlatform):
		return err
	}
	return api.Errorf(code, "%v", err)
}

// Images implements api.Images.
func (n *Node) Images(context.Context) (api.ImageList, error) {
	m := n.images
	l := api.ImageList{Own: api.ImageRoom{Limit: uint64(max(m.own.Limit(), 0)), Used: uint64(m.own.Usage())}, Guests: api.ImageRoom{Limit: uint64(max(m.guests.Limit(), 0)), Used: uint64(m.guests.Usage())}}
	for _, s := range m.all() {
		for _, i := range s.store.List() {
			x := api.StoredImage{Digest: artel.Hash(i.Digest), Name: i.Name, Bytes: uint64(i.Size), Unpacked: uint64(i.Unpacked), Used: i.Used, InUse: i.InUse, Kind: api.ImageGuest}
			switch s.owner {
			case artel.NodeID{}:
				x.Kind = api.ImagePublic
			case m.self:
				x.Kind = api.ImageOwn
			default:
				x.Renter = s.owner
			}
			l.Images = append(l.Images, x)
		}
	}
	slices.SortFunc(l.Images, func(a, b api.StoredImage) int {
		return cmp.Or(b.Used.Compare(a.Used), slices.Compare(a.Digest[:], b.Digest[:]))
	})
	return l, nil
}

// RemoveImages implements api.Images.
func (n *Node) RemoveImages(ctx context.Context, r api.RemoveImages) (api.FreedImages, error) {
	var f api.FreedImages
	for _, s := range n.images.all() {
		for _, i := range s.store.List() {
			named := slices.Contains(r.Digests, artel.Hash(i.Digest))
			if !named && !r.Unused {
				continue
			}
			freed, err := s.store.Remove(ctx, i.Digest)
			switch {
			case errors.Is(err, image.ErrInUse) && !named, errors.Is(err, image.ErrNotFound):
				continue
			case err != nil:
				return f, imageError(err)
			}
			f.Images += freed.Images
			f.Bytes += uint64(freed.Unpacked + freed.Blobs)
		}
	}
	return f, errors.Join(n.images.clearShelves())
}
