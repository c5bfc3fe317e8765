package checkpoint

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob/disk"
)

// memoryImage writes a file that looks like a process's memory: of every 8 pages
// two are zeros, two are random, and the rest half text, half small numbers.
func memoryImage(z *zoo, path string, size int64) {
	f, err := os.Create(path)
	z.must(err)
	defer f.Close()
	b := make([]byte, 8*PageSize)
	for off := int64(0); off < size; off += int64(len(b)) {
		clear(b)
		z.fill(b[:2*PageSize])
		for p := 2; p < 6; p++ {
			page := b[p*PageSize : (p+1)*PageSize]
			for i := 0; i+8 <= len(page); i += 8 {
				v := z.rng.Uint64()
				if p%2 == 0 {
					copy(page[i:], fmt.Sprintf("%08x", v%5000))
				} else {
					page[i], page[i+1] = byte(v), byte(v>>8)
				}
			}
		}
		_, err := f.WriteAt(b[:min(int64(len(b)), size-off)], off)
		z.must(err)
	}
}

// dirty rewrites a share of the pages, anywhere.
func dirty(z *zoo, path string, share float64) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	z.must(err)
	defer f.Close()
	info, err := f.Stat()
	z.must(err)
	page := make([]byte, PageSize)
	pages := int(info.Size() / PageSize)
	for p := range pages {
		if z.rng.Float64() >= share {
			continue
		}
		_, err := f.ReadAt(page, int64(p)*PageSize)
		z.must(err)
		z.fill(page[:PageSize/4])
		_, err = f.WriteAt(page, int64(p)*PageSize)
		z.must(err)
	}
}

// BenchmarkMemory saves and restores a page file of which a share changed since
// the generation before, with a store on disk.
//
//	go test -run - -bench Memory -benchtime 3x ./checkpoint
func BenchmarkMemory(b *testing.B) {
	for _, mb := range []int64{150, 1024} {
		for _, share := range []float64{0, 0.03, 1} {
			b.Run(fmt.Sprintf("%dMB/%g%%", mb, share*100), func(b *testing.B) {
				z := newZoo(b, 1)
				path := filepath.Join(z.dir, "pages.img")
				memoryImage(z, path, mb<<20)
				store, err := disk.Open(filepath.Join(b.TempDir(), "blobs"), 0)
				z.must(err)
				defer store.Close()
				key, o := newKey(b), Options{Pages: pagesImg}
				m, stats, err := Save(b.Context(), store, key, z.dir, nil, Meta{Task: task}, o)
				z.must(err)
				first := stats
				var save, restore, saveCPU, restoreCPU time.Duration
				var sent, peak int64
				for b.Loop() {
					b.StopTimer()
					dirty(z, path, share)
					b.StartTimer()
					began, cpu := time.Now(), cpuTime()
					next, stats, err := Save(b.Context(), store, key, z.dir, m, Meta{Task: task}, o)
					z.must(err)
					save, saveCPU = save+time.Since(began), saveCPU+cpuTime()-cpu
					sent += stats.Sent
					began, cpu = time.Now(), cpuTime()
					back := filepath.Join(b.TempDir(), "back")
					_, err = Restore(b.Context(), store, key, next.Root, want(next), back, o)
					z.must(err)
					restore, restoreCPU = restore+time.Since(began), restoreCPU+cpuTime()-cpu
					b.StopTimer()
					var ms runtime.MemStats
					runtime.ReadMemStats(&ms)
					peak = max(peak, int64(ms.HeapSys))
					z.must(os.RemoveAll(back))
					z.must(Drop(b.Context(), store, m.Root, []artel.Ref{next.Root}, Limits{}))
					m = next
					b.StartTimer()
				}
				bytes := float64(b.N) * float64(mb<<20)
				b.ReportMetric(bytes/1e6/save.Seconds(), "save-MB/s")
				b.ReportMetric(bytes/1e6/restore.Seconds(), "restore-MB/s")
				if saveCPU > 0 {
					b.ReportMetric(bytes/1e6/saveCPU.Seconds(), "save-MB/cpu-s")
					b.ReportMetric(bytes/1e6/restoreCPU.Seconds(), "restore-MB/cpu-s")
				}
				b.ReportMetric(float64(sent)/1e6/float64(b.N), "sent-MB")
				b.ReportMetric(float64(first.Sent)/1e6, "first-MB")
				b.ReportMetric(float64(m.Blocks()), "blocks")
				b.ReportMetric(float64(peak)/1e6, "heap-MB")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
