package image_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/image"
	"github.com/artel-network/artel/image/oci"
)

// BenchmarkEnsure brings an image of 4000 small and 40 large files, 150 MB, from a
// registry on loopback (pull) or from the own store (unpack); bytes are those of the
// unpacked files, what is synced included.
func BenchmarkEnsure(b *testing.B) {
	var files []oci.File
	total := int64(0)
	for i := range 40 {
		files = append(files, oci.File{Name: fmt.Sprintf("usr/lib/big%d", i), Data: append(noise(uint64(i), 1<<20), make([]byte, 2<<20)...)})
	}
	for i := range 4000 {
		files = append(files, oci.File{Name: fmt.Sprintf("usr/share/p%d/f%d", i/20, i), Data: noise(uint64(i%50), 5000)})
	}
	for _, f := range files {
		total += int64(len(f.Data))
	}
	for name, c := range map[string]oci.Compression{"gzip": oci.Gzip, "zstd": oci.Zstd} {
		srv, top, _ := onRegistry(b, oci.Build{Layers: []oci.Layer{oci.Files(files...)}, Compression: c})
		want := image.Want{Digest: top.Digest, Source: srv.host + "/org/a"}
		for _, pulled := range []bool{false, true} {
			b.Run(name+map[bool]string{false: "/pull", true: "/unpack"}[pulled], func(b *testing.B) {
				b.SetBytes(total)
				for b.Loop() {
					b.StopTimer()
					dir := b.TempDir()
					blobs, err := disk.Open(filepath.Join(dir, "blobs"), 0)
					if err != nil {
						b.Fatal(err)
					}
					s, err := image.Open(filepath.Join(dir, "images"), blobs, image.Options{Registries: loopback})
					if err != nil {
						b.Fatal(err)
					}
					if pulled {
						if err := s.Pull(b.Context(), want, nil); err != nil {
							b.Fatal(err)
						}
					}
					b.StartTimer()
					ensure(b, s, want).Release()
				}
			})
		}
	}
}
