package chainnode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	gethnode "github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/artel-network/artel/chain/node/internal/evm"
)

// ErrNotRunning: no node runs on the home that was asked about.
var ErrNotRunning = errors.New("no node is running here")

// Status is what a node says about itself.
type Status struct {
	ChainID    uint64      `json:"chainId"`
	Genesis    common.Hash `json:"genesis"`    // hash of the EVM genesis block
	Height     uint64      `json:"height"`     // of the newest block, which is final
	Hash       common.Hash `json:"hash"`       // of that block
	Time       time.Time   `json:"time"`       // of that block
	Peers      int         `json:"peers"`      // connected nodes
	Validator  bool        `json:"validator"`  // whether this node votes
	Validators int         `json:"validators"` // how many nodes vote
	CatchingUp bool        `json:"catchingUp"` // whether it still fetches old blocks
	RPC        string      `json:"rpc"`        // URL of the JSON-RPC
	P2P        string      `json:"p2p"`        // id@host:port, for others to join
}

// Status reports on a running node.
func (n *Node) Status() (Status, error) {
	n.mu.Lock()
	r := n.running
	n.mu.Unlock()
	if r == nil {
		return Status{}, ErrNotRunning
	}
	head := r.engine.Head()
	return Status{
		ChainID: n.genesis.ChainID(), Genesis: n.genesis.Hash(),
		Height: head.Number.Uint64(), Hash: head.Hash(), Time: time.Unix(int64(head.Time), 0).UTC(),
		Peers:     r.comet.Switch().Peers().Size(),
		Validator: n.isValidator(), Validators: n.genesis.Validators(),
		CatchingUp: r.comet.ConsensusReactor().WaitSync(),
		RPC:        r.rpc, P2P: fmt.Sprintf("%s@%s", n.nodeKey.ID(), n.settings.P2P),
	}, nil
}

// RPCURL returns the JSON-RPC URL of the node running on a home.
func RPCURL(dir string) (string, error) {
	raw, err := os.ReadFile(home(dir).rpc())
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("chain node in %s: %w", dir, ErrNotRunning)
	}
	if err != nil {
		return "", fmt.Errorf("chain node in %s: %w", dir, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// ReadStatus asks the node that runs on a home, in whatever process.
func ReadStatus(ctx context.Context, dir string) (Status, error) {
	url, err := RPCURL(dir)
	if err != nil {
		return Status{}, err
	}
	client, err := rpc.DialContext(ctx, url)
	if err != nil {
		return Status{}, fmt.Errorf("ask chain node at %s: %w", url, err)
	}
	defer client.Close()
	var s Status
	if err := client.CallContext(ctx, &s, "artel_status"); err != nil {
		// A node that was killed leaves its address behind.
		return Status{}, fmt.Errorf("ask chain node at %s: %w: %w", url, ErrNotRunning, err)
	}
	return s, nil
}

// modules are the JSON-RPC namespaces on offer. Nothing that administers the
// node, and no keys: geth's keystore stays empty.
func modules() []string { return []string{"eth", "net", "web3", "txpool", "artel"} }

// statusAPI is the artel namespace.
type statusAPI struct{ node *Node }

// Status answers artel_status.
func (s *statusAPI) Status() (Status, error) { return s.node.Status() }

// web3API is the web3 namespace; geth keeps its own out of reach.
type web3API struct{}

// ClientVersion answers web3_clientVersion.
func (web3API) ClientVersion() string { return "artel" }

// Sha3 answers web3_sha3.
func (web3API) Sha3(input hexutil.Bytes) hexutil.Bytes { return crypto.Keccak256(input) }

type rpcServer struct {
	url    string
	file   string
	http   *http.Server
	rpc    *rpc.Server
	served chan error
}

// serveRPC opens the JSON-RPC, after replay, so that no client ever sees a head
// older than one it has seen before, and writes its address into the home.
func (n *Node) serveRPC(engine *evm.Engine) (*rpcServer, error) {
	handler := rpc.NewServer()
	apis := append(engine.APIs(),
		rpc.API{Namespace: "artel", Service: &statusAPI{n}},
		rpc.API{Namespace: "web3", Service: web3API{}})
	if err := gethnode.RegisterApis(apis, modules(), handler); err != nil {
		return nil, fmt.Errorf("serve JSON-RPC: %w", err)
	}
	listener, err := net.Listen("tcp", n.settings.RPC)
	if err != nil {
		return nil, fmt.Errorf("serve JSON-RPC: %w", err)
	}
	s := &rpcServer{
		url: "http://" + listener.Addr().String(), file: n.home.rpc(), rpc: handler,
		// No CORS, and host names other than localhost refused: a web page
		// must not reach it, DNS rebinding included.
		http: &http.Server{
			Handler:           gethnode.NewHTTPHandlerStack(handler, nil, []string{"localhost"}, nil, true),
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       2 * time.Minute,
		},
		served: make(chan error, 1),
	}
	if err := os.WriteFile(s.file, []byte(s.url+"\n"), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write the JSON-RPC's address: %w", err), listener.Close())
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

func (s *rpcServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s.rpc.Stop()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // open connections do not hold up the end
	}
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve JSON-RPC: %w", err)
	}
	return os.Remove(s.file)
}
