// Package datadir is the daemon's directory on disk: where things lie in it,
// which layout it has, and who may use it now.
//
//	VERSION        the layout's number, one line
//	LOCK           locked by the running daemon; its pid, for messages
//	network.json   the network file (room network)
//	key.json       the node key (room keys)
//	faucet.json    the faucet's key, where the network was made
//	api.sock       the local API, 0600
//	api.token      what the API wants over TCP, where that is on
//	artel.db       the database
//	blobs/         content-addressed bytes
//	kept/          checkpoints that are held, of others and of this node's own jobs
//	measure.json   what the machine can do, measured (room host)
//	work/          sandboxes at work; may be removed while no daemon runs
//	chain/         the embedded chain, where there is one
//
// The directory is 0700; on Windows, which has no such modes, it is as closed as
// the user's profile. A crash leaves nothing to clean up: the kernel drops the lock
// with the process.
package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// Version is the layout that this program reads and writes.
const Version = 1

// Errors of Open. Each comes with a hint in its text.
var (
	ErrLocked  = errors.New("data directory is in use")
	ErrVersion = errors.New("data directory has another layout")
	ErrForeign = errors.New("not an artel data directory")
)

// Paths says where things lie in a data directory. It touches nothing.
type Paths struct{ root string }

// At returns the paths of the data directory dir.
func At(dir string) Paths { return Paths{filepath.Clean(dir)} }

// Root is the directory itself.
func (p Paths) Root() string { return p.root }

// Network is the network file.
func (p Paths) Network() string { return filepath.Join(p.root, "network.json") }

// Key is the node key's file.
func (p Paths) Key() string { return filepath.Join(p.root, "key.json") }

// Socket is the local API's unix socket.
func (p Paths) Socket() string { return filepath.Join(p.root, "api.sock") }

// Token is the bearer token of the local API over TCP, where it is on.
func (p Paths) Token() string { return filepath.Join(p.root, "api.token") }

// Database is the SQLite file.
func (p Paths) Database() string { return filepath.Join(p.root, "artel.db") }

// Blobs is the directory of content-addressed bytes.
func (p Paths) Blobs() string { return filepath.Join(p.root, "blobs") }

// Work is the directory of sandboxes at work.
func (p Paths) Work() string { return filepath.Join(p.root, "work") }

// Images is the directory of container images.
func (p Paths) Images() string { return filepath.Join(p.root, "images") }

// Kept is the directory of checkpoints that are held.
func (p Paths) Kept() string { return filepath.Join(p.root, "kept") }

// Chain is the directory of the embedded chain.
func (p Paths) Chain() string { return filepath.Join(p.root, "chain") }

// Measured is what this machine can do, as it was measured.
func (p Paths) Measured() string { return filepath.Join(p.root, "measure.json") }

// Faucet is the key of a private network's faucet, on the machine that made the
// network.
func (p Paths) Faucet() string { return filepath.Join(p.root, "faucet.json") }

func (p Paths) version() string { return filepath.Join(p.root, "VERSION") }
func (p Paths) lock() string    { return filepath.Join(p.root, "LOCK") }

// Default returns where the data directory is unless the user says otherwise:
// $ARTEL_DIR, else artel in $XDG_DATA_HOME, else on Windows in %LOCALAPPDATA%, else
// ~/.local/share/artel.
func Default(getenv func(string) string) (string, error) {
	if d := getenv("ARTEL_DIR"); d != "" {
		return filepath.Abs(d)
	}
	if d := getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "artel"), nil
	}
	if d := getenv("LOCALAPPDATA"); d != "" && runtime.GOOS == "windows" {
		return filepath.Join(d, "artel"), nil
	}
	if h := getenv("HOME"); h != "" {
		return filepath.Join(h, ".local", "share", "artel"), nil
	}
	return "", errors.New("find data directory: neither ARTEL_DIR nor HOME is set; hint: --dir DIR")
}

// Dir is a data directory that this process alone may use until Close.
type Dir struct {
	Paths
	lock *os.File
}

// Open takes the data directory at dir, making it if it is not there or empty.
// ErrLocked: another daemon has it. ErrVersion: its layout is not this
// program's. ErrForeign: it holds other things.
func Open(dir string) (*Dir, error) {
	p := At(dir)
	if err := Prepare(p); err != nil {
		return nil, err
	}
	lock, err := takeLock(p.lock())
	if err != nil {
		return nil, fmt.Errorf("open data directory %s: %w", p.root, err)
	}
	if err := settle(p); err != nil {
		lock.Close()
		return nil, err
	}
	return &Dir{p, lock}, nil
}

// Prepare makes the directory if it is not there, and refuses one that is not
// ours. It is for what works beside a daemon: it takes no lock.
func Prepare(p Paths) error {
	if err := os.MkdirAll(p.root, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return ours(p)
}

// Close gives the directory back.
func (d *Dir) Close() error { return d.lock.Close() }

// ours refuses a directory that has no VERSION and is not empty, so that a
// mistyped --dir never fills somebody's home directory. A key and a network
// file may be there before the first start, and so may a LOCK: a start may have
// been cut short before VERSION was written.
func ours(p Paths) error {
	if _, err := os.Lstat(p.version()); err == nil {
		return nil
	}
	entries, err := os.ReadDir(p.root)
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "LOCK", name == "key.json", name == "network.json", name == "faucet.json", name == "measure.json", name == "chain", strings.HasPrefix(name, ".artel-"):
		default:
			return fmt.Errorf("open data directory %s: %w: it holds %q and no VERSION; hint: name an empty or a new directory", p.root, ErrForeign, name)
		}
	}
	return nil
}

// settle checks the layout's number or writes it, and makes the directories.
func settle(p Paths) error {
	v, err := ReadVersion(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := WriteFile(p.version(), []byte(strconv.Itoa(Version)+"\n"), 0o600); err != nil {
			return err
		}
	case err != nil:
		return err
	case v > Version:
		return fmt.Errorf("open data directory %s: %w: %d, this program knows %d; hint: use a newer artel", p.root, ErrVersion, v, Version)
	case v < Version:
		return fmt.Errorf("open data directory %s: %w: %d, this program knows %d; hint: the release notes say how to convert it", p.root, ErrVersion, v, Version)
	}
	if err := os.Chmod(p.root, 0o700); err != nil {
		return fmt.Errorf("close data directory to others: %w", err)
	}
	for _, d := range []string{p.Blobs(), p.Work()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make %s: %w", d, err)
		}
	}
	return nil
}

// ReadVersion returns the layout's number. It wraps fs.ErrNotExist where the
// directory has none.
func ReadVersion(p Paths) (int, error) {
	b, err := os.ReadFile(p.version())
	if err != nil {
		return 0, fmt.Errorf("read layout version: %w", err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || v < 1 {
		return 0, fmt.Errorf("open data directory %s: %w: VERSION reads %.20q; hint: restore the file, it should hold the line %q", p.root, ErrVersion, b, strconv.Itoa(Version))
	}
	return v, nil
}

// WriteFile writes a file so that after a power cut either the old or the new
// content is there, whole.
func WriteFile(path string, data []byte, mode fs.FileMode) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".artel-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
			if err = fmt.Errorf("write %s: %w", path, err); errors.Is(err, syscall.ENOSPC) {
				err = fmt.Errorf("%w; hint: free space on the disk", err)
			}
		}
	}()
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}
