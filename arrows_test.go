package artel_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/artel-network/artel"

// rooms says what each room may import of the project: the arrows of
// ARCHITECTURE.md. A room that is missing here fails the test.
var rooms = map[string][]string{
	"": {},
	// Rules: pure, they know the nouns alone.
	"lease": {""}, "job": {""}, "market": {""}, "survival": {}, "wire": {"", "wire/wirepb"}, "wire/wirepb": {},
	// Ports: the interface, its values and its suite.
	"sandbox": {""}, "blob": {""}, "p2p": {""}, "chain": {""}, "seal": {}, "host": {}, "host/gpuproof": {},
	"host/owner":          {"host", "internal/units", "internal/yamlfile"},
	"sandbox/sandboxtest": {"sandbox"}, "blob/blobtest": {"", "blob"}, "p2p/p2ptest": {"", "p2p"}, "chain/chaintest": {"", "chain"},
	// Adapters.
	"sandbox/fake": {"sandbox"}, "sandbox/wasm": {"sandbox", "sandbox/wasm/internal/confine", "sandbox/wasm/internal/guestfs"},
	"sandbox/gvisor": {"", "sandbox", "sandbox/gvisor/internal/egress", "sandbox/gvisor/internal/ldcache", "sandbox/gvisor/internal/outfs",
		"sandbox/gvisor/internal/snapshot"},
	"blob/mem": {"", "blob"}, "blob/disk": {"", "blob"}, "blob/swarm": {"", "blob"},
	"image": {"", "blob", "image/internal/unpack", "image/oci"}, "image/oci": {},
	"checkpoint": {"", "blob"},
	"p2p/mem":    {"", "p2p"}, "p2p/libp2p": {"", "p2p"},
	"chain/fake": {"", "chain"}, "chain/evm": {"", "chain", "chain/evm/bindings"}, "chain/evm/bindings": {},
	"chain/node": {"chain/node/internal/evm"}, "chain/evm/embedded": {},
	// Actors drive rules through ports, on one loop.
	"core":     {},
	"provider": {"", "blob", "chain", "checkpoint", "core", "image", "lease", "p2p", "sandbox", "seal", "survival", "wire"},
	"renter":   {"", "blob", "chain", "checkpoint", "core", "job", "lease", "market", "p2p", "seal", "wire"},
	"keeper":   {"", "blob", "checkpoint", "core", "p2p", "wire"}, "keeper/keepertest": {"", "keeper"},
	// What a machine has of the network: files.
	"datadir": {}, "network": {""}, "keys": {"", "datadir"},
	// Shell.
	"sqlite": {"", "chain", "job", "keeper", "lease", "provider", "renter"},
	"api":    {"", "datadir", "network", "wire"},
	"node": {"", "api", "blob", "blob/disk", "blob/mem", "blob/swarm", "chain", "chain/evm", "core", "datadir", "host", "host/owner", "image", "job", "keeper", "lease", "market", "network",
		"p2p", "p2p/libp2p", "provider", "renter", "sandbox", "sandbox/gvisor", "sandbox/wasm", "sqlite", "survival", "wire"},
}

// outside are trees that arrows do not bind: the binary, tests' own programs,
// tools and examples.
var outside = []string{"cmd/", "examples/", "internal/", "contracts/", "api/fake"}

// pure rooms import nothing that can act.
var pure = []string{"", "lease", "job", "market", "survival", "wire"}

// acts lists packages of the standard library that a rule has no use for.
var acts = []string{"net", "os", "database/sql", "log", "math/rand", "crypto/rand", "syscall", "sync"}

// modules lists what pure rooms may import from elsewhere.
var modules = []string{"github.com/decred/dcrd/dcrec/secp256k1/v4", "golang.org/x/crypto/sha3", "github.com/holiman/uint256", "google.golang.org/protobuf"}

// heavy libraries live behind one room each.
var heavy = map[string][]string{
	"github.com/libp2p/":                     {"p2p/libp2p"},
	"github.com/ethereum/":                   {"chain/"},
	"github.com/cometbft/":                   {"chain/node"},
	"github.com/tetratelabs/wazero":          {"sandbox/wasm"},
	"modernc.org/":                           {"sqlite"},
	"filippo.io/age":                         {"seal", "keys"},
	"github.com/google/go-containerregistry": {"image"},
	"gvisor.dev/":                            {"sandbox/gvisor"},
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	pkgs := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
}

func has(prefixes []string, s string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return s == p || strings.HasPrefix(s, strings.TrimSuffix(p, "/")+"/") })
}

func TestArrowsPointOneWay(t *testing.T) {
	for room, p := range list(t) {
		if has(outside, room) || strings.Contains(room, "/internal/") || strings.Contains(room, "test/") {
			continue
		}
		may, known := rooms[room]
		if !known {
			t.Errorf("room %q is not in this test; hint: say here, and in ARCHITECTURE.md, what it may import", room)
		}
		for _, i := range p.Imports {
			other, ours := strings.CutPrefix(i, module)
			if other = strings.TrimPrefix(other, "/"); ours && !slices.Contains(may, other) {
				t.Errorf("%s imports %s: that arrow is not in the house", room, other)
			}
		}
	}
}

func TestPureRoomsCannotAct(t *testing.T) {
	pkgs := list(t)
	for _, room := range pure {
		for _, i := range pkgs[room].Imports {
			first, _, _ := strings.Cut(i, "/")
			switch {
			case strings.HasPrefix(i, module):
			case strings.Contains(first, "."):
				if !has(modules, i) {
					t.Errorf("pure room %q imports module %s", room, i)
				}
			case has(acts, i):
				t.Errorf("pure room %q imports %s, which acts", room, i)
			}
		}
		out, err := exec.Command("grep", "-rnE", `time\.(Now|Since|Until|After|Sleep|NewTimer|NewTicker)\(`, "--include=*.go", "--exclude=*_test.go", pkgs[room].Dir, "--exclude-dir=*").Output()
		if err == nil && len(out) > 0 && room != "" {
			t.Errorf("pure room %q asks the clock:\n%s", room, out)
		}
	}
}

func TestHeavyLibrariesLiveBehindOneRoom(t *testing.T) {
	for room, p := range list(t) {
		if has(outside, room) {
			continue
		}
		for _, i := range p.Imports {
			for lib, homes := range heavy {
				if strings.HasPrefix(i, lib) && !has(homes, room) {
					t.Errorf("%s imports %s, which lives behind %s", room, i, strings.Join(homes, ", "))
				}
			}
		}
	}
}
