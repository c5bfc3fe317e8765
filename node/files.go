package node

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
)

// AddPath implements api.Jobs.
func (n *Node) AddPath(ctx context.Context, path string) (api.Blob, error) {
	info, err := os.Stat(path)
	if err != nil {
		return api.Blob{}, api.Errorf(api.CodeNotFound, "add %s: %v", path, err)
	}
	if info.IsDir() {
		return n.addDir(ctx, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return api.Blob{}, api.Errorf(api.CodeNotFound, "add %s: %v", path, err)
	}
	defer f.Close()
	return n.AddBytes(ctx, f, false)
}

func (n *Node) addDir(ctx context.Context, path string) (api.Blob, error) {
	ref, err := blob.AddDir(ctx, n.blobs, path, blob.Limits{})
	if err != nil {
		return api.Blob{}, blobError(err)
	}
	b := api.Blob{Ref: ref}
	err = n.walk(ctx, ref, "", func(f api.OutputFile) error {
		b.Files++
		b.Bytes += uint64(f.Size)
		return nil
	})
	return b, blobError(err)
}

// AddBytes implements api.Jobs.
func (n *Node) AddBytes(ctx context.Context, r io.Reader, asTar bool) (api.Blob, error) {
	if !asTar {
		ref, size, err := blob.AddFile(ctx, n.blobs, r)
		return api.Blob{Ref: ref, Bytes: uint64(size), Files: 1}, blobError(err)
	}
	if err := mkdir(n.c.Paths.Work()); err != nil {
		return api.Blob{}, err
	}
	dir, err := os.MkdirTemp(n.c.Paths.Work(), "upload-")
	if err != nil {
		return api.Blob{}, err
	}
	defer os.RemoveAll(dir)
	if err := untar(r, dir); err != nil {
		return api.Blob{}, api.Errorf(api.CodeInvalid, "read tar: %v", err)
	}
	return n.addDir(ctx, dir)
}

// untar unpacks files and directories below dir, and nothing else.
func untar(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(name, 0o700)
		case tar.TypeReg:
			if err = root.MkdirAll(filepath.Dir(name), 0o700); err == nil {
				err = untarFile(root, name, t)
			}
		default:
			err = fmt.Errorf("%s is neither a file nor a directory", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func untarFile(root *os.Root, name string, r io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func blobError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blob.ErrFull):
		return &api.Error{Code: api.CodeTooLarge, Message: err.Error(), Hint: "free some disk space"}
	case errors.Is(err, blob.ErrUnsupported), errors.Is(err, blob.ErrLimit), errors.Is(err, blob.ErrMalformed):
		return api.Errorf(api.CodeInvalid, "%v", err)
	}
	return err
}

// Files implements api.Jobs.
func (n *Node) Files(ctx context.Context, id string, tasks []uint64) ([]api.OutputFile, error) {
	j, ts, err := n.load(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []api.OutputFile
	for _, t := range ts {
		index := j.Spec.First + t.Index
		if t.Output.IsZero() || len(tasks) > 0 && !slices.Contains(tasks, index) {
			continue
		}
		if err := n.walk(ctx, t.Output, "", func(f api.OutputFile) error {
			f.Task = index
			out = append(out, f)
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxDepth bounds what is listed of a stranger's output.
const maxDepth = 64

// walk visits the files of a directory, by path.
func (n *Node) walk(ctx context.Context, dir artel.Ref, prefix string, visit func(api.OutputFile) error) error {
	if strings.Count(prefix, "/") > maxDepth {
		return api.Errorf(api.CodeTooLarge, "directories are nested more than %d deep", maxDepth)
	}
	es, err := blob.ReadDir(ctx, n.blobs, dir)
	if err != nil {
		return err
	}
	for _, e := range es {
		path := prefix + e.Name
		f, err := blob.Open(ctx, n.blobs, e.Ref)
		if errors.Is(err, blob.ErrKind) {
			if err := n.walk(ctx, e.Ref, path+"/", visit); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := visit(api.OutputFile{Path: path, Size: f.Size(), Ref: e.Ref}); err != nil {
			return err
		}
	}
	return nil
}

// ReadFiles implements api.Jobs.
func (n *Node) ReadFiles(ctx context.Context, id string, tasks []uint64, visit func(api.OutputFile, io.Reader) error) error {
	fs, err := n.Files(ctx, id, tasks)
	if err != nil {
		return err
	}
	for _, f := range fs {
		r, err := blob.Open(ctx, n.blobs, f.Ref)
		if err != nil {
			return fmt.Errorf("read %s of task %d: %w", f.Path, f.Task, err)
		}
		if err := visit(f, r); err != nil {
			return err
		}
	}
	return nil
}
