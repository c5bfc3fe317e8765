// Package checkpoint turns the state of an attempt into content-addressed,
// encrypted, deduplicated blocks, and back.
//
// The state is a directory: the files that a program keeps, raw memory of a
// sandbox, or both. Each Save makes a generation, which refers to what earlier
// ones stored and adds what changed:
//
//	root      UnixFS file that is no file: a list of all blocks below, in the clear
//	 ├─ head  sealed: task, generation, parent, digest, list of packs, where the index is
//	 ├─ pack  sealed, zstd: up to 1.75 MiB of chunks, each pack written once
//	 └─ …
//	index     in packs: names, modes, times, and of which chunks each file consists
//	chunk     in packs: a page of 4 KiB, or a piece of a file cut where its content says
//
// A keeper is told the root and needs no key: blob.Fetch brings what it lacks,
// blob.GC keeps what is below it, Verify reads all of it. It sees how many blocks
// there are, how long they are and which generations share them; and nothing else.
//
// Who has the key trusts the saver with the content, and with nothing more: what
// a head, an index or a pack says is a stranger's word, held against Limits
// before anything is written. docs/spec/checkpoint.md has the layouts.
package checkpoint

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
)

// Errors to match with errors.Is, beside those of package blob: ErrNotFound and
// ErrMismatch for a block that is withheld or has rotted.
var (
	// ErrKey says that sealed bytes do not open: another key, or a forgery.
	ErrKey = errors.New("checkpoint does not open with this key")
	// ErrMalformed says that a checkpoint makes no sense.
	ErrMalformed = errors.New("malformed checkpoint")
	// ErrOther says that a checkpoint is sound, but of another task or
	// generation, or other content, than what was asked for.
	ErrOther = errors.New("another checkpoint")
	// ErrLimit says that a checkpoint, or a directory, is over Limits.
	ErrLimit = errors.New("checkpoint over the limit")
	// ErrUnsupported says that a directory holds what is not kept: a device, a
	// pipe, a socket, a link that leads out.
	ErrUnsupported = errors.New("not kept in checkpoints")
	// ErrChanged says that a file changed while it was read.
	ErrChanged = errors.New("changed while it was saved")
)

// Sizes of the format, in bytes unless said otherwise.
const (
	// PageSize is the unit in which memory is compared.
	PageSize = 4096
	// packPlain is the most that a pack holds: what does not compress, and its
	// table, still fit into a block.
	packPlain = 7 << 18
	// packChunks is the most chunks of a pack.
	packChunks = 1 << 16
	// smallPack is the length below which a pack is worth merging with others.
	smallPack = packPlain / 4
	// smallPacks is how many small ones are left alone.
	smallPacks = 8
	maxName    = 255
	maxDepth   = 64
	maxExtra   = 64 << 10
)

// Limits bound what a checkpoint may cost. A zero field means the value in
// DefaultLimits.
type Limits struct {
	Bytes  int64 // of all files, holes included
	Stored int64 // of all blocks
	Files  int   // files, directories and links
	Packs  int   // at most 32,768
	Index  int64 // bytes of names and chunk lists; in memory while restoring
	Chunks int   // different pieces of files; some 150 bytes each in memory
	Runs   int   // neighbouring chunks that come from one place; 24 bytes each in memory
}

// DefaultLimits suit a sandbox with 32 GiB in use, 64 GiB with its holes.
func DefaultLimits() Limits {
	return Limits{Bytes: 64 << 30, Stored: 64 << 30, Files: 100_000, Packs: maxPacks, Index: 64 << 20, Chunks: 8 << 20, Runs: 4 << 20}
}

// maxPacks is what a head has room for, of 40 bytes each.
const maxPacks = 32_768

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		Bytes: cmp.Or(l.Bytes, d.Bytes), Stored: cmp.Or(l.Stored, d.Stored), Files: cmp.Or(l.Files, d.Files),
		Packs: min(cmp.Or(l.Packs, d.Packs), maxPacks), Index: cmp.Or(l.Index, d.Index),
		Chunks: cmp.Or(l.Chunks, d.Chunks), Runs: cmp.Or(l.Runs, d.Runs),
	}
}

// Meta is what the saver says of a generation. All of it is sealed.
type Meta struct {
	Task    artel.Hash // whose state this is; a key belongs to one task
	Attempt uint32     // which try made it
	Lease   artel.Hash // under which
	// Extra is for whoever restores: CPU class, sandbox version. At most 64 KiB.
	Extra []byte
}

// Want is what a restorer asks for. The root alone names the very bytes: Want
// holds them against what a receipt says, so that an older generation in the
// place of the newest is found out.
type Want struct {
	Task       artel.Hash
	Generation uint64     // 1, 2, 3 …; 0: any
	Digest     artel.Hash // of the tree; zero: any
}

// Options are how a directory is saved or restored. The zero value is good.
type Options struct {
	Limits Limits
	// Pages says which files change in place, page by page, as memory does and
	// databases do: path has slashes, head is how the file begins. nil: InPlace. Other
	// files are cut where their content says, so that bytes that moved are found again.
	Pages func(path string, head []byte) bool
}

// InPlace reports whether a file is gVisor's memory (pages.img) or begins as an
// SQLite database does, https://www.sqlite.org/fileformat2.html: cut by content, a
// changed page of one costs nearly three.
func InPlace(name string, head []byte) bool {
	return path.Base(name) == "pages.img" || strings.HasPrefix(string(head), "SQLite format 3\x00")
}

// headPeek is how much of a file Options.Pages is shown.
const headPeek = 64

// Info is what a head says of its generation.
type Info struct {
	Meta
	Root       artel.Ref // names the generation, to keepers and in receipts
	Parent     artel.Ref // the root of the generation before; zero for the first
	Generation uint64
	Digest     artel.Hash // of the tree: names, modes, times, content
	Bytes      int64      // of all files
	Stored     int64      // of all blocks, those shared with earlier generations included
	Files      int        // and directories and links
}

// Manifest is a generation that was saved, restored or loaded. Nothing changes it,
// so it may serve as the parent of several.
type Manifest struct {
	Info

	packs []packInfo // by rising id
	next  uint32     // id of the next pack
	// Known from having read every chunk, and what Save needs of a parent:
	where map[chunkID]known
	live  []int64 // bytes of each of packs that are in use
}

// Blocks returns how many blocks a keeper holds for the generation, nodes of the
// list not counted.
func (m *Manifest) Blocks() int { return len(m.packs) + 1 }

// Stats is what a Save did, in bytes.
type Stats struct {
	Files   int
	Bytes   int64 // of all files
	Zero    int64 // of them, pages and stretches of zeros: never stored
	Changed int64 // of them, not in the generation before
	Moved   int64 // of them, written again because their pack had become too empty
	Sent    int64 // of all blocks that this generation added: what has to travel
	Stored  int64 // of all its blocks
	Packs   int   // all
	Added   int   // of them, new
}

// packInfo is a line of the list of packs.
type packInfo struct {
	id     uint32
	born   uint64 // the generation that wrote it
	plain  uint32 // bytes before compression and sealing
	sealed uint32 // bytes of the block
	ref    artel.Ref
}

func (p packInfo) part() blob.Part { return blob.Part{Ref: p.ref, Size: int64(p.sealed)} }

// chunkID names a chunk in the memory of a process that has the key: sealer.id.
type chunkID [16]byte

// known is what is remembered of a chunk.
type known struct {
	at  place
	sum [32]byte
}

// place is where a chunk is: the pack's id, and the chunk's number in it.
type place uint64

func at(pack uint32, n int) place { return place(pack)<<16 | place(n) }
func (p place) pack() uint32      { return uint32(p >> 16) }
func (p place) n() int            { return int(p & (packChunks - 1)) }

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func overLimit(what string, n, most int64) error {
	return fmt.Errorf("%w: %d %s, at most %d", ErrLimit, n, what, most)
}
