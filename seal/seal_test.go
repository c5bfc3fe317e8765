package seal

import (
	"bytes"
	"io"
	"testing"
)

func TestSealedOpensWithItsKeyAlone(t *testing.T) {
	var box bytes.Buffer
	w, key, err := Writer(&box)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("result"), 100_000)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(box.Bytes(), []byte("resultresult")) {
		t.Fatal("the sealed bytes show the result")
	}
	r, err := Reader(bytes.NewReader(box.Bytes()), key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("read %d bytes, %v; want %d", len(got), err, len(want))
	}
	_, other, _ := Writer(io.Discard)
	if _, err := Reader(bytes.NewReader(box.Bytes()), other); err == nil {
		t.Error("another key opens it")
	}
	if _, err := Reader(bytes.NewReader(box.Bytes()), []byte("AGE-SECRET-KEY-1NOT")); err == nil {
		t.Error("a key that is none is taken")
	}
	bad := bytes.Clone(box.Bytes())
	bad[len(bad)-1] ^= 1
	if r, err = Reader(bytes.NewReader(bad), key); err == nil {
		_, err = io.ReadAll(r)
	}
	if err == nil {
		t.Error("changed bytes go unnoticed")
	}
}
