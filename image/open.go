package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image/oci"
)

func (s *Store) open() error {
	// 0700: unpacked files keep the modes that their image gave them.
	if err := os.Mkdir(s.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Chmod(s.dir, 0o700); err != nil {
		return err
	}
	text, err := os.ReadFile(s.path("version"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case string(text) != versionText:
		return fmt.Errorf("version %.40q, want %q; hint: it was written by another artel, or is no image store", text, versionText)
	}
	for _, d := range []string{"tmp", "blobs", "images", "roots", "partial"} {
		if err := os.Mkdir(s.path(d), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if text == nil {
		if err := s.write("version", []byte(versionText)); err != nil {
			return err
		}
	}
	return errors.Join(s.clearTemp(), s.load())
}

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// tempPath is a new name in tmp.
func (s *Store) tempPath() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.temp++
	return s.path("tmp", fmt.Sprint(s.temp))
}

func (s *Store) clearTemp() error {
	entries, err := os.ReadDir(s.path("tmp"))
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(s.path("tmp", e.Name())))
	}
	return err
}

// write replaces a small file, whole.
func (s *Store) write(name string, b []byte) error {
	tmp := s.tempPath()
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return full(err)
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, s.path(name))
	}
	if err != nil {
		os.Remove(tmp)
		return full(err)
	}
	return syncDir(filepath.Dir(s.path(name)))
}

// load reads what is kept. A file that says nothing sensible is what a power cut
// left of it; what it stood for is fetched again.
func (s *Store) load() error {
	err := s.each("blobs", func(d Digest, e fs.DirEntry) error {
		b, err := os.ReadFile(s.path("blobs", e.Name()))
		if err != nil {
			return err
		}
		text, size, _ := strings.Cut(string(b), " ")
		ref, err := artel.ParseRef(text)
		var n int64
		if _, serr := fmt.Sscanf(size, "%d\n", &n); err != nil || serr != nil || n < 0 {
			return os.Remove(s.path("blobs", e.Name()))
		}
		s.kept[d] = kept{ref, n}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.each("images", func(d Digest, e fs.DirEntry) error {
		b, err := os.ReadFile(s.path("images", e.Name()))
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		r := &record{used: info.ModTime()}
		if json.Unmarshal(b, r) != nil {
			return os.Remove(s.path("images", e.Name()))
		}
		s.records[d] = r
		return nil
	})
	if err != nil {
		return err
	}
	err = s.each("partial", func(_ Digest, e fs.DirEntry) error {
		info, err := e.Info()
		if err == nil {
			s.loose = append(s.loose, loose{info.Size(), info.ModTime()})
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.each("roots", func(d Digest, e fs.DirEntry) error {
		b, err := os.ReadFile(s.path("roots", e.Name(), "image.json"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		r := &root{}
		if json.Unmarshal(b, &r.meta) != nil || !s.needed(d) {
			return os.RemoveAll(s.path("roots", e.Name()))
		}
		s.roots[d] = r
		return nil
	})
}

// each calls f for what is named by a digest.
func (s *Store) each(dir string, f func(Digest, fs.DirEntry) error) error {
	entries, err := os.ReadDir(s.path(dir))
	if err != nil {
		return err
	}
	for _, e := range entries {
		d, err := oci.ParseDigest("sha256:" + e.Name())
		if err != nil {
			continue // not put there by a store
		}
		if err := f(d, e); err != nil {
			return err
		}
	}
	return nil
}
