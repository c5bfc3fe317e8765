package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

const (
	diskBytes  = 16 << 20 // of a sample, at most
	leastDisk  = 1 << 20
	diskTimes  = 5
	diskBuffer = 1 << 20
	syncTimes  = 16
)

// disk measures the disk below o.Dir. The file's bytes cannot be compressed, and it is
// removed whatever happens; after a power cut its name, .artel-measure-*, tells
// whose it was.
func disk(ctx context.Context, o Options, f *Figures) (err error) {
	size := int64(diskBytes)
	if o.Free > 0 {
		size = min(size, int64(min(o.Free/8, 1<<62)))
	}
	if size = size / diskBuffer * diskBuffer; size < leastDisk {
		return fmt.Errorf("measure disk: only %d bytes are free", o.Free)
	}
	file, err := os.CreateTemp(o.Dir, ".artel-measure-*")
	if err != nil {
		return fmt.Errorf("measure disk: %w", err)
	}
	defer func() {
		if e := errors.Join(file.Close(), os.Remove(file.Name())); e != nil && err == nil {
			err = fmt.Errorf("tidy up after measuring the disk: %w", e)
		}
	}()
	buf := make([]byte, diskBuffer)
	noise := rand.NewChaCha8([32]byte{'d', 'i', 's', 'k'})
	var write, read, sync []float64
	for end := time.Now().Add(diskFor); len(write) < diskTimes && time.Now().Before(end) && ctx.Err() == nil; {
		_, _ = noise.Read(buf) // it never fails
		w, r, err := writeRead(file, buf, size, &f.ReadCached)
		if err != nil {
			return fmt.Errorf("measure disk: %w", err)
		}
		write, read = append(write, w), append(read, r)
	}
	for end := time.Now().Add(diskFor / 2); len(sync) < syncTimes && time.Now().Before(end) && ctx.Err() == nil; {
		_, _ = noise.Read(buf[:4096])
		began := time.Now()
		_, err := file.WriteAt(buf[:4096], 0)
		if err = errors.Join(err, file.Sync()); err != nil {
			return fmt.Errorf("measure disk: %w", err)
		}
		sync = append(sync, float64(time.Since(began))/float64(time.Millisecond))
	}
	f.Write, f.Read, f.Sync = figure(write), figure(read), figure(sync)
	return nil
}

// writeRead writes size bytes and syncs them, then reads them back; bytes a second.
func writeRead(file *os.File, buf []byte, size int64, cached *bool) (write, read float64, err error) {
	began := time.Now()
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return 0, 0, err
	}
	for range size / int64(len(buf)) {
		if _, err = file.Write(buf); err != nil {
			return 0, 0, err
		}
	}
	if err = file.Sync(); err != nil {
		return 0, 0, err
	}
	write = float64(size) / time.Since(began).Seconds()
	if !forget(file.Fd()) {
		*cached = true
	}
	began = time.Now()
	if _, err = file.Seek(0, io.SeekStart); err != nil {
		return 0, 0, err
	}
	for got := int64(0); got < size; {
		n, err := file.Read(buf)
		if err != nil {
			return 0, 0, err
		}
		got += int64(n)
	}
	return write, float64(size) / max(time.Since(began).Seconds(), 1e-9), nil
}
