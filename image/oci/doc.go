// Package oci holds the words of container images: digests, platforms,
// descriptors, manifests, image configurations. It decodes them within limits
// and writes images of its own (Build). It fetches and unpacks nothing.
//
// Sources: https://github.com/opencontainers/image-spec (v1.1), and Docker's
// "Image Manifest V2, Schema 2", which differs in media types alone.
package oci

import "errors"

// Errors to match with errors.Is. Each is wrapped with what was attempted.
var (
	// ErrMalformed says that bytes are not what their place asks for: no JSON, a
	// list that is too long, a layer that is no archive.
	ErrMalformed = errors.New("malformed image")
	// ErrUnsupported says that an image is sound but of a kind that is not handled.
	ErrUnsupported = errors.New("unsupported image")
	// ErrDigest says that bytes are not those that a digest names.
	ErrDigest = errors.New("bytes do not match the digest")
	// ErrPlatform says that an image has nothing for this kind of machine.
	ErrPlatform = errors.New("image is for another platform")
)

// Bounds of what is decoded.
const (
	// MaxDocument is the most bytes of a manifest, an index or a configuration; the
	// distribution specification asks registries for as much.
	MaxDocument = 4 << 20
	// MaxLayers of an image. Docker itself stops at 127.
	MaxLayers = 256
	// MaxManifests of an index.
	MaxManifests = 256
)

// Media types. Docker's own mean the same as OCI's.
const (
	TypeIndex     = "application/vnd.oci.image.index.v1+json"
	TypeManifest  = "application/vnd.oci.image.manifest.v1+json"
	TypeConfig    = "application/vnd.oci.image.config.v1+json"
	TypeLayer     = "application/vnd.oci.image.layer.v1.tar"
	TypeLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip"
	TypeLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd"

	TypeDockerIndex     = "application/vnd.docker.distribution.manifest.list.v2+json"
	TypeDockerManifest  = "application/vnd.docker.distribution.manifest.v2+json"
	TypeDockerConfig    = "application/vnd.docker.container.image.v1+json"
	TypeDockerLayer     = "application/vnd.docker.image.rootfs.diff.tar"
	TypeDockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	TypeDockerLayerZstd = "application/vnd.docker.image.rootfs.diff.tar.zstd"
)
