// Command bench measures what docs/benchmarks.md promises, on real processes: a
// chain, a renter and a provider of the artel program on the loopback, with a
// no-op WASM program of Go. It prints a table in Markdown and, with -write, puts
// it into docs/benchmarks.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

type options struct {
	binary string
	single int
	bursts int
	many   int
	write  string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "artel", "bin/artel", "the artel program")
	flag.IntVar(&o.single, "single", 300, "jobs for the latency of one at a time")
	flag.IntVar(&o.bursts, "bursts", 7, "bursts of 100 jobs")
	flag.IntVar(&o.many, "many", 10_000, "jobs for the memory of a long-lived node")
	flag.StringVar(&o.write, "write", "", "file whose table between the markers is replaced")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// row is a line of the table.
type row struct{ what, target, measured, note string }

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "artel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	wasm := filepath.Join(dir, "noop.wasm")
	if err := compile(ctx, dir, wasm); err != nil {
		return err
	}
	b := &bench{o: o}
	load0 := load()
	if err := b.network(ctx, bin, filepath.Join(dir, "net"), wasm); err != nil {
		return err
	}
	if err := b.index(ctx); err != nil {
		return err
	}
	text := b.table(load0)
	fmt.Print(text)
	if o.write == "" {
		return nil
	}
	return replace(o.write, text)
}

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

type bench struct {
	o    options
	rows []row
	keys int
}

func (b *bench) add(what, target, measured, note string) {
	fmt.Fprintf(os.Stderr, "%s: %s (%s) %s\n", what, measured, target, note)
	b.rows = append(b.rows, row{what, target, measured, note})
}

func (b *bench) network(ctx context.Context, bin, dir, wasm string) error {
	n, err := devnet.New(ctx, devnet.Config{Binary: bin, Dir: dir, Log: "warn"})
	if err != nil {
		return err
	}
	defer n.Close()
	if _, err := n.StartChain(ctx); err != nil {
		return err
	}
	renter, err := n.StartNode(ctx, "renter", 0)
	if err != nil {
		return err
	}
	prov, err := n.StartNode(ctx, "provider", 0)
	if err != nil {
		return err
	}
	for _, d := range []*devnet.Node{renter, prov} {
		if _, err := d.API.Faucet(ctx); err != nil {
			return fmt.Errorf("ask faucet: %w", err)
		}
	}
	if _, err := renter.API.Deposit(ctx, artel.Units(500_000_000)); err != nil {
		return fmt.Errorf("deposit: %w", err)
	}
	if _, err := prov.API.Provide(ctx, api.ProvideConfig{Slots: 2, Memory: 1 << 30, Disk: 1 << 30, Price: 277_000_000, MaxUnit: 60_000}); err != nil {
		return fmt.Errorf("provide: %w", err)
	}
	if _, err := renter.Offers(ctx, 1); err != nil {
		return err
	}
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
	if err := wait(ctx, 15*time.Second); err != nil { // let start-up's garbage be collected
		return err
	}
	m, err := memory(p.PID())
	if err != nil {
		return err
	}
	b.add("idle provider, without the chain node: anonymous memory (total RSS beside it)", "≤ 40 MB",
		fmt.Sprintf("%.0f MB (%.0f MB)", m.anon, m.rss), "daemon alone; a warm sandbox worker is a process of its own")
	return nil
}

// submit hands in a job and returns its id.
func (b *bench) submit(ctx context.Context, c *api.Client, spec artel.JobSpec) (string, error) {
	b.keys++
	j, err := c.Submit(ctx, api.SubmitRequest{Key: key(b.keys), Spec: spec})
	return j.ID, err
}

// key names a submission, as the API wants it: at least 16 bytes.
func key(n int) string { return fmt.Sprintf("bench-%010d-%010d", os.Getpid(), n) }

// over waits until a job has ended.
func over(ctx context.Context, c *api.Client, id string) (api.JobDetail, error) {
	if err := c.Watch(ctx, id, 0, func(api.JobEvent) error { return nil }); err != nil {
		return api.JobDetail{}, err
	}
	d, err := c.Job(ctx, id)
	if err == nil && d.State != api.StateDone {
		err = fmt.Errorf("job %s is %s: %s", id, d.State, d.Message)
	}
	return d, err
}

func (b *bench) one(ctx context.Context, c *api.Client, spec artel.JobSpec) (time.Duration, error) {
	id, err := b.submit(ctx, c, spec)
	if err != nil {
		return 0, err
	}
	d, err := over(ctx, c, id)
	return d.Ended.Sub(d.Created), err
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
		if err = wait(ctx, 5*time.Second); err == nil {
			p.renter, err = memory(renter.PID())
		}
		if err == nil {
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

// index runs the market's own benchmark.
func (b *bench) index(ctx context.Context) error {
	c := exec.CommandContext(ctx, "go", "test", "./market", "-run", "^$", "-bench", "Query100k", "-benchtime", "1s")
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("benchmark the index: %w\n%s", err, out)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^BenchmarkQuery100k/(\S+?)(?:-\d+)?\s.*?([\d.]+) p50-µs\s+([\d.]+) p95-µs`).FindAllStringSubmatch(string(out), -1) {
		found = append(found, fmt.Sprintf("%s %s / %s", m[1], m[2], m[3]))
	}
	if len(found) == 0 {
		return fmt.Errorf("benchmark the index: no figure in\n%s", out)
	}
	b.add("offers an index matches: 100,000 offers, a query", "p50 ≤ 2 ms", strings.Join(found, ", "), "µs, p50 / p95, by kind of query")
	return nil
}

func (b *bench) table(load0 string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured %s on %s, %d cores, %s, load %s before and %s after.\n\n", time.Now().UTC().Format("2006-01-02"), cpu(), runtime.NumCPU(), runtime.Version(), load0, load())
	s.WriteString("| what | target | measured | spread and notes |\n|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&s, "| %s | %s | %s | %s |\n", r.what, r.target, r.measured, r.note)
	}
	return s.String()
}

// replace puts text between the markers of a file.
func replace(path, text string) error {
	const begin, end = "<!-- bench -->\n", "<!-- /bench -->"
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no %q … %q", path, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(path, []byte(head+begin+text+end+tail), 0o644)
}

type mem struct{ rss, anon float64 } // MB

// memory reads what a process occupies.
func memory(pid int) (m mem, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, fmt.Errorf("read memory of process %d: %w", pid, err)
	}
	for l := range strings.Lines(string(b)) {
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(f[1], 64)
		switch f[0] {
		case "VmRSS:":
			m.rss = kb / 1000
		case "RssAnon:":
			m.anon = kb / 1000
		}
	}
	return m, nil
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for l := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}

func quantile(xs []float64, q float64) float64 {
	s := slices.Clone(xs)
	slices.Sort(s)
	return s[int(math.Ceil(q*float64(len(s))))-1]
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
