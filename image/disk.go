package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/artel-network/artel/blob"
)

// full gives the errors of a full disk or blob store the name that callers match.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, blob.ErrFull) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// syncDir makes names in a directory outlast a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		err = nil // Windows does not let a directory be synced
	}
	return errors.Join(err, d.Close())
}
