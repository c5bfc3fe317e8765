package disk

import (
	"io"
	"os"
	"path/filepath"
	"time"
)

// filesystem is the seam under the store, so that a test can pull the plug.
// Paths are relative to the store's directory, with slashes.
type filesystem interface {
	// Mkdir makes one directory; one that exists is no error.
	Mkdir(path string) error
	// Names lists a directory.
	Names(path string) ([]string, error)
	// Stat returns length and modification time.
	Stat(path string) (size int64, mod time.Time, err error)
	// Read returns the first max bytes of a file.
	Read(path string, max int) ([]byte, error)
	// Create makes a file that does not exist.
	Create(path string) (file, error)
	// Rename moves a file over whatever has the new name.
	Rename(from, to string) error
	Remove(path string) error
	// Touch sets the modification time.
	Touch(path string, t time.Time) error
	// SyncDir makes the names in a directory durable.
	SyncDir(path string) error
}

type file interface {
	io.WriteCloser
	// Sync makes the bytes written so far durable.
	Sync() error
}

// osFS is the real thing.
type osFS struct{ dir string }

func (o osFS) at(path string) string { return filepath.Join(o.dir, filepath.FromSlash(path)) }

func (o osFS) Mkdir(path string) error {
	err := os.Mkdir(o.at(path), 0o700)
	if os.IsExist(err) {
		return nil
	}
	return err
}

func (o osFS) Names(path string) ([]string, error) {
	d, err := os.Open(o.at(path))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

func (o osFS) Stat(path string) (int64, time.Time, error) {
	info, err := os.Lstat(o.at(path))
	if err != nil {
		return 0, time.Time{}, err
	}
	return info.Size(), info.ModTime(), nil
}

func (o osFS) Read(path string, max int) ([]byte, error) {
	f, err := os.Open(o.at(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(info.Size(), int64(max)))
	n, err := io.ReadFull(f, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF { // it shrank: the hash will tell
		err = nil
	}
	return b[:n], err
}

func (o osFS) Create(path string) (file, error) {
	return os.OpenFile(o.at(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (o osFS) Rename(from, to string) error { return os.Rename(o.at(from), o.at(to)) }

func (o osFS) Remove(path string) error { return os.Remove(o.at(path)) }

func (o osFS) Touch(path string, t time.Time) error { return os.Chtimes(o.at(path), t, t) }
