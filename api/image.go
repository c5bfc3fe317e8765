package api

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/artel-network/artel"
)

// Images turns what people call an image into what a lease names.
type Images interface {
	// Image finds an image and pins it by its digest. One from a registry is
	// looked up and, if others can have it from there, not fetched; one from a path (an OCI layout, a tar of one, or
	// what docker save wrote) is taken into the store, so that providers can have
	// it from this node.
	Image(ctx context.Context, r ImageRequest) (Image, error)
	// Images lists what this machine keeps, the latest used first.
	Images(ctx context.Context) (ImageList, error)
	// RemoveImages removes the images named, or all that nobody uses. One that is
	// named and in use, or that an open job runs on, is a conflict.
	RemoveImages(ctx context.Context, r RemoveImages) (FreedImages, error)
}

// Kinds of kept images.
const (
	ImagePublic = "public" // of a registry, or called public by who rents
	ImageOwn    = "own"    // of this node's own jobs
	ImageGuest  = "guest"  // another renter's own
)

// StoredImage is an image that this machine keeps.
type StoredImage struct {
	Digest   artel.Hash   `json:"digest"`
	Name     string       `json:"name,omitempty"` // the repository or file that it came from
	Kind     string       `json:"kind"`
	Renter   artel.NodeID `json:"renter,omitzero"` // whose it is, of ImageGuest
	Bytes    uint64       `json:"bytes"`           // as it travels
	Unpacked uint64       `json:"unpacked"`        // and laid out; 0: it is not
	Used     time.Time    `json:"used"`
	InUse    bool         `json:"inUse"`
}

// ImageRoom is what images may take, in bytes, and do. No limit is 0.
type ImageRoom struct {
	Limit uint64 `json:"limit"`
	Used  uint64 `json:"used"`
}

// ImageList is what this machine keeps. Own images and those of strangers, public
// ones among them, have a cap each.
type ImageList struct {
	Images []StoredImage `json:"images"`
	Own    ImageRoom     `json:"own"`
	Guests ImageRoom     `json:"guests"`
}

// RemoveImages names what is to go.
type RemoveImages struct {
	Digests []artel.Hash `json:"digests,omitempty"`
	Unused  bool         `json:"unused,omitempty"` // all that nobody uses
}

// FreedImages is what went. What images shared with others that stay is not in it.
type FreedImages struct {
	Images int    `json:"images"`
	Bytes  uint64 `json:"bytes"`
}

// ImageRequest names an image: by Name, as docker pull takes it, or by Path.
type ImageRequest struct {
	Name   string `json:"name,omitempty"`
	Path   string `json:"path,omitempty"`   // absolute; on the unix socket only
	Public bool   `json:"public,omitempty"` // anybody may have it; one that others cannot pull is refused then
}

// Image is an image that is pinned.
type Image struct {
	Digest    artel.Hash `json:"digest"`           // of its manifest or index
	Source    string     `json:"source,omitempty"` // the registry and name that anybody has it from; none: this node
	Bytes     uint64     `json:"bytes"`            // as it travels; of an index, its largest image
	Platforms []string   `json:"platforms"`        // linux/amd64, ...
}

func (s *Server) image(w http.ResponseWriter, r *http.Request, g Guard) (any, error) {
	q, err := body[ImageRequest](w, r)
	switch {
	case err != nil:
		return nil, err
	case (q.Name == "") == (q.Path == ""):
		return nil, Errorf(CodeInvalid, "image: want a name or a path")
	case q.Path != "" && !g.Local:
		return nil, Errorf(CodeForbidden, "paths are taken on the unix socket only").WithHint("push the image to a registry, and name it")
	case q.Path != "" && !filepath.IsAbs(q.Path):
		return nil, Errorf(CodeInvalid, "image %s: not an absolute path", clip(q.Path))
	}
	return s.node.Image(r.Context(), q)
}

// Image finds and pins an image.
func (c *Client) Image(ctx context.Context, r ImageRequest) (Image, error) {
	return call[Image](ctx, c, http.MethodPost, "/v1/images", nil, r)
}

func (s *Server) images(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	l, err := s.node.Images(r.Context())
	if l.Images == nil {
		l.Images = []StoredImage{}
	}
	return l, err
}

func (s *Server) removeImages(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[RemoveImages](w, r)
	switch {
	case err != nil:
		return nil, err
	case len(q.Digests) == 0 && !q.Unused:
		return nil, Errorf(CodeInvalid, "remove images: none is named")
	}
	return s.node.RemoveImages(r.Context(), q)
}

// Images lists the images that the machine keeps.
func (c *Client) Images(ctx context.Context) (ImageList, error) {
	return call[ImageList](ctx, c, http.MethodGet, "/v1/images", nil, nil)
}

// RemoveImages removes images.
func (c *Client) RemoveImages(ctx context.Context, r RemoveImages) (FreedImages, error) {
	return call[FreedImages](ctx, c, http.MethodPost, "/v1/images/remove", nil, r)
}
