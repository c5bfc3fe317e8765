package main

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Why no container runs, and what to do about it, is told; it is nothing that keeps a
// node from working.
func TestDoctorTriesAContainer(t *testing.T) {
	try := func(err error) func(context.Context, []string) error {
		return func(_ context.Context, command []string) error {
			if len(command) != 1 || command[0] == "" {
				t.Errorf("tried with the command %q", command)
			}
			return err
		}
	}
	if c := checkTrial(t.Context(), try(nil)); !c.OK || c.Note || c.Name != "trial" {
		t.Errorf("a container that runs: %+v", c)
	}
	c := checkTrial(t.Context(), try(errors.New("no: the kernel does not let this user make user namespaces; hint: sysctl -w user.max_user_namespaces=10000")))
	if !c.OK || !c.Note || !strings.Contains(c.Message, "WASM only") || !strings.Contains(c.Message, "user namespaces") || !strings.HasPrefix(c.Hint, "sysctl -w") {
		t.Errorf("a kernel that refuses: %+v", c)
	}
}
