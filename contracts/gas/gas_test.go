package main

import (
	"bytes"
	"os"
	"testing"
)

// TestSnapshot measures everything again: what is committed must be what the
// committed bytecode costs.
func TestSnapshot(t *testing.T) {
	rows, err := measureAll()
	if err != nil {
		t.Fatal(err)
	}
	js, err := snapshot(rows)
	if err != nil {
		t.Fatal(err)
	}
	for file, got := range map[string][]byte{"snapshot.json": js, "../GAS.md": table(rows)} {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run make -C contracts gas", file)
		}
	}
	for _, r := range rows {
		if low := r.Gas["Osaka"].Low; r.Target != 0 && low > r.Target {
			t.Errorf("%s: %d gas, target %d", r.Name, low, r.Target)
		}
	}
}
