package disk

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/blobtest"
	"github.com/artel-network/artel/blob/mem"
)

// cpu reports the processor time of this process per operation, which a busy
// machine changes less than the time on the clock. Fixtures are counted.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	start := used()
	return func() { b.ReportMetric(float64((used()-start).Microseconds())/1000/float64(b.N), "cpu-ms/op") }
}

// BenchmarkPut puts one block and waits until it is durable.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(n>>10, " KiB"), func(b *testing.B) {
			s := openTemp(b, 0)
			data := blobtest.Bytes(1, n)
			b.SetBytes(int64(n))
			defer cpu(b)()
			seq := 0
			for b.Loop() {
				seq++
				data[0], data[1], data[2] = byte(seq), byte(seq>>8), byte(seq>>16)
				ref, err := blob.RefOf(artel.CodecRaw, data)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Put(b.Context(), ref, data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAddFile adds a file of 64 MiB that the store does not hold.
func BenchmarkAddFile(b *testing.B) {
	data := blobtest.Bytes(1, 64<<20)
	b.SetBytes(int64(len(data)))
	defer cpu(b)()
	for b.Loop() {
		b.StopTimer()
		s := openTemp(b, 0)
		b.StartTimer()
		if _, _, err := blob.AddFile(b.Context(), s, bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadFile reads a file of 64 MiB, every byte verified.
func BenchmarkReadFile(b *testing.B) {
	s := openTemp(b, 0)
	ref, n, err := blob.AddFile(b.Context(), s, bytes.NewReader(blobtest.Bytes(1, 64<<20)))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(n)
	defer cpu(b)()
	for b.Loop() {
		f, err := blob.Open(b.Context(), s, ref)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.WriteTo(discard{}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// BenchmarkAddDir adds a task's outputs: a directory of small files.
func BenchmarkAddDir(b *testing.B) {
	for _, files := range []int{4, 100, 1000} {
		b.Run(fmt.Sprint(files, " files of 4 KiB"), func(b *testing.B) {
			seq := uint64(0)
			for b.Loop() {
				b.StopTimer()
				s, dir := openTemp(b, 0), b.TempDir()
				for i := range files {
					seq++
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), blobtest.Bytes(seq, 4096), 0o600); err != nil {
						b.Fatal(err)
					}
				}
				b.StartTimer()
				if _, err := blob.AddDir(b.Context(), s, dir, blob.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFetch moves a file of 64 MiB to another store.
func BenchmarkFetch(b *testing.B) {
	data := blobtest.Bytes(1, 64<<20)
	for name, pipe := range map[string]func(testing.TB) (client, server net.Conn){"pipe": netPipe, "loopback TCP": tcpPipe} {
		for _, on := range []string{"mem", "disk"} {
			b.Run(name+", "+on, func(b *testing.B) {
				store := func() blob.Store {
					if on == "mem" {
						return mem.New(0)
					}
					return openTemp(b, 0)
				}
				from := store()
				root, n, err := blob.AddFile(b.Context(), from, bytes.NewReader(data))
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(n)
				defer cpu(b)()
				for b.Loop() {
					b.StopTimer()
					to := store()
					b.StartTimer()
					fetchOnce(b, pipe, from, to, root)
				}
			})
		}
	}
}

func fetchOnce(b *testing.B, pipe func(testing.TB) (net.Conn, net.Conn), from, to blob.Store, root artel.Ref) {
	done := make(chan error, 1)
	err := blob.Fetch(b.Context(), func(ctx context.Context) (blob.Stream, error) {
		client, server := pipe(b)
		go func() {
			_, err := blob.Serve(context.Background(), server, artel.NodeID{}, from, blob.ServeOptions{
				Allow: func(context.Context, artel.NodeID, artel.Ref) error { return nil },
			})
			done <- err
		}()
		return client, nil
	}, to, root, blob.FetchOptions{})
	if err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

func netPipe(testing.TB) (client, server net.Conn) { return net.Pipe() }

func tcpPipe(t testing.TB) (client, server net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return client, server
}
