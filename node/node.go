// Package node builds a daemon out of its rooms, starts them in order, and
// stops them in reverse. It is the only place that knows the adapters.
package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/blob"
	"github.com/artel-network/artel/blob/disk"
	"github.com/artel-network/artel/chain"
	"github.com/artel-network/artel/chain/evm"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/keeper"
	"github.com/artel-network/artel/network"
	"github.com/artel-network/artel/p2p"
	"github.com/artel-network/artel/p2p/libp2p"
	"github.com/artel-network/artel/renter"
	"github.com/artel-network/artel/sqlite"
	"github.com/artel-network/artel/wire"
)

// Config is what a daemon is opened with.
type Config struct {
	Paths    datadir.Paths
	Network  network.File
	Key      artel.Key
	Account  artel.Address // whose money it is; zero: the key's own
	ChainRPC []string      // instead of the network file's
	Listen   []string      // multiaddrs; none: the usual ones
	Version  api.Version
	// Worker is the command that starts a sandbox worker.
	Worker []string
	// Containers is the command that executes this binary, for gvisor.Options; none:
	// the machine offers no containers.
	Containers []string
	// Box is a smaller program that does the same for containers, packed as
	// gvisor.Unpack takes it; none: Containers does it.
	Box []byte
	// InsecureRegistries, "host" or "host:port", may have private addresses and
	// speak plain http.
	InsecureRegistries []string
	// Linger is how long leases are held without a task; zero: the default.
	Linger time.Duration
	Log    *slog.Logger
}

// maxServing bounds the blob streams served at once: each may hold megabytes.
const maxServing = 64

// blobProtocol moves blobs on streams of their own.
const blobProtocol = "blob/1"

// Node is a running daemon. It implements api.Node.
type Node struct {
	c       Config
	params  chain.Params
	network artel.Hash
	started time.Time

	db      *sqlite.DB
	blobs   *disk.Store
	ledger  *evm.Ledger
	host    *libp2p.Host
	board   *board
	images  *images
	kept    *disk.Store // the keeper's
	keeper  *keeper.Keeper
	renter  *renter.Renter
	owner   *owner // the provider's half
	uptimes uptimes
	balance balance    // of visits to services
	naming  sync.Mutex // held while a service is begun: its name must be nobody's
	guard   *guard     // and who sees to it that the machine's owner comes first

	loans loans        // what is read here while a job is handed to the steward
	door  *stewardDoor // where it is another account's; nil: its own

	serving chan struct{} // a place for each blob stream that is served

	unused chan struct{} // holds one token while blobs are to be looked through
	untidy chan struct{} // holds one token while images are to be looked through

	begin chan room // to be run beside the others; Run takes them up
}

// room is something that runs as long as the daemon does. An error of it ends
// the daemon.
type room struct {
	name string
	run  func(context.Context) error
}

// Open builds the daemon. Nothing runs before Run; Close gives back what was
// opened.
func Open(ctx context.Context, c Config) (_ *Node, err error) {
	n := &Node{c: c, network: c.Network.Hash(), started: time.Now(), begin: make(chan room, 64), serving: make(chan struct{}, maxServing), untidy: make(chan struct{}, 1), unused: make(chan struct{}, 1)}
	n.params = chain.Params{
		ChainID: c.Network.Chain.ID, Token: c.Network.Contracts.Token, Ledger: c.Network.Contracts.Ledger, Stake: c.Network.Contracts.Stake,
		Delay: c.Network.Rules.Delay, Window: c.Network.Rules.Window,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.db, err = sqlite.Open(ctx, c.Paths.Database()); err != nil {
		return nil, err
	}
	if n.blobs, err = disk.Open(c.Paths.Blobs(), 0); err != nil {
		return nil, err
	}
	if err := n.openChain(); err != nil {
		return nil, err
	}
	if err := n.openHost(); err != nil {
		return nil, err
	}
	if err := n.openImages(); err != nil {
		return nil, err
	}
	if err := n.openKeeper(ctx); err != nil {
		return nil, err
	}
	n.board = newBoard(n.network, c.Network.Rules.MinStake, n.ledger, n.params)
	pol := renter.DefaultPolicy
	if c.Linger != 0 {
		pol.Linger = c.Linger
	}
	n.renter = renter.New(renter.Config{
		Key: c.Key, Account: n.account(), Network: n.network, Params: n.params, Policy: pol,
		Host: n.host, Ledger: n.ledger, Board: n.board, Store: n.db.Renter(), Blobs: n.blobs,
		Fetch: n.fetch, Puzzle: puzzle{}, Own: ownKeeper{n}, Journals: n.journals(), Lacks: n.lacks, Probe: n.probe, Log: c.Log.With("room", "renter"),
	})
	machine, err := n.machine(ctx)
	if err != nil {
		return nil, err
	}
	n.owner, n.guard = newOwner(n, machine), newGuard(n)
	n.uptimes.n = n
	if err := n.guard.load(ctx); err != nil {
		return nil, err
	}
	n.openDoor()
	n.host.HandleStream(blobProtocol, n.serveBlobs)
	n.host.Handle(wire.MethodOffers, wire.MaxSmall, func(context.Context, artel.NodeID, []byte) ([]byte, error) { return n.board.share(), nil })
	if _, err := n.host.Subscribe(wire.TopicOffers, n.board.validate, func(p2p.Message) {}); err != nil {
		return nil, fmt.Errorf("subscribe to offers: %w", err)
	}
	return n, nil
}

// account is whose money the daemon handles: the key's own, or that of an
// account that made the key its session signer.
func (n *Node) account() artel.Address {
	if !n.c.Account.IsZero() {
		return n.c.Account
	}
	return n.c.Key.Address()
}

func (n *Node) openChain() (err error) {
	urls := n.c.ChainRPC
	if len(urls) == 0 {
		urls = n.c.Network.Chain.RPC
	}
	fin, err := finality(n.c.Network.Finality)
	if err != nil {
		return err
	}
	n.ledger, err = evm.New(evm.Options{
		Network: evm.Network{
			ChainID: n.params.ChainID, Token: n.params.Token, Ledger: n.params.Ledger, Stake: n.params.Stake, Finality: fin,
			Birth: n.c.Network.Chain.Birth, Delay: n.params.Delay, Window: n.params.Window,
		},
		RPC: urls, Store: calls{n.db}, Signers: []evm.Signer{n.c.Key}, Log: n.c.Log.With("room", "chain"),
	})
	if err != nil {
		return fmt.Errorf("open chain: %w", err)
	}
	return nil
}

func finality(f network.Finality) (chain.Finality, error) {
	switch f.Policy {
	case network.PolicyConfirmations:
		return chain.Finality{Depth: f.Confirmations}, nil
	case network.PolicyTag:
		return chain.ParseFinality(f.Tag)
	}
	return chain.Finality{}, nil
}

func (n *Node) openHost() (err error) {
	listen := n.c.Listen
	if len(listen) == 0 {
		listen = []string{"/ip4/0.0.0.0/udp/0/quic-v1", "/ip4/0.0.0.0/tcp/0"}
	}
	local := len(n.c.Listen) > 0
	n.host, err = libp2p.New(libp2p.Config{
		Key: n.c.Key, Network: n.network, Wire: p2p.Versions{Min: wire.MinVersion, Max: wire.MaxVersion},
		Listen: listen, Bootstrap: n.c.Network.Bootstrap, MDNS: !local, DHT: !local, PortMap: !local,
		Log: n.c.Log.With("room", "p2p"),
	})
	if err != nil {
		return fmt.Errorf("open network: %w", err)
	}
	return nil
}

// machine is the installation's own number, drawn once.
func (n *Node) machine(ctx context.Context) (m [16]byte, err error) {
	if ok, err := n.db.Setting(ctx, "machine", &m); ok || err != nil {
		return m, err
	}
	if _, err := rand.Read(m[:]); err != nil {
		return m, fmt.Errorf("draw machine number: %w", err)
	}
	return m, n.db.SetSetting(ctx, "machine", m)
}

// Run works until ctx ends or a room fails that the others cannot do without.
func (n *Node) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	unwatch := n.host.Watch(n.met)
	defer unwatch()
	follower := &chain.Follower{From: n.ledger, Into: n.db, Interval: 2 * time.Second, Log: n.c.Log.With("room", "follower")}
	for _, r := range []room{
		{"chain", n.ledger.Run}, {"follower", follower.Run}, {"network", n.host.Run}, {"keeper", n.keeper.Run}, {"renter", n.renter.Run},
		{"provider", n.owner.resume}, {"owner", n.guard.run}, {"uptimes", n.uptimes.run}, {"housekeeping", n.tidy}, {"images", n.tidyImages}, {"offers", n.lookAgain}, {"money of the steward", n.bringHome},
		{"count blobs", n.blobs.Recount}, {"count checkpoints", n.kept.Recount}, // a crash may have left the count off
	} {
		n.begin <- r
	}
	var life sync.WaitGroup
	defer life.Wait()
	defer cancel()
	failed := make(chan error, 1)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case r := <-n.begin:
			life.Go(func() {
				if err := r.run(ctx); err != nil && ctx.Err() == nil {
					select {
					case failed <- fmt.Errorf("%s: %w", r.name, err):
					default: // the first one counts
					}
				}
			})
		}
	}
}

// Close gives back what Open took. It is called after Run.
func (n *Node) Close() error {
	var errs []error
	if n.owner != nil {
		errs = append(errs, n.owner.close())
	}
	if n.ledger != nil {
		n.ledger.Close()
	}
	if n.images != nil {
		errs = append(errs, n.images.close())
	}
	for _, s := range []*disk.Store{n.blobs, n.kept} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if n.db != nil {
		errs = append(errs, n.db.Close())
	}
	return errors.Join(errs...)
}

// met asks a new peer for its offer and for those that it knows: they may have
// been announced before we came.
func (n *Node) met(e p2p.Event) {
	if !e.Connected {
		return
	}
	ask := func(ctx context.Context) error { n.askOffers(ctx, e.Peer); return nil }
	select {
	case n.begin <- room{"ask a peer for its offer", ask}:
	default: // so many peers at once: its next announcement will do
	}
}

func (n *Node) askOffers(ctx context.Context, peer artel.NodeID) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if b, err := n.host.Call(ctx, peer, wire.MethodOffer, nil, wire.MaxOffer); err == nil {
		n.board.admit(ctx, peer, b)
	}
	b, err := n.host.Call(ctx, peer, wire.MethodOffers, nil, wire.MaxOffers)
	if err != nil {
		return // it is one of an older release, or busy
	}
	list, err := wire.UnmarshalOffers(b)
	if err != nil {
		n.c.Log.Debug("offers of a peer", "peer", peer.Short(), "error", err)
	}
	for _, o := range list {
		n.board.admit(ctx, peer, o)
	}
}

// How often, and how many peers, are asked for offers that are not known.
const (
	lookEvery = 30 * time.Second
	lookAt    = 8
)

// lookAgain asks peers for offers while none is known, or when some were refused
// because of the clock: it may be right again, and they are announced some times
// an hour only.
func (n *Node) lookAgain(ctx context.Context) error {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		if !n.board.lacks() {
			continue
		}
		peers := slices.Clone(n.host.Peers())
		mrand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
		for _, p := range peers[:min(len(peers), lookAt)] {
			n.askOffers(ctx, p.ID)
		}
	}
}

// fetch brings a blob from a peer.
func (n *Node) fetch(ctx context.Context, from artel.NodeID, root artel.Ref, limit int64) error {
	return n.fetchInto(ctx, from, n.blobs, root, limit)
}

func (n *Node) fetchInto(ctx context.Context, from artel.NodeID, into blob.Store, root artel.Ref, limit int64) error {
	open := func(ctx context.Context) (blob.Stream, error) { return n.openBlobs(ctx, from) }
	return blob.Fetch(ctx, open, into, root, blob.FetchOptions{Limits: blob.Limits{Bytes: limit}})
}

func (n *Node) openBlobs(ctx context.Context, from artel.NodeID) (blob.Stream, error) {
	return n.host.OpenStream(ctx, from, blobProtocol)
}

// serveBlobs gives a peer what it has a right to: inputs of what it computes
// for us, a job's that is handed to our steward, sealed outputs of what we computed for it, checkpoints on their way to it
// as a keeper, and those that are kept here and that it knows the root of.
func (n *Node) serveBlobs(ctx context.Context, from artel.NodeID, s p2p.Stream) {
	select {
	case n.serving <- struct{}{}:
		defer func() { <-n.serving }()
	default:
		s.Reset() // who fetches tries again
		return
	}
	store := &chosen{n.blobs}
	_, err := blob.Serve(ctx, s, from, store, blob.ServeOptions{Allow: func(ctx context.Context, peer artel.NodeID, root artel.Ref) error {
		switch saves, journal := n.owner.sends(peer, root), n.renter.Sends(root); {
		case n.keeper.Holds(root):
			store.Store = n.kept
		case saves != nil:
			store.Store = saves
		case journal != nil:
			store.Store = journal
		case !n.loans.has(loan{to: peer, root: root}) && !n.renter.MayRead(ctx, peer, root) && !n.owner.mayRead(ctx, peer, root):
			return fmt.Errorf("%s has no right to it", peer.Short())
		}
		return nil
	}})
	if err != nil && ctx.Err() == nil {
		n.c.Log.Debug("serve blobs", "peer", from.Short(), "error", err)
	}
}

// chosen is the store that a root is served from, once it is known which.
type chosen struct{ blob.Store }

// keepBlobs is how long a blob without an owner is kept: longer than any
// directory takes to be added.
const keepBlobs = 24 * time.Hour

// tight is how few bytes of disk, beyond what is spared, make blobs go sooner.
const tight = 16 << 30

// tidy removes what nobody needs any more.
func (n *Node) tidy(ctx context.Context) error {
	for {
		t := time.NewTimer(time.Hour)
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
		case <-n.unused:
			t.Stop()
		}
		roots, err := n.roots(ctx)
		if err == nil {
			var freed blob.Freed
			keep := keepBlobs
			if n.owner.room(tight) != nil {
				keep = time.Hour
			}
			if freed, err = blob.GC(ctx, n.blobs, roots, time.Now().Add(-keep)); err == nil && freed.Blocks > 0 {
				n.c.Log.Info("removed blobs", "blocks", freed.Blocks, "bytes", freed.Bytes)
			}
		}
		if err != nil && ctx.Err() == nil {
			n.c.Log.Warn("remove unused blobs", "error", err)
		}
	}
}

// tidyImages removes images that are over their cap or their lease: now and then,
// and when tidySoon says so.
func (n *Node) tidyImages(ctx context.Context) error {
	select {
	case <-n.owner.resumed: // until then nobody says what containers of before run on
	case <-ctx.Done():
		return nil
	}
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		open, err := n.owner.images(ctx)
		if err == nil {
			err = n.images.tidy(ctx, open)
		}
		if err != nil && ctx.Err() == nil {
			n.c.Log.Warn("remove unused images", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		case <-n.untidy:
		}
	}
}

// tidySoon makes tidyImages look again. It returns at once.
func (n *Node) tidySoon() {
	select {
	case n.untidy <- struct{}{}:
	default:
	}
}

// calls keeps submitted calls in the database.
type calls struct{ db *sqlite.DB }

func (c calls) PutTx(ctx context.Context, r evm.TxRecord) error {
	row, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return c.db.PutCall(ctx, r.Tx.ID, r.Outcome.State.Final(), row)
}

func (c calls) GetTx(ctx context.Context, id string) (r evm.TxRecord, ok bool, err error) {
	row, ok, err := c.db.GetCall(ctx, id)
	if !ok || err != nil {
		return r, false, err
	}
	return r, true, json.Unmarshal(row, &r)
}

func (c calls) OpenTxs(ctx context.Context) (rs []evm.TxRecord, err error) {
	rows, err := c.db.OpenCalls(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		var r evm.TxRecord
		if err := json.Unmarshal(row, &r); err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	return rs, nil
}

func mkdir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(path), err)
	}
	return nil
}
