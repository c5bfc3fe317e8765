//go:build images && linux

package devnet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/debian"
	"github.com/artel-network/artel/internal/devnet"
)

// TestMovedTraining moves an unmodified PyTorch training between two providers that have
// user, network and mount namespaces, directories and users of their own: the first is killed
// with all that it runs, and its directory deleted, while it trains. What comes out is what
// comes out of a training that nobody disturbs, bit for bit. A cheaper machine whose offer
// says that its processor can less does not get it, and gets what begins anew.
func TestMovedTraining(t *testing.T) {
	if os.Getenv(insidePlace) != "" {
		holdPlace(t)
		return
	}
	if os.Getenv(insideStorm) == "" {
		if !apart(t, syscall.CLONE_NEWPID) {
			t.Skip("there are no places to be had")
		}
		return
	}
	alone(t)
	doctored, without := lesser(t)
	g := images{maker: debian.Maker{Dir: *imagesDir, Mirror: *imagesMirror, Tell: t.Logf}}
	g.world = newWorld(t, devnet.Config{Log: "debug"})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Minute) // against a hang
	defer cancel()
	g.ctx = ctx
	image := g.image(t, debian.PyTorch())
	p := newPlaces(t, g.world)
	g.world.start(0)
	a, b, c := p.start(t, "a", ""), p.start(t, "b", ""), p.start(t, "c", doctored)
	p.provides(t, a, api.ProvideConfig{Slots: 1, Price: 500_000_000}, 1)
	offers, err := g.renter.API.Offers(g.ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 10})
	if err != nil || len(offers) == 0 {
		said, _ := g.artel(a.Dir, "doctor")
		t.Skipf("containers cannot run in such a place: %v; artel doctor says:\n%s", err, said)
	}
	p.provides(t, b, api.ProvideConfig{Slots: 1, Price: 900_000_000}, 2)

	trains := func(more ...string) string {
		t.Helper()
		args := append([]string{"run", "--image", image, "--in", example(t, "digits"), "--timeout", "40m", "--detach"}, more...)
		said, code := g.artel(g.renter.Dir, append(args, "--", "python3", "/in/train.py", "--epochs", "60")...)
		if code != 0 {
			t.Fatalf("artel run: exit code %d\n%s", code, said)
		}
		id, err := g.newest()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := trains("--name", "moved", "--checkpoint", "whole", "--checkpoint-every", "3s-6s", "--keepers", "2")
	task := func() (x api.Task) {
		d, err := g.renter.API.Job(g.ctx, id)
		if err == nil && len(d.List) == 1 {
			x = d.List[0]
		}
		return x
	}
	var before api.Task
	g.until(t, "two checkpoints in the midst of the training", func() bool {
		if before = task(); before.State.Ended() {
			said, _ := g.artel(g.renter.Dir, "logs", id)
			t.Fatalf("it ended before its time: %+v\n%s", before, said)
		}
		said, _ := g.artel(g.renter.Dir, "logs", id)
		return before.Checkpoint != nil && before.Checkpoint.Generation >= 2 && strings.Contains(said, "epoch 8:")
	})
	source, target := a, b
	if before.Provider == b.Node {
		source, target = b, a
	}
	// Cheaper than the one that is left, and with room: but for its processor it would be it.
	p.provides(t, c, api.ProvideConfig{Slots: 1, Price: 300_000_000}, 3)
	if n := took(t, g.world, c); n != 0 || before.Provider == c.Node {
		t.Fatalf("the machine that is to be refused has %d leases", n)
	}
	log := filepath.Join(g.net.Dir(), source.Name+".log")
	for _, f := range facts(t, log, "checkpoint confirmed") {
		t.Logf("%s: %s", source.Name, f)
	}
	died := time.Now()
	if err := source.KillAll(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(source.Dir); err != nil {
		t.Fatal(err)
	}
	for i, n := range g.providers {
		if n == source {
			g.providers = append(g.providers[:i:i], g.providers[i+1:]...)
			break
		}
	}
	if x := task(); x.Attempt != before.Attempt {
		t.Fatalf("attempt %d had begun when the files of attempt %d were deleted", x.Attempt, before.Attempt)
	}
	g.until(t, "it goes on", func() bool {
		x := task()
		return x.Attempt > before.Attempt && len(facts(t, filepath.Join(g.net.Dir(), target.Name+".log"), "went on from a checkpoint")) > 0
	})
	t.Logf("%.1f s after the kill it goes on, as %s says: %s", time.Since(died).Seconds(), target.Name,
		facts(t, filepath.Join(g.net.Dir(), target.Name+".log"), "went on from a checkpoint")[0])
	if n := took(t, g.world, c); n != 0 {
		t.Errorf("a machine without %s has got %d leases of a training that needs it", without, n)
	}
	g.finished(t, id)
	after := task()
	if after.Provider != target.Node || after.From == nil || after.From.Node != source.Node || after.From.Generation < 2 || after.From.Message != "" {
		t.Errorf("attempt %d on %s went on from %+v; want one of %s on %s", after.Attempt, after.Provider.Short(), after.From, source.Name, target.Name)
	}
	t.Logf("%.1f s of work were lost", float64(after.Lost)/1000)
	logs, _ := g.artel(g.renter.Dir, "logs", id)
	if n := strings.Count(logs, "digits to train on"); n != 1 {
		t.Errorf("it began %d times:\n%s", n, logs)
	}

	// The same, left in peace, on the machine that was refused.
	peace := trains("--name", "undisturbed", "--checkpoint", "none", "--provider", c.Node.String())
	g.finished(t, peace)
	if n := took(t, g.world, c); n == 0 {
		t.Error("the machine that was refused takes nothing at all")
	}
	moved, undisturbed := g.fetched(t, id), g.fetched(t, peace)
	for _, name := range []string{"model.pt", "predictions.csv", "metrics.json"} {
		x, y := moved[name], undisturbed[name]
		if len(x) == 0 || !bytes.Equal(x, y) {
			t.Errorf("%s: %d bytes, SHA-256 %x; undisturbed %d bytes, %x", name, len(x), sha256.Sum256(x), len(y), sha256.Sum256(y))
			continue
		}
		t.Logf("%s: %d bytes, SHA-256 %x in both", name, len(x), sha256.Sum256(x))
	}
}

// finished waits until a job has ended well, however long it takes.
func (g images) finished(t *testing.T, id string) {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for g.ctx.Err() == nil {
		if j, err := g.renter.API.Job(g.ctx, id); err == nil && j.State.Ended() {
			break
		}
		<-tick.C
	}
	g.done(t, g.renter, id)
}

// took is how many leases a provider has ever had.
func took(t *testing.T, w *world, n *devnet.Node) int {
	t.Helper()
	ls, err := n.API.Leases(w.ctx, api.LeaseQuery{All: true})
	if err != nil {
		t.Fatal(err)
	}
	return len(ls)
}

// fetched is what a job has left, by the files' names.
func (g images) fetched(t *testing.T, id string) map[string][]byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	if said, code := g.artel(g.renter.Dir, "fetch", id, "--out", out); code != 0 {
		t.Fatalf("artel fetch: exit code %d\n%s", code, said)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// fact is what a node's log says once.
type fact map[string]uint64

var figure = regexp.MustCompile(`(\w+)=(\d+)\b`)

func (f fact) String() string {
	text := fmt.Sprintf("checkpoint %d", f["generation"])
	for _, x := range []struct{ name, format string }{
		{"bytes", ", %.1f MB"}, {"stored", " (%.1f MB kept)"}, {"stood_ms", ", the program stood still for %.0f ms"}, {"took_ms", ", confirmed after %.0f ms"},
		{"brought_ms", ", brought and laid out in %.0f ms"}, {"began_ms", ", taken up in %.0f ms"},
	} {
		v, ok := f[x.name]
		if scaled := float64(v); ok {
			if !strings.HasSuffix(x.name, "_ms") {
				scaled /= 1e6
			}
			text += fmt.Sprintf(x.format, scaled)
		}
	}
	return text
}

// facts are the figures of each line of a log that holds a message.
func facts(t *testing.T, log, message string) (all []fact) {
	t.Helper()
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.Contains(line, message) {
			continue
		}
		f := fact{}
		for _, m := range figure.FindAllStringSubmatch(line, -1) {
			f[m[1]], _ = strconv.ParseUint(m[2], 10, 64)
		}
		all = append(all, f)
	}
	return all
}
