package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/image"
)

// TestClosed: what a renter's tasks were given goes with its lease, as soon as none of
// them uses it; another renter's stays.
func TestClosed(t *testing.T) {
	s := newShop(t, 0, writes(0))
	told := 0
	s.Tidy = func() { told++ }
	renter, other := artel.NodeID{1}, artel.NodeID{2}
	lay := func(from artel.NodeID, what string) func() {
		t.Helper()
		_, done, err := s.lay(t.Context(), from, s.serves(from, what), page, false)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	there := func() int {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(s.Dir, "laid", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	lay(renter, "idle")()
	lay(other, "idle")()
	busy := lay(renter, "in use")
	if there() != 3 {
		t.Fatalf("%d are laid out", there())
	}
	s.Closed(renter)
	if there() != 2 || told != 1 {
		t.Errorf("%d are left while one of them is in use and one another's; tidy was asked for %d times", there(), told)
	}
	busy()
	if used, _ := s.Used(); there() != 1 || used != s.onDisk() {
		t.Errorf("%d are left, %d bytes are counted, %d are on the disk", there(), used, s.onDisk())
	}
	// The next lease's are laid out anew, and stay.
	lay(renter, "in use")()
	if there() != 2 {
		t.Errorf("%d are laid out", there())
	}
}

// TestBeginClears: what an earlier run of the daemon has laid out does not wait for the
// next task.
func TestBeginClears(t *testing.T) {
	s := newShop(t, 0, writes(0))
	left := filepath.Join(s.Dir, "laid", "x")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Begin(t.Context(), nil)
	if _, err := os.Stat(left); err == nil {
		t.Error("it is still there")
	}
}

// noImages fails as it is told.
type noImages struct{ err error }

func (n noImages) Ensure(context.Context, artel.NodeID, artel.Box, artel.Terms) (*image.Image, error) {
	return nil, n.err
}
func (noImages) Hold(string) func() { return func() {} }

// TestWhoseFault: what every host would see ends the task after its tries; what this
// one cannot do, or what the renter did not serve, does not.
func TestWhoseFault(t *testing.T) {
	const registry = "docker.io/library/x"
	for _, c := range []struct {
		err    error
		source string
		want   artel.Reason
	}{
		{image.ErrDigest, registry, artel.ReasonBadProgram},
		{image.ErrNotFound, registry, artel.ReasonBadProgram},
		{image.ErrAuth, registry, artel.ReasonBadProgram},
		{image.ErrPlatform, registry, artel.ReasonBadProgram},
		{image.ErrPlatform, "", artel.ReasonBadProgram},
		{image.ErrUnsafe, "", artel.ReasonBadProgram},
		{image.ErrMalformed, registry, artel.ReasonBadProgram},
		{image.ErrUnsupported, registry, artel.ReasonBadProgram},
		{image.ErrTooLarge, registry, artel.ReasonBadProgram},
		{image.ErrRegistry, registry, artel.ReasonNoInput},
		{image.ErrNotFound, "", artel.ReasonNoInput},
		{image.ErrDigest, "", artel.ReasonNoInput},
		{image.ErrFull, registry, artel.ReasonRefused},
		{image.ErrHost, registry, artel.ReasonRefused},
	} {
		b := &Boxed{Images: noImages{fmt.Errorf("image sha256:00: %w", c.err)}}
		_, why, err := b.image(t.Context(), artel.NodeID{1}, artel.Box{Image: artel.Hash{1}, Source: c.source}, artel.Terms{Pull: 5})
		if why != c.want || err == nil || !strings.Contains(err.Error(), c.err.Error()) {
			t.Errorf("%v from %q: %s, %v; want %s", c.err, c.source, why, err, c.want)
		}
	}
}
