// Package keys keeps a node's secret on disk: one JSON file, 0600, whose secret
// is encrypted under a passphrase.
//
// The encryption is age's (https://age-encryption.org/v1, scrypt recipient)
// and not the V3 format of Ethereum wallets: age is one small audited format
// with authenticated encryption and a bounded work factor, V3 would bring a
// cipher mode and a MAC of our own, or all of go-ethereum. A node key is also
// not what people keep in a wallet: it is the session signer of an account that
// may well be in one. Without this program the secret comes out with
//
//	jq -r .secret key.json | age -d
//
// The address and node id in clear text are there so that tools can say whose
// key it is without the passphrase; Load does not trust them, it compares.
package keys

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/artel-network/artel"
	"github.com/artel-network/artel/datadir"
)

// Version is the format that this program reads and writes.
const Version = 1

// WorkFactor is the base-2 logarithm of scrypt's N: 2¹⁷ takes 128 MiB and, on
// a small machine, about half a second.
// Source: OWASP Password Storage Cheat Sheet, scrypt (N=2^17, r=8, p=1).
const WorkFactor = 17

// maxWorkFactor bounds what a hostile backup can make Restore spend (1 GiB).
const maxWorkFactor = 20

const maxFile = 16 << 10

// Protection says what guards the secret.
type Protection string

// The protections.
const (
	Passphrase Protection = "passphrase"
	FileMode   Protection = "file-mode" // only the file's 0600; for daemons that start unattended
)

// Errors to match with errors.Is.
var (
	ErrNone       = errors.New("no key file")
	ErrExists     = errors.New("key file exists")
	ErrDamaged    = errors.New("key file is damaged")
	ErrVersion    = errors.New("key file of another version")
	ErrPassphrase = errors.New("wrong passphrase")
	ErrMode       = errors.New("key file is open to others")
)

// Info is what a key file tells without its passphrase.
type Info struct {
	Version    int           `json:"version"`
	Address    artel.Address `json:"address"`
	Node       artel.NodeID  `json:"node"`
	Protection Protection    `json:"protection"`
}

type file struct {
	Info
	Secret string `json:"secret"` // armored age file, or 0x and hex under FileMode
}

// Ask supplies a passphrase when one is needed.
type Ask func() (string, error)

// Generate draws a new key.
func Generate() (artel.Key, error) {
	for {
		var b [32]byte
		if _, err := rand.Read(b[:]); err != nil {
			return artel.Key{}, fmt.Errorf("draw key: %w", err)
		}
		if k, err := artel.KeyFromBytes(b[:]); err == nil { // all but 2⁻¹²⁸ of draws
			return k, nil
		}
	}
}

// Create writes key to a new file at path, encrypted under passphrase.
// ErrExists: a file is there; it is never overwritten, for it may be the only
// copy of somebody's key.
func Create(path string, key artel.Key, passphrase string) error {
	return create(path, key, passphrase, WorkFactor)
}

func create(path string, key artel.Key, passphrase string, work int) error {
	b, err := encode(key, passphrase, work)
	if err != nil {
		return err
	}
	return writeNew(path, b)
}

// CreateUnprotected writes key to a new file at path that only its mode
// protects.
func CreateUnprotected(path string, key artel.Key) error {
	b, err := marshal(file{Info: info(key, FileMode), Secret: "0x" + hex.EncodeToString(key.Bytes())})
	if err != nil {
		return err
	}
	return writeNew(path, b)
}

// Load opens the key file at path; ask is called only if it is encrypted.
func Load(path string, ask Ask) (artel.Key, error) {
	f, _, err := read(path, true)
	if err != nil {
		return artel.Key{}, err
	}
	return f.open(path, ask)
}

// Read returns what the file at path tells without its passphrase.
func Read(path string) (Info, error) {
	f, _, err := read(path, true)
	return f.Info, err
}

// Backup writes an encrypted copy of the key file at path to a new file at to, and
// returns what that one tells.
// An encrypted file is opened once, so that a backup nobody can open is found
// now; ask gives its passphrase, or the new one for a file that had none.
func Backup(path, to string, ask Ask) (Info, error) { return backup(path, to, ask, WorkFactor) }

func backup(path, to string, ask Ask, work int) (Info, error) {
	f, raw, err := read(path, true)
	if err != nil {
		return Info{}, err
	}
	if f.Protection == FileMode {
		key, err := f.open(path, ask)
		if err != nil {
			return Info{}, err
		}
		p, err := ask()
		if err != nil {
			return Info{}, err
		}
		if raw, err = encode(key, p, work); err != nil {
			return Info{}, err
		}
		f.Protection = Passphrase
	} else if _, err := f.open(path, ask); err != nil {
		return Info{}, err
	}
	return f.Info, writeNew(to, raw)
}

// Restore copies the backup at from to a new file at path after opening it once
// with ask's passphrase. ErrExists: a key is there already.
func Restore(from, path string, ask Ask) (Info, error) {
	if _, err := os.Lstat(path); err == nil {
		return Info{}, fmt.Errorf("restore %s: %w; hint: move it away first, it may be the only copy of another key", path, ErrExists)
	}
	f, raw, err := read(from, false)
	if err != nil {
		return Info{}, err
	}
	if _, err := f.open(from, ask); err != nil {
		return Info{}, err
	}
	return f.Info, writeNew(path, raw)
}

func info(key artel.Key, p Protection) Info {
	return Info{Version: Version, Address: key.Address(), Node: key.NodeID(), Protection: p}
}

func encode(key artel.Key, passphrase string, work int) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, fmt.Errorf("encrypt key: %w; hint: --no-passphrase keeps a key that only the file's mode protects", err)
	}
	r.SetWorkFactor(work)
	defer debug.FreeOSMemory() // scrypt's 128 MiB would count against an idle daemon
	var buf bytes.Buffer
	a := armor.NewWriter(&buf)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	if _, err := w.Write(key.Bytes()); err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	return marshal(file{Info: info(key, Passphrase), Secret: buf.String()})
}

func (f file) open(path string, ask Ask) (artel.Key, error) {
	raw, err := f.secret(path, ask)
	if err != nil {
		return artel.Key{}, err
	}
	key, err := artel.KeyFromBytes(raw)
	if err != nil {
		return artel.Key{}, fmt.Errorf("open key file %s: %w: %v", path, ErrDamaged, err)
	}
	if key.Address() != f.Address || key.NodeID() != f.Node {
		return artel.Key{}, fmt.Errorf("open key file %s: %w: it says %s and holds the key of %s", path, ErrDamaged, f.Address, key.Address())
	}
	return key, nil
}

func (f file) secret(path string, ask Ask) ([]byte, error) {
	if f.Protection == FileMode {
		b, err := hex.DecodeString(strings.TrimPrefix(f.Secret, "0x"))
		if err != nil {
			return nil, fmt.Errorf("open key file %s: %w: the secret is not hex", path, ErrDamaged)
		}
		return b, nil
	}
	passphrase, err := ask()
	if err != nil {
		return nil, fmt.Errorf("open key file %s: %w", path, err)
	}
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, fmt.Errorf("open key file %s: %w: it is empty", path, ErrPassphrase)
	}
	id.SetMaxWorkFactor(maxWorkFactor)
	defer debug.FreeOSMemory()
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(f.Secret)), id)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, fmt.Errorf("open key file %s: %w", path, ErrPassphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("open key file %s: %w: %v", path, ErrDamaged, err)
	}
	b, err := io.ReadAll(io.LimitReader(r, 33))
	if err != nil {
		return nil, fmt.Errorf("open key file %s: %w: %v", path, ErrDamaged, err)
	}
	return b, nil
}

func read(path string, private bool) (file, []byte, error) {
	h, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && private {
		return file{}, nil, fmt.Errorf("open key file: %w at %s; hint: `artel up` makes one, `artel wallet restore FILE` brings one back", ErrNone, path)
	}
	if err != nil {
		return file{}, nil, fmt.Errorf("open key file: %w", err)
	}
	defer h.Close()
	fi, err := h.Stat()
	if err != nil {
		return file{}, nil, fmt.Errorf("open key file: %w", err)
	}
	// Windows has no such modes: there the file is as closed as the user's profile.
	if private && runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0 {
		return file{}, nil, fmt.Errorf("open key file %s: %w: mode %04o; hint: chmod 600 %s", path, ErrMode, fi.Mode().Perm(), path)
	}
	raw, err := io.ReadAll(io.LimitReader(h, maxFile+1))
	if err != nil {
		return file{}, nil, fmt.Errorf("read key file: %w", err)
	}
	f, err := decode(raw)
	if err != nil {
		return file{}, nil, fmt.Errorf("read key file %s: %w", path, err)
	}
	return f, raw, nil
}

func decode(raw []byte) (file, error) {
	var f file
	if len(raw) > maxFile {
		return f, fmt.Errorf("%w: more than %d bytes", ErrDamaged, maxFile)
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return f, fmt.Errorf("%w: %v; hint: `artel wallet restore` brings a backup back", ErrDamaged, err)
	}
	switch {
	case f.Version != Version:
		return f, fmt.Errorf("%w: %d, this program knows %d", ErrVersion, f.Version, Version)
	case f.Protection != Passphrase && f.Protection != FileMode:
		return f, fmt.Errorf("%w: protection %.20q is not known", ErrDamaged, f.Protection)
	case f.Secret == "":
		return f, fmt.Errorf("%w: it holds no secret", ErrDamaged)
	}
	return f, nil
}

func marshal(f file) ([]byte, error) {
	b, err := json.MarshalIndent(f, "", "  ")
	return append(b, '\n'), err
}

// writeNew puts the whole file under its name in one step and never over
// another: link fails where a file is.
func writeNew(path string, b []byte) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".artel-key-*") // 0600
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	err = os.Link(tmp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write key file %s: %w; hint: name another file, a key is never overwritten", path, ErrExists)
	}
	if err != nil { // a file system without links, such as FAT on a USB stick
		if err = copyNew(path, b); err != nil {
			return err
		}
	}
	if err := datadir.SyncDir(dir); err != nil {
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	return nil
}

func copyNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write key file %s: %w; hint: name another file, a key is never overwritten", path, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return fmt.Errorf("write key file %s: %w", path, err)
	}
	return nil
}
