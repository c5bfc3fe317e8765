package blob

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/artel-network/artel"
)

// Extract writes a directory into hostDir, which is made if it does not exist
// and should be empty: nothing that is there is overwritten or followed, a name
// that is taken is an error (fs.ErrExist). Files get mode 0644 and directories
// 0755, less the umask. Nothing is written outside hostDir.
//
// Errors: ErrKind if ref is a file (hint: Open), ErrLimit before the file that
// would pass lim is written, ErrUnsupported for symlinks, ErrMalformed,
// ErrNotFound, ErrFull for a full disk. What was written before an error stays.
func Extract(ctx context.Context, s Store, ref artel.Ref, hostDir string, lim Limits) error {
	if err := extract(ctx, s, ref, hostDir, lim); err != nil {
		return fmt.Errorf("extract %s to %s: %w", ref, hostDir, noSpace(err))
	}
	return nil
}

func extract(ctx context.Context, s Store, ref artel.Ref, hostDir string, lim Limits) error {
	n, err := readDir(ctx, s, ref)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(hostDir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(hostDir)
	if err != nil {
		return err
	}
	defer root.Close()
	x := extractor{store: s, budget: newBudget(lim)}
	return x.dir(ctx, root, n, 0)
}

type extractor struct {
	store  Store
	budget *budget
}

// dir writes the entries of n into the directory that is open as root.
func (x *extractor) dir(ctx context.Context, root *os.Root, n fsNode, depth int) error {
	if err := x.budget.dir(depth); err != nil {
		return err
	}
	for _, l := range n.links {
		if err := x.entry(ctx, root, l, depth); err != nil {
			return fmt.Errorf("%q: %w", l.name, err)
		}
	}
	return nil
}

func (x *extractor) entry(ctx context.Context, root *os.Root, l link, depth int) error {
	// checkName has passed; this is for hosts on which more names are special.
	if !filepath.IsLocal(l.name) {
		return fmt.Errorf("%w: not a file name on this host", ErrUnsupported)
	}
	if err := x.budget.block(); err != nil {
		return err
	}
	f := &File{root: l.ref, get: func(r artel.Ref) ([]byte, error) { return x.store.Get(ctx, r) }}
	if l.ref.Codec() == artel.CodecDagPB {
		b, err := x.store.Get(ctx, l.ref)
		if err != nil {
			return err
		}
		n, err := decodeFS(b)
		if err != nil {
			return err
		}
		if n.dir {
			return x.subdir(ctx, root, l.name, n, depth+1)
		}
	}
	if err := f.open(); err != nil {
		return err
	}
	return x.file(root, l.name, f)
}

func (x *extractor) subdir(ctx context.Context, root *os.Root, name string, n fsNode, depth int) error {
	if err := root.Mkdir(name, 0o755); err != nil {
		return err
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	return x.dir(ctx, sub, n, depth)
}

func (x *extractor) file(root *os.Root, name string, f *File) error {
	if err := x.budget.file(); err != nil {
		return err
	}
	if err := x.budget.take(f.Size()); err != nil {
		return err
	}
	w, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.writeTo(w, x.budget.block)
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	return err
}
