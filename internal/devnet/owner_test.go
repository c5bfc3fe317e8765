package devnet_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/devnet"
)

// TestOwner lets the owner of a busy machine come back, by a program that the policy
// names and by hand: what runs stands still, goes on where it was, and comes out right.
func TestOwner(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are looked at by /proc")
	}
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(1)
	p := w.providers[0]
	if err := os.WriteFile(filepath.Join(p.Dir, "owner.yaml"), []byte("not-while: [artel-game]\nevict-after: never\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const n = 1200
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "guest.wasm"), "--detach", "--", "counts", fmt.Sprint(n))
	if code != 0 {
		t.Fatalf("submit: %s", said)
	}
	words := strings.Fields(said)
	jobs := []string{words[len(words)-1]}
	var img api.Image
	offers, err := w.renter.API.Offers(w.ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(offers) > 0 {
		if img, err = w.renter.API.Image(w.ctx, api.ImageRequest{Path: w.guestImage(t)}); err != nil {
			t.Fatal(err)
		}
		j, err := w.renter.API.Submit(w.ctx, api.SubmitRequest{Key: "owner-container-001", Spec: w.containerJob(img, 1, 10*time.Minute, "counts", fmt.Sprint(n))})
		if err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, j.ID)
	}
	counted := func(id string) int {
		said, _ := w.artel(w.renter.Dir, "logs", id)
		return strings.Count(said, "count ")
	}
	for _, id := range jobs {
		w.until(t, "it counts", func() bool { return counted(id) > 0 })
	}
	t.Run("game", func(t *testing.T) { w.game(t, p) })
	t.Run("by hand", func(t *testing.T) {
		if said, code := w.artel(p.Dir, "pause", "--for", "1h"); code != 0 || !strings.Contains(said, "stands still") {
			t.Fatalf("artel pause: exit code %d\n%s", code, said)
		}
		w.still(t, p)
		p.Kill() // the wish outlasts the daemon, and so does a container
		node, err := w.net.StartNode(w.ctx, p.Name, 0)
		if err != nil {
			t.Fatal(err)
		}
		p, w.providers[0] = node, node
		w.until(t, "it is frozen again", func() bool { return w.way(t, p) == "frozen" })
		if said, code := w.artel(p.Dir, "resume"); code != 0 || !strings.Contains(said, "runs") {
			t.Fatalf("artel resume: exit code %d\n%s", code, said)
		}
	})
	for _, id := range jobs {
		w.done(t, w.renter, id)
		if got := counted(id); got != n {
			t.Errorf("job %s counted to %d, want %d", id, got, n)
		}
	}
	t.Run("evict", func(t *testing.T) { w.evict(t, p) })
}

func (w *world) way(t *testing.T, p *devnet.Node) string {
	t.Helper()
	s, err := p.API.ProvideStatus(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s.Way
}

// game starts a program of a name that the policy knows, and ends it.
func (w *world) game(t *testing.T, p *devnet.Node) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("there is no sleep to copy")
	}
	b, err := os.ReadFile(sleep)
	game := filepath.Join(t.TempDir(), "artel-game")
	if err == nil {
		err = os.WriteFile(game, b, 0o700)
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(w.ctx, game, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	defer end()
	w.until(t, "the game to be seen", func() bool { return w.way(t, p) == "frozen" })
	w.still(t, p)
	if s, err := p.API.ProvideStatus(w.ctx); err != nil || s.Offer != nil || !strings.Contains(s.Why, "artel-game runs") {
		t.Errorf("while it stands still: %+v, %v", s, err)
	}
	if said, _ := w.artel(p.Dir, "status"); !strings.Contains(said, "stands still since") {
		t.Errorf("artel status does not say it:\n%s", said)
	}
	end()
	w.until(t, "it goes on", func() bool { return w.way(t, p) == "" })
}

// used is the processor time of all that a process has started, and still runs, in
// hundredths of a second.
func used(t *testing.T, pid int) (ticks int64) {
	t.Helper()
	parent, time := map[int]int{}, map[int]int64{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		text := string(b)
		f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		up, _ := strconv.Atoi(f[1])
		user, _ := strconv.ParseInt(f[11], 10, 64)
		kernel, _ := strconv.ParseInt(f[12], 10, 64)
		parent[id], time[id] = up, user+kernel
	}
	for id := range parent {
		for up, steps := parent[id], 0; up > 1 && steps < 64; up, steps = parent[up], steps+1 {
			if up == pid {
				ticks += time[id]
				break
			}
		}
	}
	return ticks
}

// still wants that what the provider has started uses no processor while two seconds go
// by: two programs that compute would use up to four.
func (w *world) still(t *testing.T, p *devnet.Node) {
	t.Helper()
	since, before := time.Now(), used(t, p.PID())
	w.until(t, "two seconds to go by", func() bool { return time.Since(since) > 2*time.Second })
	if ticks := used(t, p.PID()) - before; ticks > 20 {
		t.Errorf("what stands still has used %d ms of processor time", 10*ticks)
	}
}

// evict ends what runs: it is tried again, and nobody is to blame.
func (w *world) evict(t *testing.T, p *devnet.Node) {
	said, code := w.artel(w.renter.Dir, "run", "--wasm", filepath.Join(w.bin, "guest.wasm"), "--detach", "--", "counts", "100000")
	if code != 0 {
		t.Fatalf("submit: %s", said)
	}
	words := strings.Fields(said)
	id := words[len(words)-1]
	task := func() api.Task {
		j, err := w.renter.API.Job(w.ctx, id)
		if err != nil || len(j.List) != 1 {
			t.Fatalf("%+v, %v", j, err)
		}
		return j.List[0]
	}
	w.until(t, "it runs", func() bool { return task().State == api.StateRunning })
	if said, code := w.artel(p.Dir, "pause", "--evict"); code != 0 || !strings.Contains(said, "has been ended") {
		t.Fatalf("artel pause --evict: exit code %d\n%s", code, said)
	}
	w.until(t, "it waits for another machine", func() bool { return task().State == api.StateWaiting })
	if x := task(); x.Reason != artel.ReasonEvicted {
		t.Errorf("the task was ended as %q: %s", x.Reason, x.Message)
	}
	if s, err := p.API.ProvideStatus(w.ctx); err != nil || s.Leases != 0 || s.Way != "evicted" {
		t.Errorf("the provider has %d leases, and is %q; %v", s.Leases, s.Way, err)
	}
	if said, code := w.artel(p.Dir, "resume"); code != 0 {
		t.Fatalf("artel resume: %s", said)
	}
	w.until(t, "it runs again", func() bool { x := task(); return x.State == api.StateRunning && x.Attempt > 1 })
	if _, err := w.renter.API.Cancel(w.ctx, id); err != nil {
		t.Fatal(err)
	}
}
