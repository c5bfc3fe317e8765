// Package seal closes a task's output until it is paid for: the provider
// encrypts it to a fresh key, the renter fetches and checks the sealed bytes,
// and the key is exchanged for the voucher.
//
// The format is age (https://age-encryption.org/v1) with one X25519 recipient,
// so that any age tool opens it.
package seal

import (
	"fmt"
	"io"

	"filippo.io/age"
)

// Writer encrypts to w with a fresh key. The returned key opens what was
// written once the writer is closed; it must not be shown before it is paid
// for.
func Writer(w io.Writer) (io.WriteCloser, []byte, error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fmt.Errorf("draw output key: %w", err)
	}
	sealed, err := age.Encrypt(w, id.Recipient())
	if err != nil {
		return nil, nil, fmt.Errorf("seal output: %w", err)
	}
	return sealed, []byte(id.String()), nil
}

// Reader decrypts what Writer wrote. A key that is none, or is another's, is an
// error at once; bytes that were changed are an error when they are reached.
func Reader(r io.Reader, key []byte) (io.Reader, error) {
	id, err := age.ParseX25519Identity(string(key))
	if err != nil {
		return nil, fmt.Errorf("read output key: %w", err)
	}
	plain, err := age.Decrypt(r, id)
	if err != nil {
		return nil, fmt.Errorf("open output: %w", err)
	}
	return plain, nil
}
