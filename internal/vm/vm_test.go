package vm

import (
	"archive/tar"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/artel-network/artel/image/oci"
)

// TestBuild makes what QEMU is given of an image that has little in it.
func TestBuild(t *testing.T) {
	dir := t.TempDir()
	layout := filepath.Join(dir, "layout")
	if err := os.Mkdir(layout, 0o755); err != nil {
		t.Fatal(err)
	}
	const modules = "usr/lib/modules/6.1/kernel/"
	_, err := oci.Build{
		Layers: []oci.Layer{oci.Files(
			oci.File{Name: "boot/vmlinuz-6.1", Data: []byte("kernel")}, oci.File{Name: "boot/initrd.img-6.1", Data: []byte("abc")},
			oci.File{Name: "etc/os-release", Data: []byte("Debian")},
			oci.File{Name: modules + "drivers/net/veth.ko"}, oci.File{Name: modules + "sound/x.ko"},
		)},
		Compression: oci.Zstd,
	}.WriteLayout(layout)
	if err != nil {
		t.Fatal(err)
	}
	tree := filepath.Join(dir, "tree")
	if err := os.MkdirAll(filepath.Join(tree, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "sub", "program"), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := Config{Layout: layout, Script: "echo hello", Files: map[string]string{"/t": tree}}
	kernel, initrd, disk := filepath.Join(dir, "k"), filepath.Join(dir, "i"), filepath.Join(dir, "d")
	if err := c.build(kernel, initrd, disk); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(kernel); err != nil || string(b) != "kernel" {
		t.Errorf("kernel %q, %v", b, err)
	}
	b, err := os.ReadFile(initrd)
	if err != nil || !strings.HasPrefix(string(b), "abc\x00070701") || len(b)%4 != 0 {
		t.Fatalf("initrd %q, %v", b, err)
	}
	head := string(b[4:])
	size, err := strconv.ParseInt(head[6+6*8:6+7*8], 16, 64)
	if err != nil || head[110:115] != "init\x00" || head[116:116+size] != boot {
		t.Errorf("the initrd's second part is %q (%v)", head, err)
	}
	f, err := os.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var names []string
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, h.Name)
		if h.Name == "run.sh" {
			if s, err := io.ReadAll(r); err != nil || string(s) != c.Script {
				t.Errorf("the script is %q, %v", s, err)
			}
		}
	}
	for name, want := range map[string]bool{"etc/os-release": true, modules + "drivers/net/veth.ko": true, modules + "sound/x.ko": false, "boot/vmlinuz-6.1": false, "run.sh": true, "t/sub/program": true} {
		if slices.Contains(names, name) != want {
			t.Errorf("%s in the machine: %v; it has %q", name, !want, names)
		}
	}
	if err := (Config{Layout: tree}).build(kernel, initrd, disk); err == nil {
		t.Error("a machine was made of nothing")
	}
}
