package image

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/artel-network/artel/image/internal/unpack"
)

// source is a layout or an archive on this host: files by name.
type source struct {
	dir   *os.Root        // a directory, or
	file  *os.File        // an archive
	files map[string]span // of the archive
	links map[string]string
	temp  string // to be removed
}

// span is where a file lies in an archive.
type span struct{ at, size int64 }

// maxArchive bounds what a compressed archive on this host may become, in bytes,
// and maxFiles how many files any archive has.
const (
	maxArchive = 256 << 30
	maxFiles   = 100_000
)

func (s *Store) openSource(name string) (*source, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		root, err := os.OpenRoot(name)
		return &source{dir: root}, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: neither a file nor a directory", ErrMalformed)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	src := &source{file: f, files: map[string]span{}, links: map[string]string{}}
	if err = src.plain(s); err == nil {
		err = src.scan()
	}
	if err != nil {
		src.close()
		return nil, err
	}
	return src, nil
}

// plain uncompresses the archive to a file of the store, if need be: its parts are
// not read in their order.
func (src *source) plain(s *Store) error {
	head := make([]byte, 4)
	if _, err := src.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return err
	}
	if !bytes.HasPrefix(head, []byte{0x1f, 0x8b}) && !bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) {
		return nil
	}
	r, done, err := unpack.Uncompress(src.file)
	if err != nil {
		return err
	}
	defer done()
	src.temp = s.tempPath()
	f, err := os.OpenFile(src.temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return full(err)
	}
	packed := src.file
	defer packed.Close()
	src.file = f
	n, err := io.Copy(f, io.LimitReader(r, maxArchive))
	switch {
	case err != nil:
		return fmt.Errorf("uncompress: %w", full(err))
	case n == maxArchive:
		return fmt.Errorf("%w: it unpacks to %d bytes or more", ErrTooLarge, n)
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// scan notes where each file lies. archive/tar reads headers block by block and
// seeks over data, so the file stands at the data after each header.
func (src *source) scan() error {
	t := tar.NewReader(src.file)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: it is no archive, or is cut short: %w", ErrMalformed, err)
		}
		if n >= maxFiles {
			return fmt.Errorf("%w: an archive of more than %d files", ErrMalformed, maxFiles)
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			for key := range h.PAXRecords {
				if strings.HasPrefix(key, "GNU.sparse.") {
					return fmt.Errorf("%w: %.100q is a sparse file; hint: write the archive without --sparse", ErrUnsupported, h.Name)
				}
			}
			at, err := src.file.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			src.files[name] = span{at, h.Size}
		case tar.TypeSymlink: // Docker's way to name a layer twice
			src.links[name] = path.Join(path.Dir(name), h.Linkname)
		case tar.TypeLink:
			src.links[name] = path.Clean(h.Linkname)
		}
	}
}

// open returns a file's bytes and their number. fs.ErrNotExist.
func (src *source) open(name string) (io.ReadCloser, int64, error) {
	name = path.Clean(name)
	if src.dir != nil {
		f, err := src.dir.Open(name)
		if err != nil {
			return nil, 0, err
		}
		info, err := f.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%w: %.100q is not a file", ErrMalformed, name)
		}
		if err != nil {
			f.Close()
			return nil, 0, err
		}
		return f, info.Size(), nil
	}
	for range 4 {
		if to, ok := src.links[name]; ok {
			name = to
		}
	}
	s, ok := src.files[name]
	if !ok {
		return nil, 0, fmt.Errorf("%.100q: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(io.NewSectionReader(src.file, s.at, s.size)), s.size, nil
}

func (src *source) has(name string) bool {
	r, _, err := src.open(name)
	if err == nil {
		r.Close()
	}
	return err == nil
}

// read returns a small file.
func (src *source) read(name string, max int64) ([]byte, error) {
	r, n, err := src.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if n > max {
		return nil, fmt.Errorf("%w: %.100q has %d bytes, at most %d", ErrMalformed, name, n, max)
	}
	return io.ReadAll(io.LimitReader(r, max))
}

// close gives the files back. Nothing was written to them that is kept.
func (src *source) close() {
	if src.dir != nil {
		src.dir.Close()
	}
	if src.file != nil {
		src.file.Close()
	}
	if src.temp != "" {
		os.Remove(src.temp) // or Open does
	}
}
