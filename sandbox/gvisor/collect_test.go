//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTidy gives the second lock what the first should never let in.
func TestTidy(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(
		os.WriteFile(secret, []byte("the owner's"), 0o600),
		os.MkdirAll(in("a/b"), 0o755), os.WriteFile(in("a/file"), []byte("x"), 0o644),
		unix.Mkfifo(in("fifo"), 0o644), unix.Mknod(in("a/socket"), unix.S_IFSOCK|0o644, 0),
		os.Symlink("../file", in("a/b/good")), os.Symlink("b", in("a/dirlink")),
		os.Symlink(secret, in("abs")), os.Symlink("a/../../x", in("up")), os.Symlink("self", in("self")),
		os.Symlink(outside, in("a/out")), os.Symlink("abs", in("chain")), os.Symlink("a/out/secret", in("through")),
		os.WriteFile(in("setuid"), nil, 0o755), os.Chmod(in("setuid"), 0o755|os.ModeSetuid),
		os.WriteFile(in("closed"), nil, 0o600), os.Chmod(in("closed"), 0),
	); err != nil {
		t.Fatal(err)
	}
	dropped, err := tidy(dir)
	if err != nil || dropped != 8 {
		t.Errorf("dropped %d, %v; want 8", dropped, err)
	}
	for name, want := range map[string]os.FileMode{
		"a/b/good": os.ModeSymlink | 0o777, "a/dirlink": os.ModeSymlink | 0o777, "setuid": 0o755, "closed": 0o600, "a/file": 0o644,
	} {
		if info, err := os.Lstat(in(name)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want %v", name, info, err, want)
		}
	}
	if b, err := os.ReadFile(secret); err != nil || string(b) != "the owner's" {
		t.Errorf("the owner's file: %q, %v", b, err)
	}
	if info, err := os.Stat(secret); err != nil || info.Mode() != 0o600 {
		t.Errorf("the owner's file: %v, %v", info.Mode(), err)
	}
}

// TestTidyNames walks through names that are no text: a program chooses them, and must not
// make its own end look like the host's.
func TestTidyNames(t *testing.T) {
	dir := t.TempDir()
	odd := filepath.Join(dir, "\xff\xfe", "a\nb", "\x1b[2J")
	if err := errors.Join(
		os.MkdirAll(odd, 0o755), os.WriteFile(filepath.Join(odd, "\xff"), []byte("x"), 0o644),
		os.Symlink("/etc/passwd", filepath.Join(odd, "out")), os.Symlink("\xff", filepath.Join(odd, "in")),
	); err != nil {
		t.Fatal(err)
	}
	if dropped, err := tidy(dir); err != nil || dropped != 1 {
		t.Errorf("dropped %d, %v; want 1", dropped, err)
	}
	if _, err := os.Lstat(filepath.Join(odd, "out")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the link that leads out: %v; want it gone", err)
	}
	if b, err := os.ReadFile(filepath.Join(odd, "in")); err != nil || string(b) != "x" {
		t.Errorf("the link that stays: %q, %v", b, err)
	}
}
