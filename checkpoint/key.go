package checkpoint

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/artel-network/artel"
)

// Key opens and makes the checkpoints of one task. The renter draws it, and
// gives it to who runs the task: the provider, later its successor, and a
// steward. Never to a keeper.
type Key [32]byte

// NewKey draws a key.
func NewKey() (Key, error) {
	var k Key
	if _, err := rand.Read(k[:]); err != nil {
		return Key{}, fmt.Errorf("draw checkpoint key: %w", err)
	}
	return k, nil
}

// String hides the key from logs.
func (Key) String() string { return "checkpoint.Key(hidden)" }

// GoString hides the key from logs.
func (k Key) GoString() string { return k.String() }

// What a sealed block is.
const (
	kindHead = 'H'
	kindPack = 'P'
)

// sealer seals and opens the blocks of one task: XChaCha20-Poly1305 under a key
// derived for the task and the kind of block.
//
// Nonces are 24 random bytes. A counter would be wrong here: an attempt that was
// fenced and its successor both make generation n+1 from generation n, with the
// same key and without knowing of each other. At 192 bits no number of blocks that
// fits on disks makes two nonces meet.
type sealer struct {
	task       artel.Hash
	head, pack cipher.AEAD
	ids        cipher.AEAD
}

func newSealer(k Key, task artel.Hash) (*sealer, error) {
	s := &sealer{task: task}
	for kind, to := range map[byte]*cipher.AEAD{kindHead: &s.head, kindPack: &s.pack} {
		sub, err := hkdf.Key(sha256.New, k[:], task[:], "artel checkpoint v1 "+string(kind), chacha20poly1305.KeySize)
		if err == nil {
			*to, err = chacha20poly1305.NewX(sub)
		}
		if err != nil {
			return nil, fmt.Errorf("checkpoint key: %w", err)
		}
	}
	// In memory alone: one AES-GCM key for the task.
	sub, err := hkdf.Key(sha256.New, k[:], task[:], "artel checkpoint v1 ids", 32)
	if err != nil {
		return nil, fmt.Errorf("checkpoint key: %w", err)
	}
	block, err := aes.NewCipher(sub)
	if err == nil {
		s.ids, err = cipher.NewGCM(block)
	}
	if err != nil {
		return nil, fmt.Errorf("checkpoint key: %w", err)
	}
	return s, nil
}

// id names a chunk: GMAC with a constant nonce, that is GHASH, a universal hash:
// for whoever does not know the key any two chunks have one id with a chance below
// 2^-115 (16 times their length by 2^128), at ten times the speed of a
// cryptographic hash without instructions for it. Ids are never written or shown, as
// they must not be; the program that makes the chunks does not know the key.
func (s *sealer) id(chunk []byte) (id chunkID) {
	var nonce [12]byte
	s.ids.Seal(id[:0], nonce[:], nil, chunk)
	return id
}

// overhead is what sealing adds.
const overhead = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead

// bound is the associated data: what a block is and where it belongs.
func (s *sealer) bound(kind byte, generation uint64, id uint32) []byte {
	b := append([]byte("artel checkpoint v1 "), kind)
	b = append(b, s.task[:]...)
	b = binary.BigEndian.AppendUint64(b, generation)
	return binary.BigEndian.AppendUint32(b, id)
}

func (s *sealer) aead(kind byte) cipher.AEAD {
	if kind == kindHead {
		return s.head
	}
	return s.pack
}

// seal appends nonce, ciphertext and tag to dst. dst and plain do not overlap.
func (s *sealer) seal(dst []byte, kind byte, generation uint64, id uint32, plain []byte) ([]byte, error) {
	n := len(dst)
	dst = append(dst, make([]byte, chacha20poly1305.NonceSizeX)...)
	if _, err := rand.Read(dst[n:]); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	return s.aead(kind).Seal(dst, dst[n:], plain, s.bound(kind, generation, id)), nil
}

// open is the inverse of seal, in place.
func (s *sealer) open(kind byte, generation uint64, id uint32, sealed []byte) ([]byte, error) {
	if len(sealed) < overhead {
		return nil, fmt.Errorf("%w: %d bytes", ErrKey, len(sealed))
	}
	nonce, text := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plain, err := s.aead(kind).Open(text[:0], nonce, text, s.bound(kind, generation, id))
	if err != nil {
		return nil, ErrKey
	}
	return plain, nil
}
