package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/artel-network/artel"
)

// Client speaks to a daemon. Its methods return an *Error, or the context's
// error.
type Client struct {
	http  *http.Client
	base  string
	token string
	where string // for messages
	local bool
	// steward has calls passed on to the daemon's steward.
	steward bool
	most    int64 // bytes of an answer that are read; 0: all
}

// NewUnixClient returns a client of the daemon behind a unix socket.
func NewUnixClient(socket string) *Client {
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}
	return &Client{http: &http.Client{Transport: t}, base: "http://artel", where: socket, local: true}
}

// NewTCPClient returns a client of a daemon's TCP listener.
func NewTCPClient(base, token string) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, Errorf(CodeInvalid, "API address %q", clip(base)).WithHint("like http://127.0.0.1:7700")
	}
	t := &http.Transport{Proxy: nil} // a proxy must not see the token
	return &Client{http: &http.Client{Transport: t}, base: strings.TrimSuffix(base, "/"), token: token, where: base}, nil
}

// Local reports whether the daemon shares this machine's files.
func (c *Client) Local() bool { return c.local }

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func (c *Client) send(ctx context.Context, method, path string, q url.Values, kind string, body io.Reader) (*http.Response, error) {
	u := c.base + path
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return nil, Errorf(CodeInvalid, "ask the daemon: %v", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.steward {
		req.Header.Set(headerSteward, "1")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.dialError(ctx, err)
	}
	if res.StatusCode/100 != 2 {
		defer res.Body.Close()
		return nil, responseError(res)
	}
	return res, nil
}

func (c *Client) dialError(ctx context.Context, err error) error {
	var known *Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &known):
		return known
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errRefused):
		return Errorf(CodeNoDaemon, "no daemon is running at %s", c.where).WithHint("artel up")
	case errors.Is(err, fs.ErrPermission):
		return Errorf(CodeForbidden, "the daemon at %s belongs to somebody else", c.where).WithHint("be the user who started it, or give --dir")
	}
	return Errorf(CodeNoDaemon, "ask the daemon at %s: %v", c.where, err).WithHint("artel doctor")
}

func responseError(res *http.Response) error {
	var v struct {
		Error *Error `json:"error"`
	}
	b, _ := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if json.Unmarshal(b, &v) == nil && v.Error != nil && v.Error.Code != "" {
		return v.Error
	}
	return Errorf(CodeIncompatible, "the daemon answered %s", res.Status).WithHint("do client and daemon have the same release? `artel version`")
}

func call[T any](ctx context.Context, c *Client, method, path string, q url.Values, in any) (T, error) {
	var out T
	var body io.Reader
	kind := ""
	if method != http.MethodGet {
		if in == nil {
			in = struct{}{}
		}
		b, err := json.Marshal(in)
		if err != nil {
			return out, Errorf(CodeInvalid, "encode request: %v", err)
		}
		body, kind = bytes.NewReader(b), typeJSON
	}
	res, err := c.send(ctx, method, path, q, kind, body)
	if err != nil {
		return out, err
	}
	defer res.Body.Close()
	from := io.Reader(res.Body)
	if c.most > 0 {
		from = io.LimitReader(from, c.most)
	}
	if err := json.NewDecoder(from).Decode(&out); err != nil {
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
		return out, Errorf(CodeIncompatible, "read the daemon's answer: %v", err).WithHint("do client and daemon have the same release? `artel version`")
	}
	return out, nil
}

func get[T any](ctx context.Context, c *Client, path string, q url.Values) (T, error) {
	return call[T](ctx, c, http.MethodGet, path, q, nil)
}

func post[T any](ctx context.Context, c *Client, path string, in any) (T, error) {
	return call[T](ctx, c, http.MethodPost, path, nil, in)
}

// Version returns what the daemon is.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return get[Version](ctx, c, "/v1/version", nil)
}

// Status returns the node at a glance.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return get[Status](ctx, c, "/v1/status", nil)
}

// Network returns the daemon's network.
func (c *Client) Network(ctx context.Context) (NetworkInfo, error) {
	return get[NetworkInfo](ctx, c, "/v1/network", nil)
}

// Chain returns the chain as the daemon sees it.
func (c *Client) Chain(ctx context.Context) (ChainStatus, error) {
	return get[ChainStatus](ctx, c, "/v1/chain", nil)
}

// AddPath adds a file or directory of the daemon's disk.
func (c *Client) AddPath(ctx context.Context, path string) (Blob, error) {
	return post[Blob](ctx, c, pathBlobs, AddRequest{Path: path})
}

// AddBytes sends the bytes of a file, or, if tar, of a tar stream.
func (c *Client) AddBytes(ctx context.Context, r io.Reader, tar bool) (Blob, error) {
	kind := typeBytes
	if tar {
		kind = typeTar
	}
	var b Blob
	res, err := c.send(ctx, http.MethodPost, pathBlobs, nil, kind, r)
	if err != nil {
		return b, err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&b); err != nil {
		return b, Errorf(CodeIncompatible, "read the daemon's answer: %v", err)
	}
	return b, nil
}

// Quote says what a job would cost.
func (c *Client) Quote(ctx context.Context, spec artel.JobSpec) (Quote, error) {
	return post[Quote](ctx, c, "/v1/quote", spec)
}

// named refuses an answer in which a job has a name that no job has: a steward may lie,
// and callers make names of directories of it.
func (j Job) named(err error) error {
	if err != nil {
		return err
	}
	id := strings.TrimPrefix(j.ID, "0x")
	if id == "" || len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return Errorf(CodeIncompatible, "the answer is about job %q, which is no job's id", clip(j.ID)).WithHint("do not trust who answered: artel steward shows who that is")
	}
	return nil
}

// Submit hands a job to the daemon.
func (c *Client) Submit(ctx context.Context, r SubmitRequest) (Job, error) {
	j, err := post[Job](ctx, c, "/v1/jobs", r)
	return j, j.named(err)
}

// List returns jobs, newest first.
func (c *Client) List(ctx context.Context, q JobQuery) ([]Job, error) {
	js, err := get[[]Job](ctx, c, "/v1/jobs", values("all", flag(q.All), "limit", number(q.Limit)))
	for _, j := range js {
		err = j.named(err)
	}
	return js, err
}

// Job returns a job with its tasks.
func (c *Client) Job(ctx context.Context, id string) (JobDetail, error) {
	j, err := get[JobDetail](ctx, c, jobPath(id, ""), nil)
	return j, j.named(err)
}

// Cancel ends a job.
func (c *Client) Cancel(ctx context.Context, id string) (Job, error) {
	j, err := post[Job](ctx, c, jobPath(id, "/cancel"), nil)
	return j, j.named(err)
}

// Remove forgets a job that has ended.
func (c *Client) Remove(ctx context.Context, id string) (Job, error) {
	j, err := post[Job](ctx, c, jobPath(id, "/remove"), nil)
	return j, j.named(err)
}

// Watch hands the job's events to emit until it has ended.
func (c *Client) Watch(ctx context.Context, id string, after uint64, emit func(JobEvent) error) error {
	return follow(ctx, c, jobPath(id, "/events"), values("after", strconv.FormatUint(after, 10)), emit)
}

// Logs hands what tasks print to emit.
func (c *Client) Logs(ctx context.Context, id string, q LogQuery, emit func(LogChunk) error) error {
	v := tasks(q.Tasks)
	if q.Follow {
		v.Set("follow", "1")
	}
	return follow(ctx, c, jobPath(id, "/logs"), v, emit)
}

func follow[T any](ctx context.Context, c *Client, path string, q url.Values, emit func(T) error) error {
	res, err := c.send(ctx, http.MethodGet, path, q, "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	err = readStream(res.Body, emit)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// Files lists a job's output.
func (c *Client) Files(ctx context.Context, id string, which []uint64) ([]OutputFile, error) {
	return get[[]OutputFile](ctx, c, jobPath(id, "/files"), tasks(which))
}

// Output hands the tar of a job's output to read. What read made of it counts
// only if Output returns nil: the stream may end early with an error.
func (c *Client) Output(ctx context.Context, id string, which []uint64, read func(io.Reader) error) error {
	res, err := c.send(ctx, http.MethodGet, jobPath(id, "/output"), tasks(which), "", nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	readErr := read(res.Body)
	io.Copy(io.Discard, res.Body) // the trailer comes after the last byte
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch end := res.Trailer.Get(trailerEnd); end {
	case "ok":
		return readErr
	case "":
		return Errorf(CodeTorn, "the output stopped before its end").WithHint("is the daemon still there? fetch again")
	default:
		var e Error
		if json.Unmarshal([]byte(end), &e) != nil {
			return Errorf(CodeTorn, "the output ended with %s", clip(end))
		}
		return &e
	}
}

// Offers returns offers, the best first.
func (c *Client) Offers(ctx context.Context, q OfferQuery) ([]Offer, error) {
	return get[[]Offer](ctx, c, "/v1/offers", values("sandbox", q.Sandbox, "region", q.Region,
		"max-price", number(q.MaxPrice), "slots", number(q.Slots), "memory", number(q.Memory), "gpus", number(q.GPUs), "gpu-memory", number(q.GPUMem), "limit", number(q.Limit)))
}

// Measure asks a machine on offer to show its speed.
func (c *Client) Measure(ctx context.Context, q MeasureRequest) (Measurement, error) {
	return post[Measurement](ctx, c, "/v1/measure", q)
}

// Leases returns leases, newest first.
func (c *Client) Leases(ctx context.Context, q LeaseQuery) ([]Lease, error) {
	return get[[]Lease](ctx, c, "/v1/leases", values("all", flag(q.All), "limit", number(q.Limit)))
}

// Provide switches the provider role on or changes it.
func (c *Client) Provide(ctx context.Context, p ProvideConfig) (ProvideStatus, error) {
	return post[ProvideStatus](ctx, c, "/v1/provide", p)
}

// StopProviding switches it off.
func (c *Client) StopProviding(ctx context.Context, now bool) (ProvideStatus, error) {
	return post[ProvideStatus](ctx, c, "/v1/provide/stop", StopRequest{Now: now})
}

// Owner returns what the machine tells of its owner.
func (c *Client) Owner(ctx context.Context) (Owner, error) {
	return get[Owner](ctx, c, "/v1/owner", nil)
}

// PauseWork has strangers' work give way.
func (c *Client) PauseWork(ctx context.Context, r PauseRequest) (Owner, error) {
	return post[Owner](ctx, c, "/v1/owner/pause", r)
}

// ResumeWork takes that back.
func (c *Client) ResumeWork(ctx context.Context) (Owner, error) {
	return post[Owner](ctx, c, "/v1/owner/resume", struct{}{})
}

// ProvideStatus returns how the role is played.
func (c *Client) ProvideStatus(ctx context.Context) (ProvideStatus, error) {
	return get[ProvideStatus](ctx, c, "/v1/provide", nil)
}

// Balance returns what the account holds.
func (c *Client) Balance(ctx context.Context) (Balance, error) {
	return get[Balance](ctx, c, "/v1/wallet", nil)
}

// Deposit moves tokens into the ledger.
func (c *Client) Deposit(ctx context.Context, a artel.Amount) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/deposit", AmountRequest{a})
}

// Withdraw takes money out of the ledger.
func (c *Client) Withdraw(ctx context.Context, r WithdrawRequest) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/withdraw", r)
}

// Stake adds to the stake.
func (c *Client) Stake(ctx context.Context, a artel.Amount) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/stake", AmountRequest{a})
}

// Leave takes stake back.
func (c *Client) Leave(ctx context.Context, r WithdrawRequest) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/leave", r)
}

// SetSigner gives a session signer its rights, or takes them away.
func (c *Client) SetSigner(ctx context.Context, q SignerRequest) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/signer", q)
}

// Redeem sends held vouchers to the ledger.
func (c *Client) Redeem(ctx context.Context, r RedeemRequest) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/redeem", r)
}

// Faucet asks for first tokens.
func (c *Client) Faucet(ctx context.Context) (Done, error) {
	return post[Done](ctx, c, "/v1/wallet/faucet", nil)
}

// Recover goes on from where an installation with this key was.
func (c *Client) Recover(ctx context.Context) (Recovery, error) {
	return post[Recovery](ctx, c, "/v1/recover", nil)
}

// Vouchers returns vouchers not redeemed in full.
func (c *Client) Vouchers(ctx context.Context) ([]Voucher, error) {
	return get[[]Voucher](ctx, c, "/v1/wallet/vouchers", nil)
}

// Statement returns the figures of the whole ledger.
func (c *Client) Statement(ctx context.Context) (Statement, error) {
	return get[Statement](ctx, c, "/v1/wallet/statement", nil)
}

func jobPath(id, rest string) string { return "/v1/jobs/" + url.PathEscape(id) + rest }

// values makes a query of pairs and leaves out what is empty.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func tasks(ts []uint64) url.Values {
	v := url.Values{}
	for _, t := range ts {
		v.Add("task", strconv.FormatUint(t, 10))
	}
	return v
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}

func number[N ~int | ~uint32 | ~uint64](n N) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(uint64(n))
}
