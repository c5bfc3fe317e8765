package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/core"
	"github.com/artel-network/artel/internal/devnet"
)

// compile makes the smallest program that Go makes for WASI.
func compile(ctx context.Context, dir, out string) error {
	src := filepath.Join(dir, "noop.go")
	if err := os.WriteFile(src, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "go", "build", "-ldflags", "-s -w", "-o", out, src)
	c.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if b, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("compile no-op program: %w\n%s", err, b)
	}
	return nil
}

// wasm measures jobs of a no-op WASM program.
func (b *bench) wasm(ctx context.Context) error {
	wasm := filepath.Join(b.dir, "noop.wasm")
	if err := compile(ctx, b.dir, wasm); err != nil {
		return err
	}
	n, err := b.network(ctx, "wasm", 1, api.ProvideConfig{Slots: 2, Memory: 1 << 30, Disk: 1 << 30, Price: 277_000_000, MaxUnit: 60_000})
	if err != nil {
		return err
	}
	defer n.Close()
	renter, prov := n.renter, n.providers[0]
	if err := b.idle(ctx, prov); err != nil {
		return err
	}
	prog, err := renter.API.AddPath(ctx, wasm)
	if err != nil {
		return err
	}
	spec := artel.JobSpec{
		Name: "noop", Program: prog.Ref, Count: 1, Wall: 10_000, Log: 4096, Sandbox: "wasm", Tries: 1,
		Want: artel.Resources{Memory: 256 << 20, Disk: 1 << 20}, Failover: artel.FailoverNormal,
	}
	if _, err := b.one(ctx, renter.API, spec); err != nil { // compiles the program, makes the lease
		return err
	}
	if err := b.single(ctx, renter.API, spec); err != nil {
		return err
	}
	if err := b.burst(ctx, renter.API, spec); err != nil {
		return err
	}
	return b.long(ctx, renter, prov, spec)
}

// idle measures a provider that waits.
func (b *bench) idle(ctx context.Context, p *devnet.Node) error {
	if !core.Every(ctx, 15*time.Second) { // let start-up's garbage be collected
		return ctx.Err()
	}
	m, err := memory(p.PID())
	if err != nil {
		return err
	}
	b.add("idle provider, without the chain node: anonymous memory (total RSS beside it)", "≤ 40 MB",
		fmt.Sprintf("%.0f MB (%.0f MB)", m.anon, m.rss), "daemon alone; a warm sandbox worker is a process of its own")
	return nil
}

// single measures one job at a time: from the daemon's acceptance of the job to
// its end, which comes after the receipt was checked and stored and the
// provider has confirmed that its voucher is stored. Both times are the
// daemon's, to the millisecond.
func (b *bench) single(ctx context.Context, c *api.Client, spec artel.JobSpec) error {
	var ms []float64
	for range b.o.single {
		d, err := b.one(ctx, c, spec)
		if err != nil {
			return err
		}
		ms = append(ms, float64(d.Microseconds())/1000)
	}
	b.add("no-op WASM job on a held lease: submit → receipt checked and stored, its voucher accepted and stored, p50 / p95", "≤ 8 / 20 ms",
		fmt.Sprintf("%.0f / %.0f ms", quantile(ms, 0.5), quantile(ms, 0.95)), fmt.Sprintf("n = %d, one voucher each; min %.0f, max %.0f; synchronous=FULL on both sides", len(ms), slices.Min(ms), slices.Max(ms)))
	return nil
}

// burst measures 100 jobs handed in at once, from the first one's acceptance to
// the last one's end.
func (b *bench) burst(ctx context.Context, c *api.Client, spec artel.JobSpec) error {
	var rates []float64
	for range b.o.bursts {
		took, err := b.together(ctx, c, spec, 100)
		if err != nil {
			return err
		}
		rates = append(rates, 100/took.Seconds())
	}
	b.add("burst of 100 such jobs", "≥ 250 jobs/s", fmt.Sprintf("%.0f jobs/s", quantile(rates, 0.5)),
		fmt.Sprintf("n = %d bursts, min %.0f, max %.0f; vouchers are cumulative: one may cover several jobs that end together", len(rates), slices.Min(rates), slices.Max(rates)))
	return nil
}

func (b *bench) together(ctx context.Context, c *api.Client, spec artel.JobSpec, n int) (time.Duration, error) {
	ids := make(chan string, n)
	errs := make(chan error, n)
	keys := b.keys
	b.keys += n
	for i := range n {
		go func() {
			j, err := c.Submit(ctx, api.SubmitRequest{Key: key(keys + i + 1), Spec: spec})
			ids <- j.ID
			errs <- err
		}()
	}
	var list []string
	for range n {
		list = append(list, <-ids)
		if err := <-errs; err != nil {
			return 0, err
		}
	}
	// One is watched until it ends, so that the watching weighs little; then all
	// are asked, in case another ended later.
	if _, err := over(ctx, c, list[n-1]); err != nil {
		return 0, err
	}
	var first, last time.Time
	for _, id := range list {
		d, err := over(ctx, c, id)
		if err != nil {
			return 0, err
		}
		if first.IsZero() || d.Created.Before(first) {
			first = d.Created
		}
		if d.Ended.After(last) {
			last = d.Ended
		}
	}
	return last.Sub(first), nil
}

// long compares both daemons' memory after 100 jobs and after many.
func (b *bench) long(ctx context.Context, renter, prov *devnet.Node, spec artel.JobSpec) error {
	type pair struct{ renter, prov mem }
	look := func() (p pair, err error) {
		if !core.Every(ctx, 5*time.Second) {
			return p, ctx.Err()
		}
		if p.renter, err = memory(renter.PID()); err == nil {
			p.prov, err = memory(prov.PID())
		}
		return p, err
	}
	if _, err := b.together(ctx, renter.API, spec, 100); err != nil {
		return err
	}
	early, err := look()
	if err != nil {
		return err
	}
	for range b.o.many / 100 {
		if _, err := b.together(ctx, renter.API, spec, 100); err != nil {
			return err
		}
	}
	late, err := look()
	if err != nil {
		return err
	}
	b.add(fmt.Sprintf("node after %d jobs: RSS compared with after the first hundreds", b.o.many), "≤ 1.2×",
		fmt.Sprintf("renter %.2f×, provider %.2f×", late.renter.rss/early.renter.rss, late.prov.rss/early.prov.rss),
		fmt.Sprintf("renter %.0f → %.0f MB, provider %.0f → %.0f MB", early.renter.rss, late.renter.rss, early.prov.rss, late.prov.rss))
	return nil
}
