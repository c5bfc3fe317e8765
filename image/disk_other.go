//go:build !linux && !darwin

package image

import "errors"

// freeBytes is not known here: a full disk is found when it is full.
func freeBytes(string) (int64, error) { return 0, errors.ErrUnsupported }
