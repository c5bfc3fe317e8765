// Package debian makes container images of Debian packages, by mmdebstrap and
// without a registry: what `make test-images` and `make bench` run in containers.
// An image is an OCI layout below a directory, kept until its recipe changes.
package debian

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/artel-network/artel/image/oci"
)

// Suite is the release that packages are taken of.
const Suite = "bookworm"

// Recipe is what an image is made of.
type Recipe struct {
	Name     string   // of its directory
	Variant  string   // mmdebstrap's: extract runs no maintainer scripts, essential does
	Packages []string // and what they depend on; what they recommend is left out
	Exclude  []string // patterns of paths that dpkg does not unpack
	Config   oci.RunConfig
}

var (
	// ErrTool says that mmdebstrap is not installed.
	ErrTool = errors.New("mmdebstrap is not installed; hint: apt install mmdebstrap, as root")
	// ErrUser says that this user cannot make images.
	ErrUser = errors.New("this user cannot make images of Debian packages")
)

// Maker makes images below Dir.
type Maker struct {
	Dir    string
	Mirror string                           // as mmdebstrap takes it, a URL or a file of sources; "": its own choice
	Tell   func(format string, args ...any) // progress, for people; nil: nobody listens
}

// Path is where the image of that name is, or would be.
func (m Maker) Path(name string) string { return filepath.Join(m.Dir, name) }

// Has reports whether the recipe's image is there.
func (m Maker) Has(r Recipe) bool {
	b, err := os.ReadFile(m.stamp(r))
	return err == nil && string(b) == m.mark(r)
}

// stamp is a file beside an image that says of what it was made.
func (m Maker) stamp(r Recipe) string { return m.Path(r.Name) + ".made" }

// mark tells a recipe from all others.
func (m Maker) mark(r Recipe) string {
	b, err := json.Marshal(struct {
		Format int
		Suite  string
		Recipe
	}{1, Suite, r})
	if err != nil {
		panic(err) // it is strings
	}
	return fmt.Sprintf("%x\n", sha256.Sum256(b))
}

// Make makes an image, unless it is there, and returns its OCI layout.
func (m Maker) Make(ctx context.Context, r Recipe) (layout string, err error) {
	layout = m.Path(r.Name)
	if m.Has(r) {
		n, _ := weigh(layout)
		m.tell("image %s: %s, made earlier; %d MB packed", r.Name, layout, n>>20)
		return layout, nil
	}
	begin := time.Now()
	m.tell("image %s: from Debian's packages %s, by mmdebstrap", r.Name, strings.Join(r.Packages, ", "))
	if err := m.make(ctx, r, layout); err != nil {
		return "", fmt.Errorf("make image %s: %w", r.Name, err)
	}
	n, err := weigh(layout)
	if err != nil {
		return "", fmt.Errorf("make image %s: %w", r.Name, err)
	}
	m.tell("image %s: %s, made in %s; %d MB packed", r.Name, layout, time.Since(begin).Round(time.Second), n>>20)
	return layout, nil
}

func (m Maker) tell(format string, args ...any) {
	if m.Tell != nil {
		m.Tell(format, args...)
	}
}

func (m Maker) make(ctx context.Context, r Recipe, layout string) error {
	tool, err := tool()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(m.Dir, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(m.Dir, r.Name+".*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	_, err = oci.Build{
		Layers: []oci.Layer{func(w *tar.Writer) error { return m.layer(ctx, tool, r, w) }},
		Config: r.Config, Compression: oci.Zstd,
	}.WriteLayout(tmp)
	if err != nil {
		return err
	}
	// The mark goes first and comes last: what has one is whole.
	if err := os.Remove(m.stamp(r)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := errors.Join(os.RemoveAll(layout), os.Chmod(tmp, 0o755)); err != nil {
		return err
	}
	if err := os.Rename(tmp, layout); err != nil {
		return err
	}
	return os.WriteFile(m.stamp(r), []byte(m.mark(r)), 0o644)
}

// tool finds mmdebstrap, and out whether it can work for this user.
func tool() (string, error) {
	path, err := exec.LookPath("mmdebstrap")
	if err != nil {
		return "", ErrTool
	}
	if os.Geteuid() == 0 {
		return path, nil
	}
	if _, err := exec.LookPath("newuidmap"); err != nil {
		return "", fmt.Errorf("%w: newuidmap is missing; hint: apt install uidmap, or make test-images as root once: what it makes is kept", ErrUser)
	}
	if !subordinate("/etc/subuid") || !subordinate("/etc/subgid") {
		return "", fmt.Errorf("%w: it has no subordinate ids; hint: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER", ErrUser)
	}
	return path, nil
}

// subordinate reports whether a file of subordinate ids has some for this user.
func subordinate(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	id := fmt.Sprint(os.Geteuid())
	name := id
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	for l := range strings.Lines(string(b)) {
		if who, _, _ := strings.Cut(l, ":"); who == name || who == id {
			return true
		}
	}
	return false
}

// layer runs mmdebstrap and copies the archive that it writes.
func (m Maker) layer(ctx context.Context, tool string, r Recipe, w *tar.Writer) error {
	args := []string{"--variant=" + r.Variant, "--include=" + strings.Join(r.Packages, ","), "--format=tar"}
	for _, e := range r.Exclude {
		args = append(args, "--dpkgopt=path-exclude="+e)
	}
	if args = append(args, Suite, "-"); m.Mirror != "" {
		args = append(args, m.Mirror)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it tidies up then
	cmd.WaitDelay = time.Minute
	cmd.Dir = "/" // one that its other users can see
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start mmdebstrap: %w", err)
	}
	err = copyArchive(w, out)
	if err == nil {
		_, err = io.Copy(io.Discard, out) // what pads the archive
	}
	stopped := false
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // else it has ended, and says why
		cancel()
		stopped = true
	}
	if ended := cmd.Wait(); ended != nil && !stopped {
		return fmt.Errorf("mmdebstrap: %w; it ends with:\n%s", ended, tail(said.String(), 12))
	}
	return err
}

// copyArchive copies the entries of an archive but devices, which images do not have.
func copyArchive(w *tar.Writer, from io.Reader) error {
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read mmdebstrap's archive: %w", err)
		}
		switch h.Typeflag {
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
			continue
		}
		h.Format = tar.FormatUnknown // the smallest that holds it
		if err := w.WriteHeader(h); err != nil {
			return fmt.Errorf("copy %q: %w", h.Name, err)
		}
		if _, err := io.Copy(w, r); err != nil {
			return fmt.Errorf("copy %q: %w", h.Name, err)
		}
	}
}

// tail is the last n lines of s.
func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// weigh adds up the files of a layout.
func weigh(layout string) (n int64, err error) {
	err = filepath.WalkDir(layout, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	return n, err
}
