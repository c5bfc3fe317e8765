package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/api/fake"
	"github.com/rogpeppe/go-internal/testscript"
)

// built builds the command once. The scripts run it, never this test's own
// executable.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "artel-bin")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "artel"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build artel: %w\n%s", err, out)
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := built(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

type nodeKey struct{}

// Each script of testdata has a fake node of its own behind the real API on a
// unix socket, and the real command in its PATH.
func TestScripts(t *testing.T) {
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error { return setup(e, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "json": isJSON, "watched": watched, "mode": mode, "until": until, "field": field, "offered": offered,
		},
	})
}

func setup(e *testscript.Env, bin string) error {
	dir, err := os.MkdirTemp("", "a") // a socket's path must be short
	if err != nil {
		return err
	}
	sock := filepath.Join(dir, "s")
	l, err := api.ListenUnix(sock)
	if err != nil {
		return err
	}
	n := fake.New()
	n.OnVisit(box{e.WorkDir}.visit)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		s := api.NewServer(n, api.Version{Program: "artel", Release: release}, slog.New(slog.DiscardHandler))
		done <- s.Serve(ctx, l, api.Guard{Local: true})
	}()
	e.Defer(func() {
		cancel()
		<-done
		os.RemoveAll(dir)
	})
	e.Values[nodeKey{}] = n
	e.Setenv("PATH", bin+string(os.PathListSeparator)+e.Getenv("PATH"))
	e.Setenv("ARTEL_SOCKET", sock)
	e.Setenv("ARTEL_DIR", filepath.Join(e.WorkDir, "dir"))
	e.Setenv("TZ", "UTC")
	return os.WriteFile(filepath.Join(e.WorkDir, "prog.wasm"), []byte("\x00asm\x01\x00\x00\x00"), 0o600)
}

// exits CODE COMMAND… runs a command and wants its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var ee *exec.ExitError
	got := 0
	if errors.As(err, &ee) {
		got = ee.ExitCode()
	} else if err != nil {
		ts.Fatalf("run: %v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// json FILE wants one or more JSON values and nothing else.
func isJSON(ts *testscript.TestScript, neg bool, args []string) {
	d := json.NewDecoder(strings.NewReader(ts.ReadFile(args[0])))
	n := 0
	for d.More() {
		var v any
		ts.Check(d.Decode(&v))
		n++
	}
	if n == 0 {
		ts.Fatalf("%s holds no JSON", args[0])
	}
}

// watched N waits until N commands have watched a job.
func watched(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ts.Check(ts.Value(nodeKey{}).(*fake.Node).AwaitWatchers(ctx, n))
}

// mode PERM FILE wants a file's permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	fi, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", fi.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s: mode %s, want %s", args[1], got, args[0])
	}
}

// until COMMAND… runs a command until it succeeds.
func until(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(2 * time.Minute)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("still: %v", err)
		}
	}
}

// offered VAR FILE N puts the node id of the Nth offer of a list into an environment
// variable.
func offered(ts *testscript.TestScript, neg bool, args []string) {
	var list []api.Offer
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &list))
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	if n >= len(list) {
		ts.Fatalf("%d offers", len(list))
	}
	ts.Setenv(args[0], list[n].Node.String())
}

// field VAR FILE NAME puts a field of a JSON object into an environment
// variable.
func field(ts *testscript.TestScript, neg bool, args []string) {
	var v map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &v))
	s, ok := v[args[2]]
	if !ok {
		ts.Fatalf("%s has no field %s", args[1], args[2])
	}
	ts.Setenv(args[0], fmt.Sprint(s))
}
