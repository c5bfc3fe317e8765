package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/chain"
)

func valid() File {
	return File{
		Schema: 1, Name: "test", Protocol: "/artel/1",
		Chain:     Chain{Kind: KindRPC, ID: 31337, Genesis: artel.Keccak([]byte("genesis")), RPC: []string{"http://127.0.0.1:8545"}},
		Contracts: Contracts{Token: artel.Address{1}, Ledger: artel.Address{2}, Stake: artel.Address{3}},
		Token:     Token{Symbol: "ART", Decimals: 18},
		Finality:  Finality{Policy: PolicyConfirmations, Confirmations: 12},
		Rules:     Rules{Delay: 86400, Window: 86400, MinStake: artel.Units(5)},
		Bootstrap: []string{"/ip4/192.0.2.1/tcp/4001/p2p/16Uiu2HAm"},
		Faucet:    &Faucet{Account: artel.Address{9}, URL: "http://127.0.0.1:9000/drip"},
	}
}

func TestRoundTrip(t *testing.T) {
	f := valid()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "network.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.Hash() != f.Hash() {
		t.Error("the hash changed on the way")
	}
	if _, err := Load(path + "x"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("no file: %v", err)
	}
}

// The hash is what keeps networks apart: its encoding must never drift.
func TestHashIsFixed(t *testing.T) {
	const want = "0x20b8c6c2eec6676599659ed03ac13f1a799fb89d26e453dc50b0ecefc2f91358"
	if got := valid().Hash().String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHashCoversIdentityAndNothingElse(t *testing.T) {
	rows := []struct {
		name     string
		change   func(*File)
		identity bool
	}{
		{"schema", func(f *File) { f.Schema = 2 }, true},
		{"protocol", func(f *File) { f.Protocol = "/artel/2" }, true},
		{"chain id", func(f *File) { f.Chain.ID++ }, true},
		{"genesis", func(f *File) { f.Chain.Genesis[0]++ }, true},
		{"token", func(f *File) { f.Contracts.Token[0]++ }, true},
		{"ledger", func(f *File) { f.Contracts.Ledger[19]++ }, true},
		{"stake", func(f *File) { f.Contracts.Stake[0]++ }, true},
		{"ledger and stake swapped", func(f *File) { f.Contracts.Ledger, f.Contracts.Stake = f.Contracts.Stake, f.Contracts.Ledger }, true},
		{"finality policy", func(f *File) { f.Finality = Finality{Policy: PolicyInstant} }, true},
		{"confirmations", func(f *File) { f.Finality.Confirmations++ }, true},
		{"finality tag", func(f *File) { f.Finality.Tag = "safe" }, true},
		{"delay", func(f *File) { f.Rules.Delay++ }, true},
		{"window", func(f *File) { f.Rules.Window++ }, true},
		{"least stake", func(f *File) { f.Rules.MinStake = artel.MaxAmount }, true},
		{"name", func(f *File) { f.Name = "other" }, false},
		{"kind", func(f *File) { f.Chain.Kind = KindEmbedded }, false},
		{"rpc", func(f *File) { f.Chain.RPC = nil }, false},
		{"birth", func(f *File) { f.Chain.Birth = 5 }, false},
		{"symbol", func(f *File) { f.Token.Symbol = "X" }, false},
		{"decimals", func(f *File) { f.Token.Decimals = 6 }, false},
		{"bootstrap", func(f *File) { f.Bootstrap = nil }, false},
		{"faucet", func(f *File) { f.Faucet = nil }, false},
	}
	seen := map[artel.Hash]string{valid().Hash(): "unchanged"}
	for _, r := range rows {
		f := valid()
		r.change(&f)
		h := f.Hash()
		if other, same := seen[h]; same == r.identity {
			t.Errorf("%s: identity %v, hash equals that of %q: %v", r.name, r.identity, other, same)
		}
		if r.identity {
			seen[h] = r.name
		}
	}
}

func TestFinalityIsWhatTheChainReads(t *testing.T) {
	for _, f := range []Finality{{Policy: PolicyInstant}, {Policy: PolicyConfirmations, Confirmations: 65535}, {Policy: PolicyTag, Tag: "safe"}} {
		c, err := chain.ParseFinality(f.String())
		if err != nil || c.String() != f.String() || c.Depth != f.Confirmations || c.Tag != f.Tag {
			t.Errorf("%+v: %+v, %v", f, c, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	rows := []struct {
		name   string
		change func(*File)
	}{
		{"no name", func(f *File) { f.Name = "" }},
		{"name with an escape", func(f *File) { f.Name = "a\x1b[2J" }},
		{"protocol without slash", func(f *File) { f.Protocol = "artel" }},
		{"empty protocol", func(f *File) { f.Protocol = "" }},
		{"protocol that ends in a slash", func(f *File) { f.Protocol = "/artel/" }},
		{"protocol is a slash", func(f *File) { f.Protocol = "/" }},
		{"unknown kind", func(f *File) { f.Chain.Kind = "solana" }},
		{"chain 0", func(f *File) { f.Chain.ID = 0 }},
		{"no genesis", func(f *File) { f.Chain.Genesis = artel.Hash{} }},
		{"embedded, not instant", func(f *File) { f.Chain.Kind = KindEmbedded }},
		{"file URL", func(f *File) { f.Chain.RPC = []string{"file:///etc/passwd"} }},
		{"URL without host", func(f *File) { f.Chain.RPC = []string{"http://"} }},
		{"URL with a newline", func(f *File) { f.Chain.RPC = []string{"http://a/\nb"} }},
		{"too many URLs", func(f *File) { f.Chain.RPC = make([]string, 17) }},
		{"no token", func(f *File) { f.Contracts.Token = artel.Address{} }},
		{"no ledger", func(f *File) { f.Contracts.Ledger = artel.Address{} }},
		{"no stake", func(f *File) { f.Contracts.Stake = artel.Address{} }},
		{"one address twice", func(f *File) { f.Contracts.Stake = f.Contracts.Ledger }},
		{"decimals", func(f *File) { f.Token.Decimals = 29 }},
		{"symbol", func(f *File) { f.Token.Symbol = "<b>" }},
		{"no policy", func(f *File) { f.Finality = Finality{} }},
		{"instant with confirmations", func(f *File) { f.Finality.Policy = PolicyInstant }},
		{"0 confirmations", func(f *File) { f.Finality.Confirmations = 0 }},
		{"tag latest", func(f *File) { f.Finality = Finality{Policy: PolicyTag, Tag: "latest"} }},
		{"no delay", func(f *File) { f.Rules.Delay = 0 }},
		{"endless delay", func(f *File) { f.Rules.Delay = 1 << 60 }},
		{"no window", func(f *File) { f.Rules.Window = 0 }},
		{"bootstrap without peer id", func(f *File) { f.Bootstrap = []string{"/ip4/1.2.3.4/tcp/1"} }},
		{"bootstrap is a host name", func(f *File) { f.Bootstrap = []string{"example.org/p2p/x"} }},
		{"too many bootstrap peers", func(f *File) { f.Bootstrap = make([]string, 65) }},
		{"faucet over ftp", func(f *File) { f.Faucet.URL = "ftp://a/b" }},
		{"faucet of nobody", func(f *File) { f.Faucet = &Faucet{} }},
	}
	for _, r := range rows {
		f := valid()
		r.change(&f)
		if err := f.Check(); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", r.name, err)
		}
	}
	f := valid()
	if err := f.Check(); err != nil {
		t.Errorf("valid: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	b, err := valid().Encode()
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	rows := []struct {
		name, text string
		want       error
		says       string
	}{
		{"empty", "", ErrInvalid, ""},
		{"torn", text[:len(text)/2], ErrInvalid, ""},
		{"null", "null", ErrSchema, "hint:"},
		{"array", "[]", ErrInvalid, ""},
		{"newer", strings.Replace(text, `"schema": 1`, `"schema": 2`, 1), ErrSchema, "newer artel"},
		{"unknown", strings.Replace(text, `"name"`, `"nmae"`, 1), ErrInvalid, "the fields here are bootstrap, chain"},
		{"case", strings.Replace(text, `"rpc": [`, `"RPC": [`, 1), ErrInvalid, `did you mean "rpc"`},
		{"unknown, deep", strings.Replace(text, `"minStake"`, `"maxStake"`, 1), ErrInvalid, `"rules.maxStake"`},
		{"twice", strings.Replace(text, `"delay": 86400`, `"delay": 86400, "delay": 1`, 1), ErrInvalid, `"rules.delay" is given twice`},
		{"trailing", text + "{}", ErrInvalid, ""},
		{"big", text + strings.Repeat(" ", MaxFile), ErrInvalid, "bytes"},
		{"number for amount", strings.Replace(text, `"minStake": "5"`, `"minStake": 5`, 1), ErrInvalid, ""},
		{"object in a list", strings.Replace(text, `"http://127.0.0.1:8545"`, `{"a":1}`, 1), ErrInvalid, ""},
	}
	for _, r := range rows {
		_, err := Parse([]byte(r.text))
		if !errors.Is(err, r.want) || !strings.Contains(err.Error(), r.says) {
			t.Errorf("%s: %v, want %v that says %q", r.name, err, r.want, r.says)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, _ := valid().Encode()
	f.Add(b)
	f.Add([]byte(`{"schema":1,"chain":{"rpc":[[[]]]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrSchema) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		out, err := n.Encode()
		if err != nil {
			t.Fatalf("parsed but not encoded: %v", err)
		}
		again, err := Parse(out)
		if err != nil || again.Hash() != n.Hash() {
			t.Fatalf("does not round-trip: %v", err)
		}
		one, _ := json.Marshal(n)
		two, _ := json.Marshal(again)
		if !bytes.Equal(one, two) {
			t.Fatalf("%s\n%s", one, two)
		}
	})
}
