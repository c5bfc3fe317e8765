package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
)

// What the owner's part runs: as many containers, each with so much memory in use.
const (
	ownerBusy   = 4
	ownerMemory = 64 // MiB
	ownerRounds = 5
	evictRounds = 2
)

// owner measures how soon the owner of a machine with busy containers has it back: by a
// program that the policy names, with all that is between its start and the last processor that
// is free; by hand; and the memory, by artel pause --evict.
func (b *bench) owner(ctx context.Context) error {
	guest := filepath.Join(b.dir, "owner-guest")
	if err := build(ctx, "internal/tools/bench/guest", guest); err != nil {
		return err
	}
	n, err := b.network(ctx, "owner", 1, api.ProvideConfig{Slots: ownerBusy, Memory: ownerBusy * (256 << 20), Disk: 4 << 30, Price: 277_000_000, MaxUnit: 3_600_000})
	if err != nil {
		return err
	}
	defer n.Close()
	p := n.providers[0]
	if err := os.WriteFile(filepath.Join(p.Dir, "owner.yaml"), []byte("not-while: [artel-game]\n"), 0o600); err != nil {
		return err
	}
	img, err := n.image(ctx, filepath.Join(b.dir, "owner-layout"), oci.Build{
		Layers: []oci.Layer{oci.Binary(guest, "/guest")}, Config: oci.RunConfig{Entrypoint: []string{"/guest"}},
	})
	if err != nil {
		return err
	}
	w := &watched{ctx: ctx, pid: p.PID()}
	spec := inBox(img, "busy", strconv.Itoa(ownerMemory))
	spec.Count, spec.Wall, spec.Tries = ownerBusy, 3_600_000, 1
	idle := w.resident() // a worker for WASM that is kept warm
	b.keys++
	j, err := n.renter.API.Submit(ctx, api.SubmitRequest{Key: fmt.Sprintf("owner-busy-%06d", b.keys), Spec: spec})
	if err != nil {
		return err
	}
	defer n.renter.API.Cancel(context.WithoutCancel(ctx), j.ID)
	busy := func() error {
		return poll(ctx, "the containers to be busy", func() bool {
			x, err := n.renter.API.Job(ctx, j.ID)
			return err == nil && x.Running == ownerBusy && w.resident() > ownerBusy*(ownerMemory<<20) && w.computes()
		})
	}
	game, err := copied(b.dir, "sleep", "artel-game")
	if err != nil {
		return err
	}
	var byGame, byHand, memory []float64
	for range ownerRounds {
		if err := busy(); err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, game, "1000")
		begun := time.Now()
		if err := cmd.Start(); err != nil {
			return err
		}
		free, err := w.freeAt()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if err != nil {
			return err
		}
		byGame = append(byGame, millis(free.Sub(begun)))
		if err := busy(); err != nil { // ten seconds later
			return err
		}
		begun = time.Now()
		if _, err := p.API.PauseWork(ctx, api.PauseRequest{}); err != nil {
			return err
		}
		byHand = append(byHand, millis(time.Since(begun)))
		if w.computes() {
			return fmt.Errorf("the containers compute although they are frozen")
		}
		if _, err := p.API.ResumeWork(ctx); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("%d busy containers", ownerBusy)
	b.add(what+": a program that the policy names is started → no container uses the processor", "≤ 1 s", ms(byGame), "looked at twice a second")
	b.add(what+": `artel pause` asked → answered, and none uses the processor", "≤ 1 s", ms(byHand), "")
	look, err := p.API.Owner(ctx)
	if err != nil {
		return err
	}
	b.add("one look at input, load, battery, heat, programs", "", fmt.Sprintf("%.2f ms", float64(look.Look)/1000), "twice a second: so much of a core")
	for range evictRounds { // whom an owner has sent away stays away for a minute
		if err := busy(); err != nil {
			return err
		}
		begun := time.Now()
		if _, err := p.API.PauseWork(ctx, api.PauseRequest{How: "evict"}); err != nil {
			return err
		}
		for w.resident() > idle+8<<20 {
			if err := ctx.Err(); err != nil {
				return err
			}
			time.Sleep(5 * time.Millisecond)
		}
		memory = append(memory, millis(time.Since(begun)))
		x, err := n.renter.API.Job(ctx, j.ID)
		if err != nil || slices.ContainsFunc(x.List, func(t api.Task) bool { return t.Reason != "" && t.Reason != artel.ReasonEvicted }) {
			return fmt.Errorf("the tasks were not just ended: %+v, %w", x.List, err)
		}
		if _, err := p.API.ResumeWork(ctx); err != nil {
			return err
		}
	}
	b.add(what+" with "+strconv.Itoa(ownerMemory)+" MiB each: `artel pause --evict` asked → their memory is free", "≤ 1 s", ms(memory), "")
	return nil
}

func ms(all []float64) string {
	return fmt.Sprintf("p50 %.0f ms, max %.0f (n = %d)", quantile(all, 0.5), slices.Max(all), len(all))
}

// copied puts a program of this machine into dir by another name.
func copied(dir, program, name string) (string, error) {
	at, err := exec.LookPath(program)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(at)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, name)
	return to, os.WriteFile(to, b, 0o700)
}

// poll asks until it is so.
func poll(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// watched is what a daemon has started.
type watched struct {
	ctx context.Context
	pid int
}

// usage is the processor time, in hundredths of a second, and the resident memory, in bytes,
// of all that the daemon has started and that still runs.
func (w *watched) usage() (ticks, bytes int64) {
	type proc struct {
		parent       int
		ticks, bytes int64
	}
	all := map[int]proc{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(f) < 22 {
			continue
		}
		number := func(i int) int64 { n, _ := strconv.ParseInt(f[i], 10, 64); return n }
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		all[id] = proc{int(number(1)), number(11) + number(12), number(21) * int64(os.Getpagesize())}
	}
	for _, p := range all {
		for up, steps := p.parent, 0; up > 1 && steps < 64; up, steps = all[up].parent, steps+1 {
			if up == w.pid {
				ticks, bytes = ticks+p.ticks, bytes+p.bytes
				break
			}
		}
	}
	return ticks, bytes
}

func (w *watched) resident() int64 {
	_, bytes := w.usage()
	return bytes
}

// computes reports whether they use the processor.
func (w *watched) computes() bool {
	before, _ := w.usage()
	time.Sleep(300 * time.Millisecond)
	after, _ := w.usage()
	return after > before+1
}

// freeAt is the last moment at which they used the processor: after it, for half a second, none
// has.
func (w *watched) freeAt() (time.Time, error) {
	last := time.Now()
	ticks, _ := w.usage()
	for time.Since(last) < 500*time.Millisecond {
		if err := w.ctx.Err(); err != nil {
			return last, err
		}
		time.Sleep(5 * time.Millisecond)
		if now, _ := w.usage(); now != ticks {
			ticks, last = now, time.Now()
		}
	}
	return last, nil
}
