//go:build linux && (amd64 || arm64)

package gvisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel/sandbox"
)

// collect makes what the program left safe to be read by anyone, and counts it. The file
// server lets in nothing but files, directories and links; this is the second lock, and
// the place where links that lead out are taken away. The note says what was.
func (s *supervisor) collect(exit *sandbox.Exit) (note string) {
	dropped := 0
	for _, dir := range []string{s.task.Spec.Out, s.task.Spec.Checkpoint} {
		if dir == "" {
			continue
		}
		n, err := tidy(dir)
		dropped += n
		if err != nil && exit.Reason == sandbox.Exited {
			fmt.Fprintln(s.err, err)
			exit.Code, exit.Reason, exit.Message = -1, sandbox.Lost, "The host could not read what the program left. Run it on another machine."
		}
	}
	exit.OutputBytes, exit.OutputFiles = measure(s.task.Spec.Out)
	if lim := s.task.Spec.Limits; exit.Reason == sandbox.Exited && (exit.OutputBytes > lim.OutputBytes || exit.OutputFiles > lim.OutputFiles) {
		exit.Code, exit.Reason = -1, sandbox.OutputLimit
		exit.Message = fmt.Sprintf("The program left more than its limit of %d bytes in %d files. Ask for more, or write less.", lim.OutputBytes, lim.OutputFiles)
	}
	if dropped > 0 {
		return fmt.Sprintf("%d entries of /out and /checkpoint were left out: links that lead elsewhere, or no files.", dropped)
	}
	return ""
}

// tidy removes what is not a file, a directory, or a link that stays inside, and takes
// away every permission bit that lends rights. It never follows a link: os.Root does not
// leave the directory.
func tidy(dir string) (dropped int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		info, err := root.Lstat(name)
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir() && mode != mode.Perm()|fs.ModeDir|0o700, mode.IsRegular() && mode != mode.Perm()|0o600:
			owner := fs.FileMode(0o600)
			if mode.IsDir() {
				owner = 0o700
			}
			return root.Chmod(name, mode.Perm()|owner)
		case mode.IsDir(), mode.IsRegular():
			return nil
		case mode.Type() == fs.ModeSymlink:
			if target, err := root.Readlink(name); err == nil && staysInside(root, name, target) {
				return nil
			}
		}
		dropped++
		return root.Remove(name)
	})
	return dropped, err
}

// staysInside says whether a link's target is inside the directory, as it is written
// and as it is followed. A link to nothing is none.
func staysInside(root *os.Root, name, target string) bool {
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) || strings.ContainsRune(target, 0) {
		return false
	}
	_, err := root.Stat(name)
	return err == nil
}

// measure counts the files and directories below dir, and their sizes; holes count.
func measure(dir string) (bytes, files int64) {
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return nil // what cannot be read is no result
		}
		if p == dir {
			return nil
		}
		files++
		if info, err := d.Info(); err == nil && d.Type().IsRegular() {
			bytes += info.Size()
		}
		return nil
	})
	return bytes, files
}
