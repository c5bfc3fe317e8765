package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/artel-network/artel"
)

// rpcClient asks an Ethereum JSON-RPC the few questions that doctor has. The
// daemon has its own client in chain/evm; doctor must work without it.
type rpcClient struct{ url string }

func (r rpcClient) call(ctx context.Context, out any, method string, params ...any) error {
	if !strings.HasPrefix(r.url, "http://") && !strings.HasPrefix(r.url, "https://") {
		return errors.New("only http and https URLs can be asked from here")
	}
	if params == nil {
		params = []any{}
	}
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var v struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 4<<20)).Decode(&v); err != nil {
		return fmt.Errorf("%s answered %s, which is no JSON-RPC: %v", method, res.Status, err)
	}
	if v.Error != nil {
		return fmt.Errorf("%s: error %d: %s", method, v.Error.Code, v.Error.Message)
	}
	if len(v.Result) == 0 || string(v.Result) == "null" {
		return fmt.Errorf("%s: no answer", method)
	}
	return json.Unmarshal(v.Result, out)
}

func (r rpcClient) chainID(ctx context.Context) (uint64, error) {
	var q quantity
	err := r.call(ctx, &q, "eth_chainId")
	return uint64(q), err
}

type rpcBlock struct {
	Hash artel.Hash
	Time uint64
}

func (r rpcClient) block(ctx context.Context, tag string) (rpcBlock, error) {
	var b struct {
		Hash      artel.Hash `json:"hash"`
		Timestamp quantity   `json:"timestamp"`
	}
	err := r.call(ctx, &b, "eth_getBlockByNumber", tag, false)
	return rpcBlock{b.Hash, uint64(b.Timestamp)}, err
}

// code returns how many bytes of code a contract has.
func (r rpcClient) code(ctx context.Context, at artel.Address) (int, error) {
	var s string
	err := r.call(ctx, &s, "eth_getCode", at.String(), "latest")
	return max(0, len(s)-2) / 2, err
}

// decimals asks an ERC-20 how many decimals it has.
func (r rpcClient) decimals(ctx context.Context, token artel.Address) (uint64, error) {
	return r.number(ctx, token, "decimals()")
}

// number asks a contract for a number that it gives without being told anything.
func (r rpcClient) number(ctx context.Context, at artel.Address, function string) (uint64, error) {
	selector := artel.Keccak([]byte(function))
	var word artel.Hash
	err := r.call(ctx, &word, "eth_call", map[string]string{"to": at.String(), "data": "0x" + hex.EncodeToString(selector[:4])}, "latest")
	return binary.BigEndian.Uint64(word[24:]), err
}

// quantity is a number as JSON-RPC writes it: "0x1f".
type quantity uint64

func (q *quantity) UnmarshalJSON(b []byte) error {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return fmt.Errorf("read %.20q: not a quantity", b)
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
	*q = quantity(n)
	return err
}
