// Package blob keeps and moves content-addressed bytes.
//
// A block is at most [MaxBlock] bytes and is named by the SHA-256 of its bytes
// (artel.Ref). A Store keeps blocks; everything else here is built above any
// Store:
//
//	AddFile AddDir MakeDir         host files  -> blocks
//	MakeFile                       blocks      -> a file of them
//	Open ReadDir Extract           blocks      -> host files
//	Fetch Serve                    blocks over a stream, from a stranger
//	GC Missing                     which blocks a root needs
//	---------------------------------------------------------------------
//	Store                          Get Put Size Delete List Usage Batch
//
// Files are UnixFS directed graphs (profile unixfs-v1-2025: CIDv1, raw leaves
// of 1 MiB, balanced, 1024 links a node), so that the CIDs are the ones that
// IPFS tools compute and the leaf of a file is the piece of a swarm.
// Sources: https://specs.ipfs.tech/unixfs/ and https://specs.ipfs.tech/ipips/ipip-0499/
//
// Bytes from outside are hostile until their hash has been compared: no block
// is kept before that, and no graph is followed further than Limits allow.
package blob

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/artel-network/artel"
)

// Sizes in bytes.
const (
	// MaxBlock is the largest block that is kept or moved.
	MaxBlock = 2 << 20
	// LeafSize is the length of every leaf of a file but the last.
	LeafSize = 1 << 20
)

// Errors to match with errors.Is. Each is wrapped with what was attempted.
var (
	// ErrNotFound says that the store does not hold the block.
	ErrNotFound = errors.New("block not found")
	// ErrMismatch says that bytes are not what their ref names.
	ErrMismatch = errors.New("bytes do not match the ref")
	// ErrTooBig says that a block is longer than MaxBlock.
	ErrTooBig = errors.New("block too big")
	// ErrFull says that a quota or the disk leaves no room.
	ErrFull = errors.New("store is full")
	// ErrMalformed says that a block is not a canonical dag-pb node of UnixFS,
	// or that the sizes it declares are not the sizes that were found.
	ErrMalformed = errors.New("malformed node")
	// ErrUnsupported says that a node is valid UnixFS but of a kind that is not
	// handled: a symlink, a sharded directory.
	ErrUnsupported = errors.New("unsupported node")
	// ErrLimit says that a graph or a directory is over the caller's Limits.
	ErrLimit = errors.New("over the limit")
	// ErrKind says that a file was met where a directory was meant, or the reverse.
	ErrKind = errors.New("wrong kind of node")
)

// Store keeps blocks by their ref. All methods may be called at once from
// many goroutines.
type Store interface {
	// Get returns the block. Its bytes were compared with ref on this very
	// read. A block that has rotted is taken out of the store and reported as
	// ErrMismatch, so that fetching it again mends it. Else ErrNotFound.
	// The caller may change the returned slice.
	Get(ctx context.Context, ref artel.Ref) ([]byte, error)

	// Put compares data with ref and keeps it. The block survives a power cut
	// once Put has returned nil. Putting a block again is no error and renews
	// its time. Errors: ErrMismatch, ErrTooBig, ErrFull; after any of them the
	// store is as before. data is not kept or changed.
	Put(ctx context.Context, ref artel.Ref, data []byte) error

	// Size returns the length of a block without reading its bytes.
	// ErrNotFound if the store does not hold it.
	Size(ctx context.Context, ref artel.Ref) (int64, error)

	// Renew is Size, and sets the block's time to now, as putting it again
	// would: Delete and GC with an earlier time leave it alone.
	Renew(ctx context.Context, ref artel.Ref) (int64, error)

	// Delete removes a block that was last put before the given time; the zero
	// time removes it in any case. A block that is absent, or younger, is no
	// error. Delete need not be durable: a block may be back after a power cut.
	Delete(ctx context.Context, ref artel.Ref, before time.Time) error

	// List yields every block in no order. Blocks put or deleted meanwhile may
	// or may not appear. The sequence ends after an error.
	List(ctx context.Context) iter.Seq2[Info, error]

	// Usage returns how much of the quota is taken.
	Usage(ctx context.Context) (Usage, error)

	// Batch returns a writer that makes many blocks durable at the price of
	// about one. It starts nothing.
	Batch(ctx context.Context) Batch
}

// Batch collects blocks that become visible and durable together at Commit.
// One goroutine uses it at a time.
type Batch interface {
	// Put is Store.Put, except that the block is neither visible nor durable
	// before Commit. It reserves room: ErrFull comes here, not at Commit.
	Put(ctx context.Context, ref artel.Ref, data []byte) error
	// Add is Put for one's own bytes: it computes the ref, as RefOf does, and
	// so need not compare it.
	Add(ctx context.Context, codec byte, data []byte) (artel.Ref, error)
	// Commit makes all blocks since the last Commit durable; only then are
	// they visible to Get. On an error some of them may have been kept; those
	// are whole. The batch may be used again either way.
	Commit(ctx context.Context) error
	// Close drops what was not committed. Closing twice is no error.
	Close() error
}

// Info describes one block of a store.
type Info struct {
	Ref  artel.Ref
	Size int64     // bytes
	Time time.Time // when it was last put or renewed
}

// Usage is the room of a store in bytes.
type Usage struct {
	Bytes int64 // taken, as the store counts it: never less than the sum of the blocks
	Limit int64 // most that may be taken; 0: no limit but the disk
}

// RefOf returns the ref of data, which is one block of the given codec
// (artel.CodecRaw or artel.CodecDagPB). ErrTooBig over MaxBlock.
func RefOf(codec byte, data []byte) (artel.Ref, error) {
	if len(data) > MaxBlock {
		return artel.Ref{}, tooBig(len(data))
	}
	return artel.NewRef(codec, sha256.Sum256(data))
}

// Verify compares data with ref. Errors: artel.ErrRef for the zero ref,
// ErrTooBig, ErrMismatch. Every Store calls it before keeping and after reading.
func Verify(ref artel.Ref, data []byte) error {
	switch {
	case ref.IsZero():
		return fmt.Errorf("%w: the zero ref names no block", artel.ErrRef)
	case len(data) > MaxBlock:
		return tooBig(len(data))
	case sha256.Sum256(data) != ref.Sum():
		return fmt.Errorf("%w: %d bytes", ErrMismatch, len(data))
	}
	return nil
}

func tooBig(n int) error {
	return fmt.Errorf("%w: %d bytes, at most %d; hint: split it with AddFile", ErrTooBig, n, MaxBlock)
}

// Has reports whether the store holds the block.
func Has(ctx context.Context, s Store, ref artel.Ref) (bool, error) {
	_, err := s.Size(ctx, ref)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Limits bound what a graph from outside, or a directory from a sandbox, may
// cost. A zero field means the value in DefaultLimits.
type Limits struct {
	Bytes  int64 // sum of the lengths of all files, each counted as often as it appears
	Files  int   // files and directories, each counted as often as it appears
	Depth  int   // directories within directories
	Blocks int   // blocks and links that are followed, each counted as often as it appears
}

// DefaultLimits suit the inputs and outputs of a task: 64 GiB in 100,000 files.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 30, Files: 100_000, Depth: 64, Blocks: 1 << 18}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Bytes == 0 {
		l.Bytes = d.Bytes
	}
	if l.Files == 0 {
		l.Files = d.Files
	}
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.Blocks == 0 {
		l.Blocks = d.Blocks
	}
	return l
}
