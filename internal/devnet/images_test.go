//go:build images

package devnet_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/debian"
	"github.com/artel-network/artel/internal/devnet"
)

var (
	imagesDir    = flag.String("images", "../../bin/images", "directory that keeps the images")
	imagesMirror = flag.String("mirror", "", "URL or file of sources that Debian's packages come from")
)

// images is a network on which real programs run, of images made of Debian's packages.
type images struct {
	*world
	maker debian.Maker
}

// TestRealPrograms runs programs that people use through the whole network, escrow included.
func TestRealPrograms(t *testing.T) {
	g := images{maker: debian.Maker{Dir: *imagesDir, Mirror: *imagesMirror, Tell: t.Logf}}
	g.world = newWorld(t, devnet.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Minute) // against a hang; these take longer than others
	defer cancel()
	g.ctx = ctx
	g.start(2)
	offers, err := g.renter.API.Offers(ctx, api.OfferQuery{Sandbox: "gvisor", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(offers) == 0 {
		said, _ := g.artel(g.renter.Dir, "doctor")
		t.Skipf("containers cannot run on this machine; artel doctor says:\n%s", said)
	}
	for _, s := range []struct {
		name string
		run  func(*testing.T)
	}{{"PyTorch", g.pytorch}, {"POV-Ray", g.povray}, {"FFmpeg", g.ffmpeg}, {"web server", g.web}} {
		begin := time.Now()
		t.Run(s.name, s.run)
		t.Logf("%s took %s", s.name, time.Since(begin).Round(100*time.Millisecond))
	}
	t.Run("money", g.money)
	t.Run("nothing is left", g.nothingLeft)
}

// image is the layout of a recipe's image, which is made if it is not there.
func (g images) image(t *testing.T, r debian.Recipe) string {
	t.Helper()
	path, err := g.maker.Make(g.ctx, r)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// example is a file or directory of examples/.
func example(t *testing.T, name string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join("../../examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// runs runs a job to its end, as a person does, and returns where its output is, and
// what is known of it.
func (g images) runs(t *testing.T, image string, args ...string) (out string, j api.JobDetail) {
	t.Helper()
	out = filepath.Join(t.TempDir(), "out")
	flags := []string{"run", "--image", image, "--out", out}
	begin := time.Now()
	said, code := g.artel(g.renter.Dir, append(flags, args...)...)
	if code != 0 {
		id, _ := g.newest()
		logs, _ := g.artel(g.renter.Dir, "logs", id)
		t.Fatalf("artel run: exit code %d\n%s\nits tasks' logs end with\n%.4000s", code, said, logs[max(0, len(logs)-4000):])
	}
	id, err := g.newest()
	if err == nil {
		j, err = g.renter.API.Job(g.ctx, id)
	}
	if err != nil {
		t.Fatal(err)
	}
	machines := map[artel.NodeID]int{}
	for _, x := range j.List {
		machines[x.Provider]++
	}
	t.Logf("job %s: %d tasks on %d machines, %s, %s units promised", j.Name, j.Done, len(machines), time.Since(begin).Round(time.Millisecond), j.Promised)
	if j.State != api.StateDone || j.Done != j.Tasks {
		t.Fatalf("the job is %s, %d of %d tasks are done", j.State, j.Done, j.Tasks)
	}
	return out, j
}

// newest is the renter's last job.
func (g images) newest() (id string, err error) {
	js, err := g.renter.API.List(g.ctx, api.JobQuery{All: true, Limit: 1})
	if err == nil && len(js) == 0 {
		err = errors.New("there is no job")
	}
	if err != nil {
		return "", err
	}
	return js[0].ID, nil
}

// spread wants the tasks of a job on more than one machine.
func spread(t *testing.T, j api.JobDetail) {
	t.Helper()
	machines := map[artel.NodeID]bool{}
	for _, x := range j.List {
		machines[x.Provider] = true
	}
	if len(machines) < 2 {
		t.Errorf("all %d tasks ran on one machine", len(j.List))
	}
}

// money: what the jobs' vouchers promise is what left the deposit, was redeemed and
// earned, to the last unit; what was booked beside it comes back.
func (g images) money(t *testing.T) {
	var f figures
	defer func() { t.Log(f) }()
	g.until(t, "what was booked to be redeemed or given back", func() bool {
		f = g.figures(t)
		return f.promised == f.paid && f.booked.IsZero()
	})
	g.statement(t)
	if f.promised.IsZero() || f.paid != f.redeemed || f.deposited.Sub(f.left) != f.paid {
		t.Error("the figures disagree")
	}
}

// figures are sums over all jobs, lanes and accounts.
type figures struct {
	jobs                                              int
	promised, paid, booked, redeemed, deposited, left artel.Amount
}

func (f figures) String() string {
	return fmt.Sprintf("%d jobs: %s units promised, %s paid, %s redeemed, %s booked; %s deposited, %s left", f.jobs, f.promised, f.paid, f.redeemed, f.booked, f.deposited, f.left)
}

func (g images) figures(t *testing.T) (f figures) {
	t.Helper()
	s, err := g.renter.API.Statement(g.ctx)
	if err != nil {
		t.Fatal(err)
	}
	js, err := g.renter.API.List(g.ctx, api.JobQuery{All: true, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	f.jobs = len(js)
	for _, j := range js {
		f.promised = f.promised.Add(j.Promised)
	}
	for _, l := range s.Lanes {
		f.paid, f.booked = f.paid.Add(l.Paid), f.booked.Add(l.Cap.Sub(l.Paid))
	}
	for _, p := range s.Parties {
		f.redeemed = f.redeemed.Add(p.Redeemed)
		if p.Account == g.renter.Account {
			f.deposited, f.left = p.Deposited, p.Deposit
		}
	}
	return f
}

// nothingLeft: with all jobs over, the providers run nothing, and when they have ended
// the machine is as it was.
func (g images) nothingLeft(t *testing.T) {
	g.until(t, "the containers to be gone", func() bool { return len(g.traces(t)) == 0 })
	g.net.Close()
	dir, err := filepath.EvalSymlinks(g.net.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if left := append(g.traces(t), processes(dir)...); len(left) > 0 {
		t.Errorf("left behind:\n%s", strings.Join(left, "\n"))
	}
}

// traces is what containers of the providers have on this machine.
func (g images) traces(t *testing.T) (found []string) {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range g.providers {
		dir, err := filepath.EvalSymlinks(filepath.Join(p.Dir, "work", "containers"))
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(mounts)) {
			if strings.Contains(l, dir) {
				found = append(found, "mount "+l)
			}
		}
		found = append(found, processes(dir)...)
		// As the sandbox names its groups.
		sum := sha256.Sum256([]byte(dir))
		name := "artel-" + hex.EncodeToString(sum[:6])
		for _, pattern := range []string{filepath.Join(dir, "attempt-*"), filepath.Join("/sys/fs/cgroup", name, "attempt-*"), filepath.Join("/sys/fs/cgroup/*", name, "attempt-*"), filepath.Join("/sys/fs/cgroup/*/*/*/*", name, "attempt-*")} {
			files, err := filepath.Glob(pattern)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, files...)
		}
	}
	return found
}

// processes are those that live and have dir in their command line.
func processes(dir string) (found []string) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		b, err := os.ReadFile(filepath.Join(p, "cmdline"))
		if err == nil && bytes.Contains(b, []byte(dir)) {
			found = append(found, fmt.Sprintf("process %s: %s", filepath.Base(p), bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
		}
	}
	return found
}
