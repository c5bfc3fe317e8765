package api_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/artel-network/artel/api"
)

// liar is a steward that answers whatever it likes.
func liar(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *api.Client {
	srv := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(srv.Close)
	c := api.NewConnClient("the steward", func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", srv.Listener.Addr().String())
	})
	t.Cleanup(c.Close)
	return c
}

// A steward that calls a job by a path does not choose where its files go on the
// machine that fetches them.
func TestJobsAreCalledByTheirIDs(t *testing.T) {
	c := liar(t, func(w http.ResponseWriter, r *http.Request) {
		job := `{"id":"/../../../../home/ana/.config/autostart"}`
		if r.Method == http.MethodGet && r.URL.Path == "/v1/jobs" {
			job = "[" + job + "]"
		}
		io.WriteString(w, job)
	})
	for what, f := range map[string]func() error{
		"job":    func() error { _, err := c.Job(t.Context(), "ab"); return err },
		"cancel": func() error { _, err := c.Cancel(t.Context(), "ab"); return err },
		"remove": func() error { _, err := c.Remove(t.Context(), "ab"); return err },
		"submit": func() error { _, err := c.Submit(t.Context(), api.SubmitRequest{}); return err },
		"list":   func() error { _, err := c.List(t.Context(), api.JobQuery{}); return err },
	} {
		if err := f(); code(err) != api.CodeIncompatible {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A steward that answers without an end takes no more memory here than an answer may.
func TestStewardsAnswerHasAnEnd(t *testing.T) {
	sent := make(chan int, 2)
	c := liar(t, func(w http.ResponseWriter, r *http.Request) {
		n := 0
		defer func() { sent <- n }()
		k, _ := fmt.Fprint(w, "[")
		for lane := strings.Repeat(`{"lane":7},`, 1<<10); n < 256<<20; n += k {
			var err error
			if k, err = io.WriteString(w, lane); err != nil {
				return
			}
		}
	})
	if _, err := c.Resting(t.Context()); code(err) != api.CodeIncompatible {
		t.Errorf("an endless answer: %v", err)
	}
	if n := <-sent; n > 64<<20 {
		t.Errorf("%d bytes of it were read", n)
	}
}
