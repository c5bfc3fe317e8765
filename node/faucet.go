package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
)

// Faucet gives newcomers of a private network their first tokens, and enough of
// the chain's coin to pay for gas.
type Faucet struct {
	Key    artel.Key    // holds the tokens
	Coin   artel.Key    // holds coin; not Key, whose nonces the ledger counts
	Ledger *evm.Ledger  // sends as Key
	RPC    string       // of the chain's own node
	Tokens artel.Amount // for each address that holds less
	Wei    *big.Int     // for each address that holds less
	Log    *slog.Logger
	// Gap is the least time between two gifts to one address.
	Gap time.Duration

	mu   sync.Mutex
	last map[artel.Address]time.Time
}

// CoinKey derives the key that holds a faucet's coin from the one that holds
// its tokens.
func CoinKey(k artel.Key) (artel.Key, error) {
	h := artel.Keccak([]byte("artel faucet coin"), k.Bytes())
	return artel.KeyFromBytes(h[:])
}

type faucetRequest struct {
	Account artel.Address `json:"account"`
}

// Serve answers on the listener until ctx ends.
func (f *Faucet) Serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", f.handle)
	s := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve faucet: %w", err)
	}
	return nil
}

func (f *Faucet) handle(w http.ResponseWriter, r *http.Request) {
	var q faucetRequest
	err := json.NewDecoder(io.LimitReader(r.Body, 4096)).Decode(&q)
	var d api.Done
	switch {
	case r.Header.Get("Origin") != "":
		err = api.Errorf(api.CodeForbidden, "the faucet is not for web pages")
	case err != nil:
		err = api.Errorf(api.CodeInvalid, "read request: %v", err)
	case q.Account.IsZero():
		err = api.Errorf(api.CodeInvalid, "no account")
	default:
		d, err = f.give(r.Context(), q.Account)
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		e := api.AsError(err)
		w.WriteHeader(e.Status())
		_ = json.NewEncoder(w).Encode(e)
		return
	}
	_ = json.NewEncoder(w).Encode(d)
}

func (f *Faucet) give(ctx context.Context, to artel.Address) (api.Done, error) {
	f.mu.Lock()
	defer f.mu.Unlock() // one gift at a time: the coin's nonces follow each other
	if f.last == nil || len(f.last) > 100_000 {
		f.last = map[artel.Address]time.Time{}
	}
	if since := time.Since(f.last[to]); since < f.Gap {
		return api.Done{}, &api.Error{Code: api.CodeRefused, Message: fmt.Sprintf("%s was given something %s ago", to, since.Round(time.Second)), Hint: "wait a little"}
	}
	coin, err := evm.Coin(ctx, f.RPC, to)
	if err != nil {
		return api.Done{}, api.Errorf(api.CodeUnavailable, "%v", err)
	}
	have, err := f.Ledger.Balance(ctx, to)
	if err != nil {
		return api.Done{}, chainError(err)
	}
	give := f.Tokens.Sub(have)
	if coin.Cmp(f.Wei) >= 0 && give.IsZero() {
		return api.Done{Message: "the account has enough"}, nil
	}
	f.last[to] = time.Now() // BEFORE anything is given: who has tokens and no coin is no exception
	if coin.Cmp(f.Wei) < 0 {
		if err := evm.SendCoin(ctx, f.RPC, f.Coin, to, f.Wei); err != nil {
			return api.Done{}, api.Errorf(api.CodeUnavailable, "%v", err)
		}
	}
	if give.IsZero() {
		return api.Done{Message: "the account has enough tokens, it was given coin"}, nil
	}
	x := chain.Tx{ID: fmt.Sprintf("faucet-%s-%d", to, time.Now().UnixNano()), From: f.Key.Address(), Call: chain.TransferToken{To: to, Amount: give}}
	if err := f.Ledger.Submit(ctx, x); err != nil {
		return api.Done{}, chainError(err)
	}
	o, err := f.Ledger.Wait(ctx, x.ID)
	if err == nil {
		err = o.Err()
	}
	if err != nil {
		return api.Done{}, chainError(err)
	}
	f.Log.Info("gave tokens", "to", to, "amount", give)
	return api.Done{Tx: o.Tx, Block: o.Block.Number, Final: true, Amount: give, Message: "given"}, nil
}

// Faucet implements api.Wallet.
func (n *Node) Faucet(ctx context.Context) (api.Done, error) {
	f := n.c.Network.Faucet
	if f == nil || f.URL == "" {
		return api.Done{}, api.Errorf(api.CodeUnsupported, "network %s has no faucet", n.c.Network.Name)
	}
	body, err := json.Marshal(faucetRequest{n.account()})
	if err != nil {
		return api.Done{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL, bytes.NewReader(body))
	if err != nil {
		return api.Done{}, api.Errorf(api.CodeInvalid, "the network file's faucet URL: %v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return api.Done{}, &api.Error{Code: api.CodeUnavailable, Message: fmt.Sprintf("ask faucet: %v", err), Hint: "is the network's chain node running?"}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return api.Done{}, api.Errorf(api.CodeUnavailable, "ask faucet: %v", err)
	}
	if resp.StatusCode != http.StatusOK {
		var e api.Error
		if json.Unmarshal(raw, &e) != nil || e.Code == "" {
			e = *api.Errorf(api.CodeUnavailable, "faucet answers %s", resp.Status)
		}
		return api.Done{}, &e
	}
	var d api.Done
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, api.Errorf(api.CodeUnavailable, "faucet's answer: %v", err)
	}
	return d, nil
}
