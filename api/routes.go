package api

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"path/filepath"

	"github.com/artel-network/artel"
)

func (s *Server) routes() map[string]handler {
	n := s.node
	return map[string]handler{
		"GET /v1/version": func(_ http.ResponseWriter, _ *http.Request, _ Guard) (any, error) { return s.version, nil },
		"GET /v1/status":  s.status,
		"GET /v1/network": s.network,
		"GET /v1/chain":   func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Chain(r.Context()) },

		"POST " + pathBlobs: s.addBlob,
		"GET /v1/steward":   func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Steward(r.Context()) },
		"POST /v1/steward":  s.setSteward,
		"POST /v1/quote":    s.quote,
		"POST /v1/jobs":     s.submit,
		"GET /v1/jobs":      s.jobs,
		"GET /v1/jobs/{id}": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return n.Job(r.Context(), r.PathValue("id"))
		},
		"POST /v1/jobs/{id}/cancel": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return n.Cancel(r.Context(), r.PathValue("id"))
		},
		"POST /v1/jobs/{id}/remove": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return n.Remove(r.Context(), r.PathValue("id"))
		},
		"POST /v1/jobs/{id}/visit":       s.visit,
		"GET /v1/services":               s.services,
		"POST /v1/services/{name}/scale": s.scaleService,
		"POST /v1/services/{name}/stop":  s.stopService,
		"POST /v1/images":                s.image,
		"GET /v1/images":                 s.images,
		"POST /v1/images/remove":         s.removeImages,
		"GET /v1/kept":                   s.kept,
		"GET /v1/jobs/{id}/events":       s.events,
		"GET /v1/jobs/{id}/logs":         s.logs,
		"GET /v1/jobs/{id}/files":        s.files,
		"GET /v1/jobs/{id}/output":       s.output,
		"GET /v1/offers":                 s.offers,
		"POST /v1/measure":               s.measure,
		"GET /v1/leases":                 s.leases,
		"GET /v1/provide": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return n.ProvideStatus(r.Context())
		},
		"POST /v1/provide":      s.provide,
		"GET /v1/owner":         func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Owner(r.Context()) },
		"POST /v1/owner/pause":  s.pauseWork,
		"POST /v1/owner/resume": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.ResumeWork(r.Context()) },
		"POST /v1/provide/stop": s.stopProviding,
		"GET /v1/wallet":        func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Balance(r.Context()) },
		"GET /v1/wallet/vouchers": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return list(n.Vouchers(r.Context()))
		},
		"GET /v1/wallet/statement": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Statement(r.Context()) },
		"GET /v1/wallet/resting": func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
			return list(n.Resting(r.Context()))
		},
		"POST /v1/wallet/deposit":  s.deposit,
		"POST /v1/wallet/withdraw": s.withdraw,
		"POST /v1/wallet/stake":    s.stake,
		"POST /v1/wallet/signer":   s.setSigner,
		"POST /v1/wallet/leave":    s.leave,
		"POST /v1/wallet/redeem":   s.redeem,
		"POST /v1/wallet/faucet":   func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Faucet(r.Context()) },
		"POST /v1/recover":         func(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) { return n.Recover(r.Context()) },
	}
}

// list makes an empty list of nil, so that JSON carries [] and not null.
func list[T any](v []T, err error) (any, error) {
	if v == nil {
		v = []T{}
	}
	return v, err
}

func (s *Server) network(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	f, err := s.node.Network(r.Context())
	return NetworkInfo{Hash: f.Hash(), File: f}, err
}

func (s *Server) addBlob(w http.ResponseWriter, r *http.Request, g Guard) (any, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != typeJSON {
		return s.node.AddBytes(r.Context(), r.Body, kind == typeTar)
	}
	q, err := body[AddRequest](w, r)
	if err != nil {
		return nil, err
	}
	if !g.Local { // who holds the token may sit elsewhere and must not read this disk
		return nil, Errorf(CodeForbidden, "paths are taken on the unix socket only").WithHint("send the bytes, as %s or %s", typeBytes, typeTar)
	}
	if !filepath.IsAbs(q.Path) {
		return nil, Errorf(CodeInvalid, "add %s: not an absolute path", clip(q.Path))
	}
	return s.node.AddPath(r.Context(), filepath.Clean(q.Path))
}

// checkSpec checks a job for a quote, which needs no program yet.
func checkSpec(j artel.JobSpec) error {
	if j.Program.IsZero() && j.Box.Image.IsZero() {
		j.Program, _ = artel.NewRef(artel.CodecRaw, [32]byte{1})
	}
	return j.Check()
}

func (s *Server) quote(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	j, err := body[artel.JobSpec](w, r)
	if err != nil {
		return nil, err
	}
	if err := checkSpec(j); err != nil {
		return nil, err
	}
	return s.node.Quote(r.Context(), j)
}

func (s *Server) submit(w http.ResponseWriter, r *http.Request, g Guard) (any, error) {
	q, err := body[SubmitRequest](w, r)
	if err == nil {
		err = checkSubmit(q)
	}
	if err == nil && g.Steward {
		err = s.bring(r, q.Spec)
	}
	if err != nil {
		return nil, err
	}
	return s.node.Submit(r.Context(), q)
}

func (s *Server) jobs(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	jq := JobQuery{All: q.bool("all"), Limit: limit(q.uint("limit"), 100, 10_000)}
	if q.err != nil {
		return nil, q.err
	}
	return list(s.node.List(r.Context(), jq))
}

func (s *Server) events(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	after := q.uint("after")
	if q.err != nil {
		return nil, q.err
	}
	return s.stream(w, r, func(st streamWriter) error {
		return s.node.Watch(r.Context(), r.PathValue("id"), after, func(e JobEvent) error { return st.item(e) })
	})
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	lq := LogQuery{Tasks: q.uints("task"), Follow: q.bool("follow")}
	if q.err != nil {
		return nil, q.err
	}
	return s.stream(w, r, func(st streamWriter) error {
		return s.node.Logs(r.Context(), r.PathValue("id"), lq, func(c LogChunk) error { return st.item(c) })
	})
}

// stream runs f. That there is no such job is an answer with its own status;
// later failures are the stream's last line.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, f func(streamWriter) error) (any, error) {
	if _, err := s.node.Job(r.Context(), r.PathValue("id")); err != nil {
		return nil, err
	}
	st := newStreamWriter(w)
	st.finish(f(st))
	return written{}, nil
}

func (s *Server) files(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	tasks := q.uints("task")
	if q.err != nil {
		return nil, q.err
	}
	return list(s.node.Files(r.Context(), r.PathValue("id"), tasks))
}

// output writes a tar of TASK/PATH. Its headers come first, so what fails later
// is told in the trailer, and the tar has no end.
func (s *Server) output(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	tasks := q.uints("task")
	if q.err != nil {
		return nil, q.err
	}
	if _, err := s.node.Job(r.Context(), r.PathValue("id")); err != nil {
		return nil, err
	}
	w.Header().Set("Content-Type", typeTar)
	w.Header().Set("Trailer", trailerEnd)
	w.WriteHeader(http.StatusOK)
	t := tar.NewWriter(w)
	err := s.node.ReadFiles(r.Context(), r.PathValue("id"), tasks, func(f OutputFile, content io.Reader) error {
		name := path.Join(fmt.Sprint(f.Task), path.Clean("/"+f.Path))
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: f.Size, Mode: 0o644, Format: tar.FormatPAX}); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if _, err := io.Copy(t, content); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		return nil
	})
	err = errors.Join(err, t.Close())
	end := "ok"
	if err != nil {
		b, _ := json.Marshal(AsError(err))
		end = string(b)
	}
	w.Header().Set(trailerEnd, end)
	return written{}, nil
}

func (s *Server) offers(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	oq := OfferQuery{
		Sandbox: q.v.Get("sandbox"), Region: q.v.Get("region"),
		MaxPrice: artel.Price(q.uint("max-price")),
		Slots:    uint32(min(q.uint("slots"), 1<<32-1)), Memory: q.uint("memory"),
		GPUs: uint32(min(q.uint("gpus"), 1<<32-1)), GPUMem: q.uint("gpu-memory"),
		Limit: limit(q.uint("limit"), 50, 10_000),
	}
	if q.err != nil {
		return nil, q.err
	}
	return list(s.node.Offers(r.Context(), oq))
}

func (s *Server) measure(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[MeasureRequest](w, r)
	if err != nil {
		return nil, err
	}
	if q.Node == (artel.NodeID{}) {
		return nil, Errorf(CodeInvalid, "measure: no node").WithHint("GET /v1/offers lists them")
	}
	if q.Slots > 4096 {
		return nil, Errorf(CodeInvalid, "measure: %d slots, at most 4096", q.Slots)
	}
	return s.node.Measure(r.Context(), q)
}

func (s *Server) leases(_ http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q := query{v: r.URL.Query()}
	lq := LeaseQuery{All: q.bool("all"), Limit: limit(q.uint("limit"), 100, 10_000)}
	if q.err != nil {
		return nil, q.err
	}
	return list(s.node.Leases(r.Context(), lq))
}

func (s *Server) provide(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	c, err := body[ProvideConfig](w, r)
	if err != nil {
		return nil, err
	}
	if c.Price == 0 {
		return nil, Errorf(CodeInvalid, "provide: no price").WithHint("--price, in token units per 10⁶ seconds of one slot, or like 0.5/h")
	}
	if c.Slots > 4096 {
		return nil, Errorf(CodeInvalid, "provide: %d slots, at most 4096", c.Slots)
	}
	return s.node.Provide(r.Context(), c)
}

func (s *Server) stopProviding(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[StopRequest](w, r)
	if err != nil {
		return nil, err
	}
	return s.node.StopProviding(r.Context(), q.Now)
}

func (s *Server) pauseWork(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[PauseRequest](w, r)
	if err != nil {
		return nil, err
	}
	switch q.How {
	case "", "freeze", "evict", "drain":
		return s.node.PauseWork(r.Context(), q)
	}
	return nil, Errorf(CodeInvalid, "pause: no way %q to give way", clip(q.How)).WithHint("freeze, evict or drain")
}

func (s *Server) deposit(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[AmountRequest](w, r)
	if err = errors.Join(err, positive(q.Amount)); err != nil {
		return nil, err
	}
	return s.node.Deposit(r.Context(), q.Amount)
}

func (s *Server) stake(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[AmountRequest](w, r)
	if err = errors.Join(err, positive(q.Amount)); err != nil {
		return nil, err
	}
	return s.node.Stake(r.Context(), q.Amount)
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := withdrawal(w, r)
	if err != nil {
		return nil, err
	}
	return s.node.Withdraw(r.Context(), q)
}

func (s *Server) leave(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := withdrawal(w, r)
	if err != nil {
		return nil, err
	}
	return s.node.Leave(r.Context(), q)
}

func withdrawal(w http.ResponseWriter, r *http.Request) (WithdrawRequest, error) {
	q, err := body[WithdrawRequest](w, r)
	switch {
	case err != nil:
		return q, err
	case q.Finish && !q.Amount.IsZero():
		return q, Errorf(CodeInvalid, "finish takes no amount").WithHint("it carries out what was asked for")
	case q.Finish && q.Earned:
		return q, Errorf(CodeInvalid, "what was earned leaves at once, there is nothing to finish")
	case !q.Finish:
		return q, positive(q.Amount)
	}
	return q, nil
}

func (s *Server) redeem(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[RedeemRequest](w, r)
	if err != nil {
		return nil, err
	}
	return s.node.Redeem(r.Context(), q)
}

func (s *Server) setSigner(w http.ResponseWriter, r *http.Request, _ Guard) (any, error) {
	q, err := body[SignerRequest](w, r)
	if err != nil {
		return nil, err
	}
	if q.Key.IsZero() {
		return nil, Errorf(CodeInvalid, "no key")
	}
	return s.node.SetSigner(r.Context(), q)
}
