package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/api/fake"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/network"
)

// fakeDaemon is a fake node that runs until it is told to stop.
type fakeDaemon struct {
	*fake.Node
	cfg    daemonConfig
	ready  chan daemonConfig
	closed chan struct{}
	vacate func(context.Context) // nil: at once
}

func (d *fakeDaemon) Run(ctx context.Context) error {
	d.ready <- d.cfg
	<-ctx.Done()
	return ctx.Err()
}

func (d *fakeDaemon) StewardDoor() net.Listener { return nil }

func (d *fakeDaemon) Vacate(ctx context.Context) {
	if d.vacate != nil {
		d.vacate(ctx)
	}
}

func (d *fakeDaemon) Close() error { close(d.closed); return nil }

type upTest struct {
	t   *testing.T
	dir string
	a   *app
}

func newUpTest(t *testing.T) upTest {
	dir, err := os.MkdirTemp("", "u") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { null.Close() })
	a := &app{in: null, out: null, err: null, getenv: func(string) string { return "" }, dir: filepath.Join(dir, "d")}
	return upTest{t, dir, a}
}

func (u upTest) networkFile(change func(*network.File)) string {
	f := fake.Network()
	change(&f)
	b, err := f.Encode()
	if err != nil {
		u.t.Fatal(err)
	}
	path := filepath.Join(u.dir, "net.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		u.t.Fatal(err)
	}
	return path
}

// start runs up until stop is called; stop returns up's error.
func (u upTest) start(o upOptions) (daemonConfig, func() error) {
	u.t.Helper()
	d := &fakeDaemon{Node: fake.New(), ready: make(chan daemonConfig, 1), closed: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- u.a.up(ctx, o, func(_ context.Context, c daemonConfig) (daemon, error) { d.cfg = c; return d, nil })
	}()
	select {
	case c := <-d.ready:
		return c, func() error { cancel(); err := <-ended; <-d.closed; return err }
	case err := <-ended:
		cancel()
		u.t.Fatalf("up ended: %v", err)
	}
	panic("unreachable")
}

// up makes key and network, serves the built command over socket and TCP, and
// finds both again on the next start.
func TestUp(t *testing.T) {
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	u := newUpTest(t)
	o := upOptions{network: u.networkFile(func(*network.File) {}), noPassphrase: true, apiListen: "127.0.0.1:0", logLevel: "error"}
	c, stop := u.start(o)
	paths := datadir.At(u.a.dir)
	artel := func(args ...string) ([]byte, error) {
		cmd := exec.Command(filepath.Join(bin, "artel"), args...)
		cmd.Env = append(os.Environ(), "ARTEL_DIR="+u.a.dir, "ARTEL_SOCKET=")
		return cmd.CombinedOutput()
	}
	out, err := artel("status", "--json")
	var s api.Status
	if err != nil || json.Unmarshal(out, &s) != nil || s.Network != "fakenet" {
		t.Errorf("status: %s, %v", out, err)
	}
	if out, err := artel("doctor"); err != nil || !bytes.Contains(out, []byte("protected by its mode only")) {
		t.Errorf("doctor: %s, %v", out, err)
	}
	for _, f := range []string{paths.Socket(), paths.Key(), paths.Token(), paths.Network()} {
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want 0600", f, fi, err)
		}
	}
	if _, err := datadir.Open(u.a.dir); !errors.Is(err, datadir.ErrLocked) {
		t.Errorf("a second daemon: %v", err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	if out, err := artel("status"); err == nil || !bytes.Contains(out, []byte("no daemon is running")) {
		t.Errorf("after the stop: %s, %v", out, err)
	}
	again, stop := u.start(upOptions{logLevel: "error"})
	if again.Key.Address() != c.Key.Address() || again.Network.Hash() != c.Network.Hash() {
		t.Error("the second start has another key or network")
	}
	if err := stop(); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

func TestUpRefuses(t *testing.T) {
	never := func(context.Context, daemonConfig) (daemon, error) {
		t.Error("the daemon was opened")
		return nil, errors.New("no")
	}
	up := func(u upTest, o upOptions) string {
		o.logLevel = "error"
		err := u.a.up(context.Background(), o, never)
		if err == nil {
			return "no error"
		}
		return err.Error()
	}
	want := func(name, got, text string) {
		t.Helper()
		if !strings.Contains(got, text) || !strings.Contains(got, "hint:") {
			t.Errorf("%s: %s, want %q and a hint", name, got, text)
		}
	}
	u := newUpTest(t)
	want("no network", up(u, upOptions{noPassphrase: true}), "no network file")
	file := u.networkFile(func(*network.File) {})
	want("nobody to ask", up(u, upOptions{network: file}), "no terminal to ask at")
	want("another network", up(u, upOptions{network: u.networkFile(func(f *network.File) { f.Chain.ID++ }), noPassphrase: true}), "belongs to network fakenet")
	want("open to the world", up(u, upOptions{noPassphrase: true, apiListen: "0.0.0.0:0"}), "not loopback")
	paths := datadir.At(u.a.dir)
	if err := os.Remove(paths.Key()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(paths.Database(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want("the key is gone", up(u, upOptions{noPassphrase: true}), "artel wallet restore")
	d, err := datadir.Open(u.a.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	want("two daemons", up(u, upOptions{noPassphrase: true}), "in use by process")
}
