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
// leave the directory. A name is whatever bytes the program has chosen; so this is no
// fs.WalkDir, which refuses those that are no UTF-8.
func tidy(dir string) (dropped int, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	return tidyDir(root, root, "")
}

// tidyDir is tidy of a directory within top, open as root, at the path.
func tidyDir(top, root *os.Root, at string) (dropped int, err error) {
	d, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	entries, err := d.ReadDir(-1)
	_ = d.Close()
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		n, err := tidyEntry(top, root, at, e.Name())
		dropped += n
		if err != nil {
			return dropped, err
		}
	}
	return dropped, nil
}

func tidyEntry(top, root *os.Root, at, name string) (dropped int, err error) {
	info, err := root.Lstat(name)
	if err != nil {
		return 0, err
	}
	below := path.Join(at, name)
	switch mode := info.Mode(); {
	case mode.IsDir():
		if want := mode.Perm() | 0o700; mode != want|fs.ModeDir {
			if err := root.Chmod(name, want); err != nil {
				return 0, err
			}
		}
		sub, err := root.OpenRoot(name)
		if err != nil {
			return 0, err
		}
		defer sub.Close()
		return tidyDir(top, sub, below)
	case mode.IsRegular():
		if want := mode.Perm() | 0o600; mode != want {
			return 0, root.Chmod(name, want)
		}
		return 0, nil
	case mode.Type() == fs.ModeSymlink:
		if target, err := root.Readlink(name); err == nil && staysInside(top, below, target) {
			return 0, nil
		}
	}
	return 1, root.Remove(name)
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
