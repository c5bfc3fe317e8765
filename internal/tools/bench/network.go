package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// net is a chain, a renter with money, and providers whose offers the renter knows.
type net struct {
	*devnet.Net
	renter    *devnet.Node
	providers []*devnet.Node
}

// network starts one, in a directory of that name. Close ends it.
func (b *bench) network(ctx context.Context, name string, providers int, c api.ProvideConfig) (_ *net, err error) {
	d, err := devnet.New(ctx, devnet.Config{Binary: b.bin, Dir: filepath.Join(b.dir, name), Log: "warn"})
	if err != nil {
		return nil, err
	}
	n := &net{Net: d}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	if _, err := d.StartChain(ctx); err != nil {
		return nil, err
	}
	if n.renter, err = d.StartNode(ctx, "renter", 0); err != nil {
		return nil, err
	}
	for i := range providers {
		p, err := d.StartNode(ctx, fmt.Sprintf("provider%d", i+1), 0)
		if err != nil {
			return nil, err
		}
		n.providers = append(n.providers, p)
	}
	for _, d := range append(n.providers, n.renter) {
		if _, err := d.API.Faucet(ctx); err != nil {
			return nil, fmt.Errorf("ask faucet: %w", err)
		}
	}
	if _, err := n.renter.API.Deposit(ctx, artel.Units(500_000_000)); err != nil {
		return nil, fmt.Errorf("deposit: %w", err)
	}
	for _, p := range n.providers {
		if _, err := p.API.Provide(ctx, c); err != nil {
			return nil, fmt.Errorf("provide: %w", err)
		}
	}
	_, err = n.renter.Offers(ctx, providers)
	return n, err
}
