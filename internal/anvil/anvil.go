//go:build linux

// Package anvil starts Foundry's local EVM chain for tests, a process of its own
// that ends with them.
package anvil

import (
	"bufio"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
)

// Path is where anvil is: of the contracts' npm packages, or $ARTEL_ANVIL. A test
// of a package two directories below the root skips where there is none.
func Path(t *testing.T) string {
	t.Helper()
	for _, p := range []string{
		"../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil",
		"../../contracts/node_modules/.bin/anvil",
		os.Getenv("ARTEL_ANVIL"),
	} {
		if p == "" {
			continue
		}
		if a, err := filepath.Abs(p); err == nil {
			if _, err := os.Stat(a); err == nil {
				return a
			}
		}
	}
	t.Skip("anvil not installed")
	return ""
}

var listening = regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`)

// Start starts a chain on a free port and returns its URL. It ends with the test.
func Start(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command(Path(t), append([]string{"--host", "127.0.0.1", "--port", "0", "--accounts", "1"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begun, ended := make(chan error, 1), make(chan struct{})
	found := make(chan string, 1)
	go func() {
		// The system ends anvil when the thread that started it ends: it gets one of its
		// own, which is never used again.
		runtime.LockOSThread()
		defer close(ended)
		defer close(found)
		err := cmd.Start()
		if begun <- err; err != nil {
			return
		}
		defer cmd.Wait()                            // after all of out is read
		for s := bufio.NewScanner(out); s.Scan(); { // to the end: a full pipe would stop anvil
			if m := listening.FindStringSubmatch(s.Text()); m != nil {
				found <- "http://" + m[1]
			}
		}
	}()
	if err := <-begun; err != nil {
		t.Fatalf("start anvil: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	select {
	case url, ok := <-found:
		if !ok {
			t.Fatal("anvil ended without listening")
		}
		return url
	case <-time.After(time.Minute):
		t.Fatal("anvil does not listen")
	}
	return ""
}

// Rich is the key of anvil's first account, which its documentation names.
func Rich(t *testing.T) artel.Key {
	t.Helper()
	b, err := hex.DecodeString("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
	if err != nil {
		t.Fatal(err)
	}
	k, err := artel.KeyFromBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
