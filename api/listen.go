package api

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/artel-network/artel/datadir"
)

// maxSocketPath is what sockaddr_un holds on Linux, less its NUL; 103 on macOS.
const maxSocketPath = 103

// ListenUnix opens the API's unix socket, 0600. A socket that a dead daemon
// left is replaced; one that answers is not. On Windows, which has no such modes,
// who may use it is what the directory's access list says.
func ListenUnix(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("listen on %s: the path has %d bytes, a unix socket's at most %d; hint: --socket with a shorter path", path, len(path), maxSocketPath)
	}
	if err := removeDead(path); err != nil {
		return nil, err
	}
	l, err := bindPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false)
	return unixListener{l, path}, nil
}

// unixListener removes its socket when it closes.
type unixListener struct {
	*net.UnixListener
	path string
}

func (l unixListener) Close() error {
	os.Remove(l.path)
	return l.UnixListener.Close()
}

func removeDead(path string) error {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if fi.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen on %s: a file that is no socket is there; hint: --socket with another path", path)
	}
	c, err := net.Dial("unix", path)
	if err == nil {
		c.Close()
		return fmt.Errorf("listen on %s: another daemon answers there; hint: stop it, or give this one its own --dir", path)
	}
	if !errors.Is(err, errRefused) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	return os.Remove(path)
}

// ListenTCP opens the API on a TCP address, which must be loopback unless
// remote: the token would cross the wire in clear.
func ListenTCP(addr string, remote bool) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; hint: like 127.0.0.1:7700", addr, err)
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback && !remote {
		return nil, fmt.Errorf("listen on %s: that is not loopback and the API is not encrypted; hint: 127.0.0.1 and an SSH tunnel", addr)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for the API: %w", err)
	}
	return l, nil
}

// Token returns the API's token at path, drawing one on first use. The file is
// 0600.
func Token(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		if t := strings.TrimSpace(string(b)); len(t) >= 32 {
			return t, nil
		}
		return "", fmt.Errorf("read API token %s: too short; hint: remove the file, a new one is drawn", path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read API token: %w", err)
	}
	var raw [32]byte
	if _, err := rand.Read(raw[:]); err != nil {
		return "", fmt.Errorf("draw API token: %w", err)
	}
	t := hex.EncodeToString(raw[:])
	return t, datadir.WriteFile(path, []byte(t+"\n"), 0o600)
}
