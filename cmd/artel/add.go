package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// add puts a file or directory into the daemon's blob store.
func (a *app) add(ctx context.Context, c *api.Client, what, path string) (artel.Ref, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add %s: %w", what, err)
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add %s: %w", what, err)
	}
	var b api.Blob
	switch {
	case c.Local():
		b, err = c.AddPath(ctx, abs)
	case fi.IsDir():
		b, err = sendDir(ctx, c, abs)
	default:
		var f *os.File
		if f, err = os.Open(abs); err == nil {
			b, err = c.AddBytes(ctx, f, false)
			f.Close()
		}
	}
	if err != nil {
		return artel.Ref{}, err
	}
	a.say("added %s: %s, %s", what, size(b.Bytes), b.Ref)
	return b.Ref, nil
}

// sendDir sends a directory's regular files as a tar.
func sendDir(ctx context.Context, c *api.Client, dir string) (api.Blob, error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(writeTar(w, dir)) }()
	return c.AddBytes(ctx, r, true)
}

func writeTar(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("add %s: neither a file nor a directory; hint: copy what it points to", p)
		}
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		fi, err := f.Stat()
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p, Size: fi.Size(), Mode: 0o644, Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		return err
	})
	return errors.Join(err, t.Close())
}
