package checkpoint

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// nextData returns the first place at or after off that may hold data; size if
// there is none. A file system that keeps no holes says that all is data.
func nextData(f *os.File, off, size int64) int64 {
	n, err := f.Seek(off, unix.SEEK_DATA)
	switch {
	case errors.Is(err, unix.ENXIO):
		return size
	case err != nil || n < off:
		return off
	}
	return n
}
