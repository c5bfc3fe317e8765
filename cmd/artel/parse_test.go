package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api/fake"
	"github.com/artel-network/artel/internal/near"
	"github.com/artel-network/artel/network"
)

func testApp() *app {
	f := fake.Network()
	return &app{net: &f}
}

func TestParseSize(t *testing.T) {
	for s, want := range map[string]uint64{
		"1": 1, "64KiB": 65536, "1.5GiB": 3 << 29, "200MB": 200e6, "2g": 2 << 30, "10 MiB": 10 << 20, "7b": 7,
	} {
		if got, err := parseSize("--mem", s); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "-1", "1e9", "GiB", "1.GiB", "0x10", "99999999999999999999", "1 2", "NaN"} {
		if got, err := parseSize("--mem", s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]uint64{"90s": 90_000, "2h30m": 9_000_000, "1d": 86_400_000, "1d12h": 129_600_000, "5ms": 5} {
		if got, err := parseDuration("--timeout", s); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "5", "-5s", "0s", "1us", "xd", "1d-30h", "70000d", "d"} {
		if got, err := parseDuration("--timeout", s); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestParseDeadline(t *testing.T) {
	zone := time.FixedZone("east", 2*3600)
	now := time.Date(2026, 11, 22, 18, 30, 15, 0, zone)
	for s, want := range map[string]string{
		"2h": "2026-11-22T20:30:15+02:00", "1d": "2026-11-23T18:30:15+02:00", "18:31": "2026-11-22T18:31:00+02:00", "18:30": "2026-11-23T18:30:00+02:00",
		"2027-01-31T08:00": "2027-01-31T08:00:00+02:00", "2027-01-31 08:00:30": "2027-01-31T08:00:30+02:00", "2027-01-31T08:00Z": "2027-01-31T10:00:00+02:00",
		"2026-11-22T16:31:00Z": "2026-11-22T18:31:00+02:00",
	} {
		got, err := parseDeadline("--deadline", s, now)
		if at := time.UnixMilli(got).In(zone).Format(time.RFC3339); err != nil || at != want {
			t.Errorf("%s: %s, %v, want %s", s, at, err, want)
		}
	}
	for _, s := range []string{"", "soon", "5", "-2h", "0s", "24:00", "2026-11-22", "2026-11-22T18:30", "2026-11-22T16:30:00Z", "60000d"} {
		if got, err := parseDeadline("--deadline", s, now); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestParsePrice(t *testing.T) {
	a, ctx := testApp(), context.Background()
	rows := []struct {
		s    string
		up   bool
		want artel.Price
	}{
		{"12000", false, 12000}, {"12_000", true, 12000},
		{"0.0036/h", false, 1_000_000}, {"0.0036ART/h", true, 1_000_000}, {"0.0036 art/h", true, 1_000_000},
		{"0.5/h", false, 138_888_888}, {"0.5/h", true, 138_888_889},
		{"18446744073709551615", false, 1<<64 - 1},
	}
	for _, r := range rows {
		if got, err := a.parsePrice(ctx, nil, "--price", r.s, r.up); err != nil || got != r.want {
			t.Errorf("%s: %d, %v, want %d", r.s, got, err, r.want)
		}
	}
	for _, s := range []string{"", "0", "-1", "/h", "0/h", "1.5", "1e3/h", "0.5EUR/h", "5ART", "18446744073709551616"} {
		if got, err := a.parsePrice(ctx, nil, "--price", s, false); err == nil {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestParseAmountAndMoneyAgree(t *testing.T) {
	a, ctx := testApp(), context.Background()
	for _, n := range []string{"0", "1", "999999", "1000000", "2500000", "79228162514264337593543950335"} {
		m, err := artel.ParseAmount(n)
		if err != nil {
			t.Fatal(err)
		}
		text := money(m, a.net.Token)
		back, err := a.parseAmount(ctx, nil, "AMOUNT", text)
		if err != nil || back != m {
			t.Errorf("%s units are %q, and back %s, %v", n, text, back, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.5GiB", "2h30m", "0.5/h", "2.5ART", "1-16"} {
		f.Add(s)
	}
	a := testApp()
	f.Fuzz(func(t *testing.T, s string) {
		ctx := context.Background()
		parseSize("x", s)
		parseDuration("x", s)
		parseArray(s)
		down, err1 := a.parsePrice(ctx, nil, "x", s, false)
		up, err2 := a.parsePrice(ctx, nil, "x", s, true)
		if err1 == nil && err2 == nil && (up < down || up > down+1) {
			t.Errorf("%q: %d down, %d up", s, down, up)
		}
		if m, err := a.parseAmount(ctx, nil, "x", s); err == nil {
			if back, err := a.parseAmount(ctx, nil, "x", money(m, a.net.Token)); err != nil || back != m {
				t.Errorf("%q: %s does not round-trip", s, m)
			}
		}
	})
}

// What a stranger's output is called must not matter: nothing is ever written
// outside the directory, and nothing but plain files.
func TestExtractHostileTar(t *testing.T) {
	for _, h := range []tar.Header{
		{Name: "../escape", Typeflag: tar.TypeReg},
		{Name: "1/../../escape", Typeflag: tar.TypeReg},
		{Name: "/etc/escape", Typeflag: tar.TypeReg},
		{Name: "1/..", Typeflag: tar.TypeReg},
		{Name: "", Typeflag: tar.TypeReg},
		{Name: "1/link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
		{Name: "1/hard", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"},
		{Name: "1/dev", Typeflag: tar.TypeChar},
		{Name: "1/dir", Typeflag: tar.TypeDir},
	} {
		for _, flat := range []bool{false, true} {
			outer := t.TempDir()
			dir := filepath.Join(outer, "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			w.WriteHeader(&h)
			w.Close()
			if got, err := extract(&b, dir, flat); err == nil {
				t.Errorf("%q of type %c: extracted %+v", h.Name, h.Typeflag, got)
			}
			if es, _ := os.ReadDir(outer); len(es) != 1 {
				t.Errorf("%q: wrote outside: %v", h.Name, es)
			}
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for range 2 { // the second must not replace the first
		w.WriteHeader(&tar.Header{Name: "1/a", Typeflag: tar.TypeReg})
	}
	w.Close()
	if _, err := extract(&b, t.TempDir(), false); err == nil {
		t.Error("one name twice was taken")
	}
}

func TestExtractFromBehindALink(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "in")
	os.Mkdir(dir, 0o700)
	if err := os.Symlink(outer, filepath.Join(dir, "1")); err != nil {
		t.Skip("no links here")
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	w.WriteHeader(&tar.Header{Name: "1/escape", Typeflag: tar.TypeReg})
	w.Close()
	if _, err := extract(&b, dir, false); err == nil {
		t.Error("a link led outside")
	}
	if _, err := os.Stat(filepath.Join(outer, "escape")); err == nil {
		t.Error("wrote outside")
	}
}

func TestCleanKeepsTheTerminalSafe(t *testing.T) {
	got := clean("a\x1b[2J\r\nb\u202egpj.exe\x9b31m\u200b\xff")
	if strings.ContainsAny(got, "\x1b\r\n\u202e\u009b\u200b") {
		t.Errorf("%q", got)
	}
	if got := cleanLog([]byte("a\tb\x1b]0;x\x07")); strings.ContainsAny(got, "\x1b\x07") || !strings.Contains(got, "\t") {
		t.Errorf("%q", got)
	}
}

func TestNearest(t *testing.T) {
	verbs := []string{"run", "ps", "logs", "fetch", "wallet", "network"}
	for in, want := range map[string]string{"runn": "run", "rnu": "run", "log": "logs", "netwrok": "network", "wal": "wallet", "xyzzy": "", "q": ""} {
		if got := near.Nearest(in, verbs); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

// rpcServer is a chain's JSON-RPC with the answers given.
func rpcServer(t *testing.T, answers map[string]any) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			Method string
			Params []any
		}
		json.NewDecoder(r.Body).Decode(&q)
		key := q.Method
		if len(q.Params) > 0 {
			key += " " + fmt.Sprint(q.Params[0])
			if call, ok := q.Params[0].(map[string]any); ok {
				key = q.Method + " " + fmt.Sprint(call["to"], " ", call["data"])
			}
		}
		v, ok := answers[key]
		if !ok {
			v = answers[q.Method]
		}
		json.NewEncoder(w).Encode(map[string]any{"jsonrpc": "2.0", "id": 1, "result": v})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCheckRPC(t *testing.T) {
	f := network.File{Token: network.Token{Symbol: "ART", Decimals: 6}, Chain: network.Chain{ID: 31337, Genesis: artel.Keccak([]byte("g"))},
		Contracts: network.Contracts{Token: artel.Address{1}, Ledger: artel.Address{2}, Stake: artel.Address{3}},
		Rules:     network.Rules{Delay: 86_400, Window: 3600}}
	const delay, window = "0x6a42b8f8", "0xa53e5412" // selectors
	word := func(n uint64) string { return fmt.Sprintf("0x%064x", n) }
	ledger := "eth_call " + f.Contracts.Ledger.String()
	now := time.Unix(1_800_000_000, 0)
	block := func(h artel.Hash, unix int64) map[string]any {
		return map[string]any{"hash": h.String(), "timestamp": "0x" + strconv.FormatInt(unix, 16)}
	}
	good := func() map[string]any {
		return map[string]any{
			"eth_chainId":                 "0x7a69",
			"eth_getBlockByNumber 0x0":    block(f.Chain.Genesis, 0),
			"eth_getBlockByNumber latest": block(artel.Hash{1}, now.Unix()-2),
			"eth_getCode":                 "0x6001",
			"eth_call":                    word(6),
			ledger + " " + delay:          word(86_400),
			ledger + " " + window:         word(3600),
		}
	}
	rows := []struct {
		name   string
		change func(map[string]any)
		says   string // "" where all is well
	}{
		{"right chain", func(map[string]any) {}, ""},
		{"another id", func(m map[string]any) { m["eth_chainId"] = "0x1" }, "is on chain 1, the network is on 31337"},
		{"another genesis", func(m map[string]any) { m["eth_getBlockByNumber 0x0"] = block(artel.Hash{9}, 0) }, "begins with block"},
		{"slow clock here", func(m map[string]any) { m["eth_getBlockByNumber latest"] = block(artel.Hash{1}, now.Unix()+3600) }, "ahead of this machine"},
		{"no ledger", func(m map[string]any) { m["eth_getCode "+f.Contracts.Ledger.String()] = "0x" }, "no code where the ledger"},
		{"other decimals", func(m map[string]any) { m["eth_call"] = word(18) }, "has 18 decimals, the file says 6"},
		{"a shorter delay", func(m map[string]any) { m[ledger+" "+delay] = word(1) }, "delay is 1 s, the file says 86400"},
		{"another window", func(m map[string]any) { m[ledger+" "+window] = word(7) }, "window is 7 s, the file says 3600"},
		{"no answer", func(m map[string]any) { delete(m, "eth_chainId") }, "no answer"},
		{"garbage", func(m map[string]any) { m["eth_chainId"] = []int{1} }, "not a quantity"},
	}
	for _, r := range rows {
		m := good()
		r.change(m)
		var said []string
		for _, c := range checkRPC(context.Background(), f, rpcServer(t, m), now) {
			if !c.OK {
				said = append(said, c.Message)
				if c.Hint == "" {
					t.Errorf("%s: no hint with %q", r.name, c.Message)
				}
			}
		}
		all := strings.Join(said, "\n")
		if r.says == "" && all != "" || !strings.Contains(all, r.says) {
			t.Errorf("%s: %q, want %q", r.name, all, r.says)
		}
	}
	for _, u := range []string{"ws://127.0.0.1:1", "http://127.0.0.1:1"} {
		if cs := checkRPC(context.Background(), f, u, now); len(cs) != 1 || cs[0].OK {
			t.Errorf("%s: %+v", u, cs)
		}
	}
}

func TestArchs(t *testing.T) {
	for _, c := range []struct{ platforms, want []string }{
		{nil, nil},
		{[]string{"linux/amd64"}, []string{"amd64"}},
		{[]string{"linux/arm/v7", "linux/arm64/v8", "linux/arm/v6", "windows/amd64", "unknown/unknown", "linux"}, []string{"arm", "arm64"}},
	} {
		if got := archs(c.platforms); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.platforms, got, c.want)
		}
	}
}
