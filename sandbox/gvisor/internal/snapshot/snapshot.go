//go:build linux

// Package snapshot is the layout of a checkpoint's directory, and the part of it
// that is not gVisor's: facts, file trees, log. Regular files of fixed names only:
//
//	checkpoint.json   Facts; written last, so that what has one is whole
//	checkpoint.img    gVisor's: the kernel's objects
//	pages_meta.img    gVisor's: where the pages of pages.img belong
//	pages.img         memory, and what was written above the image: pages of 4 KiB, as they are
//	files.json        the entries of /out and /checkpoint, one a line
//	files.img         their contents, each at a multiple of 4 KiB; holes are holes
//	log               what is kept of the log
//
// A checkpoint comes from strangers. Reading limits what it takes by what the reader says,
// and makes nothing outside of the directories that it is given.
package snapshot

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// Names of a checkpoint's files.
const (
	FactsFile     = "checkpoint.json"
	StateFile     = "checkpoint.img"
	PagesMetaFile = "pages_meta.img"
	PagesFile     = "pages.img"
	IndexFile     = "files.json"
	ContentFile   = "files.img"
	LogFile       = "log"
)

// Images are all files but the first.
var Images = []string{StateFile, PagesMetaFile, PagesFile, IndexFile, ContentFile, LogFile}

// Page is what contents are aligned to, in bytes.
const Page = 4096

// Facts is FactsFile.
type Facts struct {
	sandbox.Checkpoint
	// Descriptors is the program's limit of open files, which is the taking host's.
	Descriptors uint64 `json:"descriptors"`
	// Files are those of Images.
	Files map[string]File `json:"files"`
}

// File is what damage is found by. Forgery is not: a CRC is no signature.
type File struct {
	Bytes int64  `json:"bytes"`
	CRC   uint32 `json:"crc32c"`
}

// maxFacts bounds FactsFile, in bytes; maxBytes a checkpoint, so that sums do not overflow.
const (
	maxFacts = 64 << 10
	maxBytes = int64(1) << 50
)

// ErrDamaged is wrapped where a checkpoint is not what its facts say.
var ErrDamaged = errors.New("the checkpoint is damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// ReadFacts reads FactsFile and compares the files' sizes with it.
func ReadFacts(dir string) (Facts, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Facts{}, err
	}
	defer root.Close()
	f, err := open(root, FactsFile)
	if err != nil {
		return Facts{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFacts+1))
	if err != nil {
		return Facts{}, fmt.Errorf("read %s: %w", FactsFile, err)
	}
	facts, err := ParseFacts(b)
	if err != nil {
		return Facts{}, err
	}
	for _, name := range Images {
		f, err := open(root, name)
		if err != nil {
			return Facts{}, err
		}
		info, err := f.Stat()
		_ = f.Close()
		if err != nil {
			return Facts{}, err
		}
		if info.Size() != facts.Files[name].Bytes {
			return Facts{}, damaged("%s has %d bytes and should have %d", name, info.Size(), facts.Files[name].Bytes)
		}
	}
	return facts, nil
}

// ParseFacts reads the content of FactsFile.
func ParseFacts(b []byte) (Facts, error) {
	var f Facts
	if len(b) > maxFacts {
		return Facts{}, damaged("%s is larger than %d bytes", FactsFile, maxFacts)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return Facts{}, damaged("%s cannot be read: %v", FactsFile, err)
	}
	var sum int64
	for _, name := range Images {
		file, ok := f.Files[name]
		if !ok || file.Bytes < 0 || file.Bytes > maxBytes {
			return Facts{}, damaged("%s says nothing sensible of %s", FactsFile, name)
		}
		sum += file.Bytes
	}
	switch {
	case len(f.Files) != len(Images):
		return Facts{}, damaged("%s names further files", FactsFile)
	case f.CPUMillis < 0, f.WallMillis < 0, f.PauseMillis < 0, f.LogBytes < f.Files[LogFile].Bytes, f.Bytes != sum, f.LogBytes > maxBytes:
		return Facts{}, damaged("the figures in %s cannot be", FactsFile)
	case f.Files[PagesFile].Bytes%Page != 0, f.Files[ContentFile].Bytes%Page != 0:
		return Facts{}, damaged("pages are cut short")
	case f.Files[StateFile].Bytes == 0:
		return Facts{}, damaged("%s is empty", StateFile)
	case !slices.IsSorted(f.Needs.CPU.Features):
		return Facts{}, damaged("the processor's features are in disorder")
	}
	return f, nil
}

// open opens a regular file, and never waits for one that is none.
func open(root *os.Root, name string) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ELOOP) {
		return nil, damaged("there is no file %s", name)
	} else if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, damaged("%s is no file", name)
	}
	return f, nil
}

// Seal measures the files and writes FactsFile.
func Seal(root *os.Root, facts Facts) (Facts, error) {
	facts.Files, facts.Bytes = map[string]File{}, 0
	for _, name := range Images {
		file, err := measure(root, name, func() error { return nil })
		if err != nil {
			return Facts{}, fmt.Errorf("measure %s: %w", name, err)
		}
		facts.Files[name] = file
		facts.Bytes += file.Bytes
	}
	b, err := json.Marshal(facts)
	if err != nil {
		return Facts{}, err
	}
	if _, err := ParseFacts(b); err != nil {
		return Facts{}, fmt.Errorf("a checkpoint that could not be read: %w", err)
	}
	const fresh = FactsFile + ".new"
	if err := root.WriteFile(fresh, b, 0o600); err != nil {
		return Facts{}, fmt.Errorf("write %s: %w", FactsFile, err)
	}
	return facts, root.Rename(fresh, FactsFile)
}

// Verify reads all files and compares them with the facts. stop, called again and
// again, ends it early.
func Verify(dir string, facts Facts, stop func() error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range Images {
		file, err := measure(root, name, stop)
		if err != nil {
			return err
		}
		if file != facts.Files[name] {
			return damaged("the content of %s is not what was written", name)
		}
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func measure(root *os.Root, name string, stop func() error) (File, error) {
	f, err := open(root, name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	n, err := io.CopyBuffer(sum, pieces{f, stop}, make([]byte, 1<<20))
	return File{Bytes: n, CRC: sum.Sum32()}, err
}

// pieces is a file of which more is read as long as stop does not object.
type pieces struct {
	f    *os.File
	stop func() error
}

func (p pieces) Read(b []byte) (int, error) {
	if err := p.stop(); err != nil {
		return 0, err
	}
	return p.f.Read(b)
}

// Clear removes what a checkpoint that was not finished has left.
func Clear(root *os.Root) {
	for _, name := range append([]string{FactsFile, FactsFile + ".new"}, Images...) {
		_ = root.Remove(name)
	}
}
