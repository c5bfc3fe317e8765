//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// TestMountPointsThatLead runs images in which what the box mounts on is a link or a file.
// The program runs or the image is said to be at fault; nothing outside of it is made.
func TestMountPointsThatLead(t *testing.T) {
	needs(t)
	outside := t.TempDir()
	up := "../../../../../../../../../.." + outside
	for name, change := range map[string]func(root string) error{
		"absolute": func(root string) error { return os.Symlink(outside, filepath.Join(root, "out")) },
		"upwards":  func(root string) error { return os.Symlink(up, filepath.Join(root, "in")) },
		"nothing":  func(root string) error { return os.Symlink(up+"/new", filepath.Join(root, "checkpoint")) },
		"the root": func(root string) error { return os.Symlink("..", filepath.Join(root, "out")) },
		"a file":   func(root string) error { return os.WriteFile(filepath.Join(root, "out"), nil, 0o644) },
		"itself":   func(root string) error { return os.Symlink("out", filepath.Join(root, "out")) },
		"sys":      func(root string) error { return os.Symlink("dev", filepath.Join(root, "sys")) },
		"proc":     func(root string) error { return os.Symlink(up, filepath.Join(root, "proc")) },
		"tmp":      func(root string) error { return os.Symlink(up, filepath.Join(root, "tmp")) },
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			program, err := os.ReadFile(filepath.Join(built.root, "program"))
			if err == nil {
				err = errors.Join(os.Mkdir(root, 0o755), os.WriteFile(filepath.Join(root, "program"), program, 0o755), change(root))
			}
			if err != nil {
				t.Fatal(err)
			}
			s := specOf(t, "exit", "7")
			s.Root, s.Checkpoint = root, filepath.Join(filepath.Dir(s.Out), "checkpoint")
			if err := os.Mkdir(s.Checkpoint, 0o755); err != nil {
				t.Fatal(err)
			}
			exit, log := run(t, newBox(t, t.TempDir(), nil), s)
			if exit.Reason != sandbox.BadProgram && (exit.Reason != sandbox.Exited || exit.Code != 7) {
				t.Errorf("%v; log %s", exit, log)
			}
			if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
				t.Errorf("outside of the image: %v, %v", left, err)
			}
		})
	}
}
