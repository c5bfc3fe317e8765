//go:build cgroup2 && linux

package gvisor_test

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/internal/debian"
	"github.com/artel-network/artel/internal/vm"
)

var (
	imagesDir    = flag.String("images", "../../bin/images", "directory that keeps the machine's image")
	imagesMirror = flag.String("mirror", "", "URL or file of sources that Debian's packages come from")
	artelPath    = flag.String("artel", "../../bin/artel", "the binary whose doctor is asked")
	onlyCase     = flag.String("case", "", "pattern of the cases that run; all by default")
)

//go:embed testdata/cgroup2.sh
var cgroup2Script string

// TestCgroup2 runs this package's tests on a kernel that has nothing but cgroup v2, as
// root, as a user to whom systemd delegates groups, and as one without; and asks artel
// doctor there.
func TestCgroup2(t *testing.T) {
	if err := vm.Check(); err != nil {
		t.Skip(err)
	}
	maker := debian.Maker{Dir: *imagesDir, Mirror: *imagesMirror, Tell: t.Logf}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour) // against a hang
	defer cancel()
	layout, err := maker.Make(ctx, debian.Machine())
	if errors.Is(err, debian.ErrTool) || errors.Is(err, debian.ErrUser) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type result struct{ name, code string }
	var done []result
	var now *result
	begin := time.Now()
	mark := regexp.MustCompile(`^@@@ (begin|end) (\S+)(?: (\d+))?$`)
	err = vm.Run(ctx, vm.Config{
		Layout: layout, Memory: 3072, Dir: t.TempDir(), Script: "only='" + *onlyCase + "'\n" + cgroup2Script,
		Files: map[string]string{
			"t/test": self, "t/main": built.main, "t/root": built.root, "t/artel": *artelPath,
			"t/artel.service": filepath.Join("..", "..", "packaging", "artel.service"),
		},
		Line: func(l string) {
			t.Log(l)
			switch m := mark.FindStringSubmatch(l); {
			case m != nil && m[1] == "begin":
				now = &result{name: m[2]}
			case m != nil && now != nil:
				now.code = m[3]
				done, now = append(done, *now), nil
			}
		},
	})
	if now != nil { // the machine ended in the midst of it
		done = append(done, *now)
	}
	t.Logf("the machine has ended after %s", time.Since(begin).Round(time.Second))
	if err != nil {
		t.Error(err)
	}
	for _, r := range done {
		t.Run(r.name, func(t *testing.T) {
			if r.code != "0" {
				t.Errorf("it ended with %q; its words are above", r.code)
			}
		})
	}
	if *onlyCase == "" && len(done) != strings.Count(cgroup2Script, "\nrun ") {
		t.Errorf("%d cases were run", len(done))
	}
}
