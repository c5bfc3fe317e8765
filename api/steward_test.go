package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
)

// TestStewardAnswers: over the network it answers what a steward is for, and nothing
// that touches its machine, its keys or the ledger.
func TestStewardAnswers(t *testing.T) {
	c, n, _ := onSocket(t)
	s := c.Steward()
	if _, err := s.List(t.Context(), api.JobQuery{}); code(err) != api.CodeNotFound {
		t.Errorf("without a steward: %v", err)
	}
	if _, err := c.SetSteward(t.Context(), api.StewardRequest{Node: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Deposit(t.Context(), artel.Units(1000)); err != nil {
		t.Fatal(err)
	}
	b, err := c.AddBytes(t.Context(), strings.NewReader("\x00asm\x01\x00\x00\x00"), false)
	if err != nil {
		t.Fatal(err)
	}
	spec := artel.JobSpec{Name: "x", Program: b.Ref, Count: 2, Sandbox: "wasm", Wall: 1000, Tries: 1, Failover: artel.FailoverNormal}
	j, err := s.Submit(t.Context(), api.SubmitRequest{Key: strings.Repeat("k", 16), Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	// The files travelled before the job was stored, and nothing is lent any more.
	got := n.Brought()
	st, _ := n.Status(t.Context())
	if len(got) != 1 || got[0].From != st.Node || got[0].Spec.Program != b.Ref || got[0].Lent != 1 {
		t.Errorf("brought %+v", got)
	}
	for tick := time.Tick(time.Millisecond); n.Lent() != 0; { // the answer may be here first
		select {
		case <-t.Context().Done():
			t.Fatal("still lent")
		case <-tick:
		}
	}
	if _, err := c.Submit(t.Context(), api.SubmitRequest{Key: strings.Repeat("l", 16), Spec: spec}); err != nil || len(n.Brought()) != 1 {
		t.Errorf("a job of this node's own: %d brought, %v", len(n.Brought()), err)
	}
	var log, out bytes.Buffer
	if err := s.Watch(t.Context(), j.ID, 0, func(api.JobEvent) error { return nil }); err != nil {
		t.Errorf("watch: %v", err)
	}
	if err := s.Logs(t.Context(), j.ID, api.LogQuery{Follow: true}, func(c api.LogChunk) error { log.Write(c.Data); return nil }); err != nil || !strings.Contains(log.String(), "hello") {
		t.Errorf("logs: %q, %v", log.String(), err)
	}
	if err := s.Output(t.Context(), j.ID, nil, func(r io.Reader) error { _, err := io.Copy(&out, r); return err }); err != nil || out.Len() == 0 {
		t.Errorf("output: %d bytes, %v", out.Len(), err)
	}
	if _, err := s.Job(t.Context(), "zzz"); code(err) != api.CodeNotFound {
		t.Errorf("a job that is not there: %v", err)
	}
	if st, err := s.Status(t.Context()); err != nil || st.PID != 0 || st.DataDir != "" || st.Node == (artel.NodeID{}) {
		t.Errorf("status: %+v, %v", st, err)
	}
	for what, f := range map[string]func() error{
		"offers":    func() error { _, err := s.Offers(t.Context(), api.OfferQuery{}); return err },
		"leases":    func() error { _, err := s.Leases(t.Context(), api.LeaseQuery{}); return err },
		"balance":   func() error { _, err := s.Balance(t.Context()); return err },
		"statement": func() error { _, err := s.Statement(t.Context()); return err },
		"vouchers":  func() error { _, err := s.Vouchers(t.Context()); return err },
		"resting":   func() error { _, err := s.Resting(t.Context()); return err },
		"quote":     func() error { _, err := s.Quote(t.Context(), spec); return err },
		"cancel":    func() error { _, err := s.Cancel(t.Context(), j.ID); return err },
	} {
		if err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, f := range map[string]func() error{
		"path":          func() error { _, err := s.AddPath(t.Context(), "/etc/passwd"); return err },
		"bytes":         func() error { _, err := s.AddBytes(t.Context(), strings.NewReader("x"), true); return err },
		"image":         func() error { _, err := s.Image(t.Context(), api.ImageRequest{Name: "a"}); return err },
		"images":        func() error { _, err := s.Images(t.Context()); return err },
		"remove images": func() error { _, err := s.RemoveImages(t.Context(), api.RemoveImages{Unused: true}); return err },
		"measure":       func() error { _, err := s.Measure(t.Context(), api.MeasureRequest{}); return err },
		"provide":       func() error { _, err := s.Provide(t.Context(), api.ProvideConfig{Price: 1}); return err },
		"stop":          func() error { _, err := s.StopProviding(t.Context(), true); return err },
		"owner":         func() error { _, err := s.Owner(t.Context()); return err },
		"pause":         func() error { _, err := s.PauseWork(t.Context(), api.PauseRequest{}); return err },
		"resume":        func() error { _, err := s.ResumeWork(t.Context()); return err },
		"deposit":       func() error { _, err := s.Deposit(t.Context(), artel.Units(1)); return err },
		"withdraw": func() error {
			_, err := s.Withdraw(t.Context(), api.WithdrawRequest{Amount: artel.Units(1)})
			return err
		},
		"stake":       func() error { _, err := s.Stake(t.Context(), artel.Units(1)); return err },
		"leave":       func() error { _, err := s.Leave(t.Context(), api.WithdrawRequest{Amount: artel.Units(1)}); return err },
		"signer":      func() error { _, err := s.SetSigner(t.Context(), api.SignerRequest{Key: artel.Address{1}}); return err },
		"redeem":      func() error { _, err := s.Redeem(t.Context(), api.RedeemRequest{}); return err },
		"faucet":      func() error { _, err := s.Faucet(t.Context()); return err },
		"recover":     func() error { _, err := s.Recover(t.Context()); return err },
		"its steward": func() error { _, err := s.StewardNode(t.Context()); return err },
		"name one":    func() error { _, err := s.SetSteward(t.Context(), api.StewardRequest{}); return err },
	} {
		if err := f(); code(err) != api.CodeForbidden {
			t.Errorf("%s over the network: %v", what, err)
		}
	}
}

// TestStewardVisit: frames reach a task that the steward drives.
func TestStewardVisit(t *testing.T) {
	c, n, _ := onSocket(t)
	if _, err := c.SetSteward(t.Context(), api.StewardRequest{Node: "x"}); err != nil {
		t.Fatal(err)
	}
	n.OnVisit(func(_ api.VisitRequest, peer io.ReadWriteCloser) {
		defer peer.Close()
		io.Copy(peer, peer)
	})
	j := container(t, c)
	conn, err := c.Steward().Visit(t.Context(), j.ID, api.VisitRequest{Kind: wire.VisitUsage})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "there and back"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("there and back"))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "there and back" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A job that is handed over on a connection that is no node's is not taken, and a
// stranger's request for the steward needs the token like any other.
func TestStewardGuards(t *testing.T) {
	ask := func(g api.Guard, header map[string]string, v any) (int, string) {
		t.Helper()
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/jobs", bytes.NewReader(b))
		r.Header.Set("Content-Type", "application/json")
		for k, v := range header {
			r.Header.Set(k, v)
		}
		w := httptest.NewRecorder()
		server().Handler(g).ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	p, err := artel.NewRef(artel.CodecRaw, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	q := api.SubmitRequest{Key: strings.Repeat("k", 16), Spec: artel.JobSpec{Program: p, Count: 1, Sandbox: "wasm", Wall: 1000, Tries: 1, Failover: artel.FailoverNormal}}
	if status, body := ask(api.Guard{Steward: true}, nil, q); status != http.StatusForbidden || !strings.Contains(body, "no node's") {
		t.Errorf("no node's: %d %s", status, body)
	}
	if status, body := ask(overTCP(), map[string]string{"Artel-Steward": "1"}, q); status != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", status, body)
	}
	if status, body := ask(api.Guard{Local: true}, map[string]string{"Artel-Steward": "1"}, api.SubmitRequest{Key: "short"}); status != http.StatusBadRequest {
		t.Errorf("a bad job: %d %s", status, body)
	}
}
