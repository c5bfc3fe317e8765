// Package image brings container images onto a machine: it finds what a name
// means today (Registries.Resolve), keeps images by digest (Store), and unpacks
// them once into a directory that any number of boxes share (Store.Ensure).
//
//	name:tag ──Resolve──▶ digest ──lease──▶ Ensure: own store → peers → registry
//	*.tar, OCI layout ──Add──▶ digest                 │
//	                                                  ▼
//	                                  Image{Root, Config, …}, Release
//
// The bytes of an image (manifest, configuration, layers) are files of a
// blob.Store; a Store keeps which blob each digest is, so that peers can have it.
//
// Images, registries and peers are strangers. Every byte is compared with the
// digest that the lease names or a document that it leads to; sizes in documents
// are claims, and hold only as upper bounds; layers are laid out by
// internal/unpack, which says what they cannot do. A registry that a stranger
// names is reached at public addresses over https only.
package image

import (
	"cmp"
	"context"
	"errors"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image/internal/unpack"
	"github.com/artel-network/artel/image/oci"
)

// Digest names a manifest, an index, a configuration or a layer.
type Digest = oci.Digest

// Platform is the kind of machine that an image is for.
type Platform = oci.Platform

// Errors to match with errors.Is. Each is wrapped with what was attempted.
var (
	// ErrUnsafe says that a layer holds what an honest one does not.
	ErrUnsafe = unpack.ErrUnsafe
	// ErrTooLarge says that an image is over a limit of the Want.
	ErrTooLarge = unpack.ErrTooLarge
	// ErrFull says that the store's cap or the disk leaves no room.
	ErrFull = unpack.ErrFull
	// ErrDigest says that bytes are not those that a digest names.
	ErrDigest = oci.ErrDigest
	// ErrMalformed says that bytes are no image.
	ErrMalformed = oci.ErrMalformed
	// ErrUnsupported says that an image is of a kind that is not handled.
	ErrUnsupported = oci.ErrUnsupported
	// ErrPlatform says that an image has nothing for this kind of machine.
	ErrPlatform = oci.ErrPlatform
	// ErrNotFound says that nobody who was asked has it.
	ErrNotFound = errors.New("image not found")
	// ErrAuth says that a registry wants other credentials, or any.
	ErrAuth = errors.New("registry refuses access")
	// ErrRegistry says that a registry could not be reached, or broke off too often.
	ErrRegistry = errors.New("registry does not answer as it should")
	// ErrInUse says that an image cannot go now.
	ErrInUse = errors.New("image is in use")
	// ErrHost says that this machine's system cannot unpack images.
	ErrHost = errors.New("images can be unpacked on Linux only")
)

// Want is the image that a lease asks for.
type Want struct {
	// Digest of a manifest, or of an index, of which the part for this machine's
	// platform is taken.
	Digest Digest
	// Source is the repository to pull from, like "docker.io/library/python"; a
	// tag in it means nothing. Empty: the own store and peers alone.
	Source string
	// Short marks the image in the store's list as one to go when nobody has a lease
	// on it any more.
	Short bool
	// Platform, for Pull alone, is which part of an index is taken; zero: the store's.
	Platform Platform
	// Limits bound the image; zero fields mean those of DefaultLimits.
	Limits Limits
}

// Limits bound what an image may cost.
type Limits struct {
	Pull    int64 // bytes of manifest, configuration and layers, as they are moved
	Bytes   int64 // bytes of files that the layers unpack to
	Entries int   // files, directories and links that the layers hold
}

// DefaultLimits are what a zero field of Limits means.
func DefaultLimits() Limits {
	return Limits{Pull: 16 << 30, Bytes: 32 << 30, Entries: 1_000_000}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{Pull: cmp.Or(l.Pull, d.Pull), Bytes: cmp.Or(l.Bytes, d.Bytes), Entries: cmp.Or(l.Entries, d.Entries)}
}

// Progress is how far an Ensure has come.
type Progress struct {
	Stage string // "pull", then "unpack"; layers are unpacked while others come
	// Done and Total are bytes of the image as they are moved. Total is the
	// manifest's claim, and 0 before there is one.
	Done, Total int64
	// Peers and Registry are the bytes that came from there.
	Peers, Registry int64
}

// Peers asks other nodes for blobs before the registry is. It is implemented
// above the blob store that the Store was opened with.
type Peers interface {
	// Fetch brings the OCI blob of this digest into the blob store and returns its
	// root. size is what the manifest claims, 0 where there is none. not lists roots
	// that were offered before and proved to be other bytes. progress may be called
	// with the bytes that have come. Any error sends the store to the registry.
	Fetch(ctx context.Context, d Digest, size int64, not []artel.Ref, progress func(done int64)) (artel.Ref, error)
}

// Config says how an image is run.
type Config struct {
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	Env        []string `json:"env,omitempty"`  // NAME=value
	Dir        string   `json:"dir"`            // the working directory; it exists
	User       string   `json:"user"`           // "uid:gid", in numbers
	Home       string   `json:"home,omitempty"` // of that user, if the image says
	StopSignal string   `json:"stopSignal,omitempty"`
}

// Image is an unpacked image, good until Release.
type Image struct {
	// Root is the directory of its files. Nobody may write below it.
	Root string
	// Config says how it is run.
	Config Config
	// Digest is what was wanted, Manifest the part that this machine took.
	Digest, Manifest Digest
	// Platform is what the image was built for.
	Platform Platform
	// Size is what Root takes on the disk, in bytes.
	Size int64
	// Pulled is what this Ensure moved; zero if all was here.
	Pulled Progress

	release func()
}

// Release gives the image back: it may go when room is needed. Calling it again
// does nothing, nor for an Image that no Store has given out.
func (i *Image) Release() {
	if i.release != nil {
		i.release()
	}
}
