package keys

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age/armor"
	"github.com/artel-network/artel"
)

func say(s string) Ask { return func() (string, error) { return s, nil } }

func never(t *testing.T) Ask {
	return func() (string, error) { t.Error("asked for a passphrase"); return "", errors.New("not now") }
}

func newKey(t *testing.T) artel.Key {
	t.Helper()
	k, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCreateAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	k := newKey(t)
	if err := create(path, k, "correct horse", 4); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", fi.Mode(), err)
	}
	raw, _ := os.ReadFile(path)
	if s := k.Bytes(); bytes.Contains(raw, s) || bytes.Contains(raw, []byte(hex.EncodeToString(s))) {
		t.Fatal("the file shows the secret")
	}
	got, err := Load(path, say("correct horse"))
	if err != nil || got.Address() != k.Address() {
		t.Fatalf("Load = %s, %v", got, err)
	}
	if _, err := Load(path, say("wrong horse")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := Load(path, say("")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("empty passphrase: %v", err)
	}
	if err := Create(path, newKey(t), "x"); !errors.Is(err, ErrExists) {
		t.Errorf("overwrite: %v", err)
	}
	if err := Create(path+"2", k, ""); err == nil {
		t.Error("an empty passphrase was taken")
	}
	in, err := Read(path)
	if err != nil || in.Address != k.Address() || in.Node != k.NodeID() || in.Protection != Passphrase {
		t.Errorf("Read = %+v, %v", in, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".artel-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestUnprotected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	k := newKey(t)
	if err := CreateUnprotected(path, k); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(path, never(t)); err != nil || got.Address() != k.Address() {
		t.Fatalf("Load = %s, %v", got, err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, never(t)); !errors.Is(err, ErrMode) || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open to the group: %v", err)
	}
}

// The exported ones use the work factor that keeps a stolen file closed.
func TestWorkFactor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := Create(path, newKey(t), "p"); err != nil {
		t.Fatal(err)
	}
	f, _, err := read(path, true)
	if err != nil {
		t.Fatal(err)
	}
	head, err := io.ReadAll(armor.NewReader(strings.NewReader(f.Secret)))
	if err != nil || !bytes.Contains(head, []byte(" 17\n")) {
		t.Errorf("%q, %v", head[:min(100, len(head))], err)
	}
}

func TestMissing(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "key.json"), never(t))
	if !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("got %v", err)
	}
}

// A file torn at any byte, or with any one byte changed, is refused or still
// gives the same key; it never gives another.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key.json")
	k := newKey(t)
	if err := CreateUnprotected(path, k); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	try := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path, say("x"))
		if err == nil && got.Address() != k.Address() {
			t.Fatalf("another key came out of %q", b)
		}
	}
	for i := range raw {
		try(raw[:i])
		b := bytes.Clone(raw)
		b[i] ^= 1
		try(b)
	}
	for i := 0; i < len(raw)-2; i += 7 {
		if err := os.WriteFile(path, raw[:i], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path, never(t)); !errors.Is(err, ErrDamaged) {
			t.Fatalf("torn at %d: %v", i, err)
		}
	}
}

func TestEncryptedDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := create(path, newKey(t), "p", 4); err != nil {
		t.Fatal(err)
	}
	raw, _ := os.ReadFile(path)
	i := bytes.LastIndex(raw, []byte(`\n-----END`))
	cases := map[string][]byte{
		"payload changed":   append(append(bytes.Clone(raw[:i-10]), raw[i-10]^3), raw[i-9:]...),
		"another address":   bytes.Replace(raw, []byte(`"address": "0x`), []byte(`"address": "0xffff`), 1),
		"armor cut":         append(bytes.Clone(raw[:i-20]), "\"}\n"...),
		"no such version":   bytes.Replace(raw, []byte(`"version": 1`), []byte(`"version": 9`), 1),
		"unknown guardian":  bytes.Replace(raw, []byte(`"passphrase"`), []byte(`"pinkyswear"`), 1),
		"too long a file":   append(bytes.Clone(raw), bytes.Repeat([]byte(" "), maxFile)...),
		"swapped addresses": swapAddress(raw),
	}
	for name, b := range cases {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path, say("p"))
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A backup is hostile input: it may name a work factor that would take all
// memory.
func TestGreedyWorkFactor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	if err := create(path, newKey(t), "p", 4); err != nil {
		t.Fatal(err)
	}
	f, _, err := read(path, true)
	if err != nil {
		t.Fatal(err)
	}
	head, err := io.ReadAll(armor.NewReader(strings.NewReader(f.Secret)))
	if err != nil {
		t.Fatal(err)
	}
	greedy := bytes.Replace(head, []byte(" 4\n"), []byte(" 30\n"), 1)
	if bytes.Equal(greedy, head) {
		t.Fatalf("no work factor in %q", head)
	}
	var buf bytes.Buffer
	w := armor.NewWriter(&buf)
	w.Write(greedy)
	w.Close()
	f.Secret = buf.String()
	if _, err := f.open(path, say("p")); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "work factor") {
		t.Errorf("got %v", err)
	}
}

func swapAddress(raw []byte) []byte {
	i := bytes.Index(raw, []byte(`"address": "0x`)) + len(`"address": "0x`)
	b := bytes.Clone(raw)
	copy(b[i:i+40], strings.Repeat("ab", 20))
	return b
}

func TestBackupAndRestore(t *testing.T) {
	dir := t.TempDir()
	at := func(n string) string { return filepath.Join(dir, n) }
	k := newKey(t)
	if err := CreateUnprotected(at("key.json"), k); err != nil {
		t.Fatal(err)
	}
	in, err := backup(at("key.json"), at("backup.json"), say("paper"), 4)
	if err != nil || in.Address != k.Address() || in.Protection != Passphrase {
		t.Fatalf("Backup = %+v, %v", in, err)
	}
	raw, _ := os.ReadFile(at("backup.json"))
	if bytes.Contains(raw, []byte(hex.EncodeToString(k.Bytes()))) {
		t.Fatal("the backup of an unprotected key shows the secret")
	}
	if _, err := Restore(at("backup.json"), at("key.json"), say("paper")); !errors.Is(err, ErrExists) {
		t.Errorf("restore over a key: %v", err)
	}
	if _, err := Restore(at("backup.json"), at("new.json"), say("scissors")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("restore with another passphrase: %v", err)
	}
	if _, err := os.Stat(at("new.json")); err == nil {
		t.Error("a restore that was refused left a file")
	}
	if err := os.Chmod(at("backup.json"), 0o644); err != nil { // it came from a USB stick
		t.Fatal(err)
	}
	if _, err := Restore(at("backup.json"), at("new.json"), say("paper")); err != nil {
		t.Fatal(err)
	}
	if got, err := Load(at("new.json"), say("paper")); err != nil || got.Address() != k.Address() {
		t.Errorf("restored: %s, %v", got, err)
	}
	if _, err := Backup(at("new.json"), at("backup.json"), say("paper")); !errors.Is(err, ErrExists) {
		t.Errorf("backup over a file: %v", err)
	}
	if _, err := Backup(at("new.json"), at("b2.json"), say("rock")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("backup that nobody could open: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"address":"0x0000000000000000000000000000000000000001","protection":"file-mode","secret":"0x01"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := decode(b); err == nil && got.Protection == FileMode {
			got.open("x", say(""))
		}
	})
}
