//go:build unix

package api

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

// errRefused is what a socket without a listener answers.
const errRefused = syscall.ECONNREFUSED

// bindPrivate opens a socket that only its user may use. It is made inside a fresh
// 0700 directory and moved into place with its mode set, so that it is never open to
// others, whatever the umask.
func bindPrivate(path string) (*net.UnixListener, error) {
	tmp, err := os.MkdirTemp(filepath.Dir(path), ".artel-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	at := filepath.Join(tmp, "s")
	if len(at) > maxSocketPath {
		return nil, fmt.Errorf("no room for a temporary name of %d bytes; hint: --socket with a shorter path", len(at))
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(at, 0o600), os.Rename(at, path)); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
