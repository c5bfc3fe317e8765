package chainnode

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/params"
)

func mustInit(t *testing.T, conf Config) []string {
	t.Helper()
	if conf.ChainID == 0 {
		conf.ChainID = 5
	}
	homes, err := Init(filepath.Join(t.TempDir(), "net"), conf)
	if err != nil {
		t.Fatal(err)
	}
	return homes
}

func TestInitMakesOneNetwork(t *testing.T) {
	homes := mustInit(t, Config{Validators: 3})
	if len(homes) != 3 {
		t.Fatalf("%d homes", len(homes))
	}
	var first []byte
	peers := map[string]bool{}
	for i, dir := range homes {
		raw, err := os.ReadFile(home(dir).genesis())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = raw
		} else if !bytes.Equal(raw, first) {
			t.Errorf("%s has another genesis", dir)
		}
		s, err := home(dir).readSettings()
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Peers) != 2 {
			t.Errorf("%s knows %d peers, want the 2 others", dir, len(s.Peers))
		}
		for _, p := range s.Peers {
			peers[p] = true
		}
		if s.Heartbeat != defaultHeartbeat || s.BlockInterval != defaultBlockInterval {
			t.Errorf("settings did not survive the file: %+v", s)
		}
		info, err := os.Stat(home(dir).validatorKey())
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("validator key: %v, %v", info, err)
		}
	}
	if len(peers) != 3 {
		t.Errorf("%d different addresses, want 3", len(peers))
	}
	g, err := ParseGenesis(first)
	if err != nil {
		t.Fatal(err)
	}
	if g.Validators() != 3 || g.ChainID() != 5 {
		t.Errorf("genesis has %d validators, chain id %d", g.Validators(), g.ChainID())
	}
}

func TestInitRefuses(t *testing.T) {
	rows := map[string]struct {
		conf Config
		want string
	}{
		"no chain id":       {Config{}, "chain id"},
		"negative count":    {Config{ChainID: 1, Validators: -1}, "validators"},
		"p2p port 0":        {Config{ChainID: 1, P2P: []string{"127.0.0.1:0"}}, "fixed port"},
		"too few addresses": {Config{ChainID: 1, Validators: 2, P2P: []string{"127.0.0.1:1"}}, "2 validators"},
		"public rpc":        {Config{ChainID: 1, Settings: Settings{RPC: "0.0.0.0:8545"}}, "loopback"},
		"rpc without port":  {Config{ChainID: 1, Settings: Settings{RPC: "localhost"}}, "rpc address"},
		"too fast":          {Config{ChainID: 1, Settings: Settings{BlockInterval: Duration(time.Millisecond)}}, "below 1s"},
		"slow heartbeat":    {Config{ChainID: 1, Settings: Settings{BlockInterval: Duration(time.Minute)}}, "heartbeat"},
		"no gas":            {Config{ChainID: 1, GasLimit: 1}, "gas limit"},
		"Amsterdam":         {Config{ChainID: 1, Forks: func(c *params.ChainConfig) { c.AmsterdamTime = new(uint64) }}, "Amsterdam"},
		"before Osaka":      {Config{ChainID: 1, Forks: func(c *params.ChainConfig) { c.OsakaTime = nil }}, "Osaka"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			_, err := Init(t.TempDir(), row.conf)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error is %v, want one about %q", err, row.want)
			}
		})
	}
	homes := mustInit(t, Config{})
	if _, err := Init(homes[0], Config{ChainID: 5}); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("second network in one directory: %v", err)
	}
}

func TestGenesisFileIsChecked(t *testing.T) {
	homes := mustInit(t, Config{})
	raw, err := os.ReadFile(home(homes[0]).genesis())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseGenesis(raw); err != nil {
		t.Fatal(err)
	}
	rows := map[string]struct{ old, new, want string }{
		"another gas limit": {`"gasLimit": "0x1c9c380"`, `"gasLimit": "0x1c9c381"`, "app_hash"},
		"another chain id":  {`artel-5`, `artel-6`, "chain_id"},
		"first block 2":     {`"initial_height": "1"`, `"initial_height": "2"`, "block 1"},
		"not a number":      {`"initial_height": "1"`, `"initial_height": "x"`, "not a genesis"},
		"not JSON":          {`{`, `[`, "not a genesis"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			changed := bytes.Replace(raw, []byte(row.old), []byte(row.new), 1)
			if bytes.Equal(changed, raw) {
				t.Fatalf("%q is not in the genesis:\n%s", row.old, raw[:min(2000, len(raw))])
			}
			if _, err := ParseGenesis(changed); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error is %v, want one about %q", err, row.want)
			}
		})
	}
}

func TestJoinRefuses(t *testing.T) {
	homes := mustInit(t, Config{})
	genesis, err := os.ReadFile(home(homes[0]).genesis())
	if err != nil {
		t.Fatal(err)
	}
	peer := "f15052432e5e4156968fb97f506758268ce0d056@127.0.0.1:42309"
	rows := map[string]struct {
		genesis []byte
		s       Settings
		want    string
	}{
		"no peers":     {genesis, Settings{}, "no peers"},
		"broken peer":  {genesis, Settings{Peers: []string{"127.0.0.1:1"}}, "id@host:port"},
		"no genesis":   {nil, Settings{Peers: []string{peer}}, "genesis"},
		"public rpc":   {genesis, Settings{Peers: []string{peer}, RPC: "192.0.2.1:1"}, "loopback"},
		"occupied dir": {genesis, Settings{Peers: []string{peer}}, "exists already"},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "follower")
			if name == "occupied dir" {
				dir = homes[0]
			}
			if err := Join(dir, row.genesis, row.s); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error is %v, want one about %q", err, row.want)
			}
			if _, err := os.Stat(dir); name != "occupied dir" && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("left %s behind: %v", dir, err)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	if _, err := New(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "init or join") {
		t.Errorf("no home: %v", err)
	}
	run := func(dir string) error {
		n, err := New(dir, Options{})
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return n.Run(ctx)
	}
	t.Run("port taken", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		homes := mustInit(t, Config{P2P: []string{taken.Addr().String()}})
		if err := run(homes[0]); err == nil || !strings.Contains(err.Error(), "address already in use") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("broken validator state", func(t *testing.T) {
		homes := mustInit(t, Config{})
		if err := os.WriteFile(home(homes[0]).validatorState(), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(homes[0]); err == nil || !strings.Contains(err.Error(), "vote twice") {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("another chain's data", func(t *testing.T) {
		one, two := mustInit(t, Config{ChainID: 1}), mustInit(t, Config{ChainID: 2})
		if err := os.RemoveAll(home(two[0]).evm()); err != nil {
			t.Fatal(err)
		}
		n, err := New(one[0], Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		n.opts.Ready = func(Status) { cancel() }
		if err := n.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(home(one[0]).evm(), home(two[0]).evm()); err != nil {
			t.Fatal(err)
		}
		if err := run(two[0]); err == nil || !strings.Contains(err.Error(), "genesis") {
			t.Errorf("error is %v", err)
		}
	})
	if _, err := ReadStatus(context.Background(), mustInit(t, Config{})[0]); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status of a node that never ran: %v", err)
	}
}
