//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Connections are forwarded side by side, whole, and each half of one may end
// before the other.
func TestForward(t *testing.T) {
	_, c := visited(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // answers once the question is whole
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b, _ := io.ReadAll(conn)
				io.WriteString(conn, strings.ToUpper(string(b)))
			}()
		}
	}()
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	fl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := os.Create(filepath.Join(t.TempDir(), "err"))
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	a := &app{err: stderr, out: stderr}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.accept(ctx, c, target{job: "a0000001", task: 0}, &forwarding{Listener: fl, Port: port}, make(chan struct{}, 4))
	}()
	text := strings.Repeat("abcdefgh", 50_000)
	errs := make(chan error, 10)
	for range cap(errs) {
		go func() {
			errs <- func() error {
				conn, err := net.Dial("tcp", fl.Addr().String())
				if err != nil {
					return err
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, text); err != nil {
					return err
				}
				if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
					return err
				}
				b, err := io.ReadAll(conn)
				if err == nil && string(b) != strings.ToUpper(text) {
					err = errors.New("the answer is not what was asked for")
				}
				return err
			}()
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	// Nobody listens any more: the connection here ends, and artel says why.
	l.Close()
	if conn, err := net.Dial("tcp", fl.Addr().String()); err == nil { // it may be reset before it is there
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	cancel()
	fl.Close()
	<-ended
	if b, _ := os.ReadFile(stderr.Name()); !strings.Contains(string(b), "nothing listens on that port") {
		t.Errorf("artel says %q", b)
	}
}

// The verb itself: what it prints is where it listens, and Ctrl-C is its end.
func TestForwardListens(t *testing.T) {
	socket, _ := visited(t)
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "hello") // and hangs up first
			conn.Close()
		}
	}()
	port := l.Addr().(*net.TCPAddr).Port
	cmd := exec.Command(filepath.Join(bin, "artel"), "forward", "a0", fmt.Sprintf("0:%d", port), "--json")
	cmd.Env = append(os.Environ(), "ARTEL_SOCKET="+socket)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var listens []struct {
		Local string
		Port  int
	}
	if err := json.NewDecoder(stdout).Decode(&listens); err != nil || len(listens) != 1 || listens[0].Port != port {
		t.Fatalf("it printed %+v, %v", listens, err)
	}
	conn, err := net.Dial("tcp", listens[0].Local)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(conn); err != nil || string(b) != "hello" {
		t.Errorf("got %q, %v", b, err)
	}
	conn.Close()
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestParseForward(t *testing.T) {
	for in, want := range map[string][2]uint16{"8080": {8080, 8080}, "8000:80": {8000, 80}, "0:80": {0, 80}} {
		if l, p, err := parseForward(in); err != nil || l != want[0] || p != want[1] {
			t.Errorf("%s: %d, %d, %v", in, l, p, err)
		}
	}
	for _, in := range []string{"", "0", "x", "80:0", "1:2:3", "70000", "-1", "80:", ":80", "127.0.0.1:80:80"} {
		if _, _, err := parseForward(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}
