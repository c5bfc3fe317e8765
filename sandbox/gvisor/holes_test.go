//go:build linux && (amd64 || arm64)

package gvisor

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/snapshot"
)

// TestMoveHoles gives a checkpoint whose files are holes of terabytes. Whoever took it
// up would read them for hours, and could not be stopped.
func TestMoveHoles(t *testing.T) {
	box := &Box{cpu: processor()}
	spec := sandbox.Spec{Root: "/image", Args: []string{"/program"}}
	for _, long := range []string{"", snapshot.StateFile, snapshot.PagesMetaFile, snapshot.PagesFile, snapshot.IndexFile, snapshot.ContentFile} {
		dir := t.TempDir()
		facts := snapshot.Facts{Descriptors: 256, Files: map[string]snapshot.File{}}
		facts.Needs = sandbox.Needs{CPU: processor(), Version: version, Spec: specDigest(spec)}
		for _, name := range snapshot.Images {
			size := int64(snapshot.Page)
			if name == snapshot.LogFile {
				size = 0
			}
			if name == long {
				size = 1 << 43 // ext4 has no longer files
			}
			if err := errors.Join(os.WriteFile(filepath.Join(dir, name), nil, 0o600), os.Truncate(filepath.Join(dir, name), size)); err != nil {
				t.Skipf("this file system has no such files: %v", err)
			}
			facts.Files[name] = snapshot.File{Bytes: size}
			facts.Bytes += size
		}
		b, err := json.Marshal(facts)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, snapshot.FactsFile), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.inspect(dir, spec); errors.Is(err, sandbox.ErrMismatch) != (long != "") {
			t.Errorf("with a long %q: %v", long, err)
		}
	}
}
