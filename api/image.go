package api

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/artel-network/artel"
)

// Images turns what people call an image into what a lease names.
type Images interface {
	// Image finds an image and pins it by its digest. One from a registry is
	// looked up and not fetched; one from a path (an OCI layout, a tar of one, or
	// what docker save wrote) is taken into the store, so that providers can have
	// it from this node.
	Image(ctx context.Context, r ImageRequest) (Image, error)
}

// ImageRequest names an image: by Name, as docker pull takes it, or by Path.
type ImageRequest struct {
	Name string `json:"name,omitempty"`
	Path string `json:"path,omitempty"` // absolute; on the unix socket only
}

// Image is an image that is pinned.
type Image struct {
	Digest    artel.Hash `json:"digest"`           // of its manifest or index
	Source    string     `json:"source,omitempty"` // the registry and name it is to be had from; none: this node
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
