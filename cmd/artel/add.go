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

// addInput puts what a program finds under /in into the daemon's blob store: a
// directory, or one that holds nothing but the file at path.
func (a *app) addInput(ctx context.Context, c *api.Client, path string) (artel.Ref, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		var fi os.FileInfo
		if fi, err = os.Stat(abs); err == nil && fi.IsDir() {
			return a.add(ctx, c, "input", abs)
		}
	}
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add input: %w", err)
	}
	b, err := send(ctx, c, func(t *tar.Writer) error {
		f, err := os.Open(abs)
		if err != nil {
			return fmt.Errorf("add input: %w", err)
		}
		defer f.Close()
		return tarFile(t, f, filepath.Base(abs))
	})
	if err != nil {
		return artel.Ref{}, err
	}
	a.say("added input: %s, %s", size(b.Bytes), b.Ref)
	return b.Ref, nil
}

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

// send sends a tar.
func send(ctx context.Context, c *api.Client, write func(*tar.Writer) error) (api.Blob, error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		t := tar.NewWriter(w)
		w.CloseWithError(errors.Join(write(t), t.Close()))
	}()
	return c.AddBytes(ctx, r, true)
}

// sendDir sends a directory's regular files as a tar.
func sendDir(ctx context.Context, c *api.Client, dir string) (api.Blob, error) {
	return send(ctx, c, func(t *tar.Writer) error { return writeTar(t, dir) })
}

func writeTar(t *tar.Writer, dir string) error {
	root := os.DirFS(dir)
	return fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
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
		return tarFile(t, f, p)
	})
}

func tarFile(t *tar.Writer, f fs.File, name string) error {
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("add %s: neither a file nor a directory", name)
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: fi.Size(), Mode: 0o644, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(t, f)
	return err
}
