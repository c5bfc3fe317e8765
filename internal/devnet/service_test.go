package devnet_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/image/oci"
	"github.com/artel-network/artel/internal/devnet"
)

// webImage is an OCI layout of a small web server that says the version.
func (w *world) webImage(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	bin, layout := filepath.Join(dir, "web"), filepath.Join(dir, "layout")
	cmd := exec.Command("go", "build", "-o", bin, "./testdata/web")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build web: %v\n%s", err, out)
	}
	b := oci.Build{
		Layers: []oci.Layer{oci.Binary(bin, "/web"), oci.Files(oci.File{Name: "version", Data: []byte(version)})},
		Config: oci.RunConfig{Entrypoint: []string{"/web", version}},
	}
	if _, err := b.WriteLayout(layout); err != nil {
		t.Fatal(err)
	}
	return layout
}

// verb runs a verb of the renter's that must succeed.
func (w *world) verb(t *testing.T, args ...string) string {
	t.Helper()
	said, code := w.artel(w.renter.Dir, args...)
	if code != 0 {
		t.Fatalf("artel %s: exit code %d\n%s", strings.Join(args, " "), code, said)
	}
	return said
}

// web is the service as the renter's daemon shows it.
func (w *world) web() (s api.Service) {
	all, err := w.renter.API.Services(w.ctx, true)
	if err == nil && len(all) == 1 {
		s = all[0]
	}
	return s
}

// visitor asks a service through artel forward all the time.
type visitor struct {
	url string
	mu  sync.Mutex
	got map[string]int // answers by version
	all int
}

func (v *visitor) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url, nil)
	if err != nil {
		return err
	}
	req.Close = true // each request is a visit of its own
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	version, _, _ := strings.Cut(string(b), " ")
	v.mu.Lock()
	defer v.mu.Unlock()
	v.got[version]++
	v.all++
	return nil
}

func (v *visitor) answers() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all
}

func (v *visitor) of(version string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.got[version]
}

// forward runs artel forward and somebody who asks through it until the test ends.
func (w *world) forward(t *testing.T) *visitor {
	t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	cmd := exec.CommandContext(ctx, filepath.Join(w.bin, "artel"), "--dir", w.renter.Dir, "--socket", filepath.Join(w.renter.Dir, "api.sock"), "forward", "web", "0:8080")
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("artel forward: %v", err)
	}
	addr, _, _ := strings.Cut(line, " ")
	v := &visitor{url: "http://" + addr + "/", got: map[string]int{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			if v.ask(ctx) != nil {
				select { // a connection of a replica that died is cut
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
				}
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		_ = cmd.Wait()
	})
	return v
}

// TestService: a web server of two replicas is served through the death of a machine and
// of the renter's daemon, by a new version and not by one that cannot run; then it is
// scaled, stopped, and paid to the unit.
func TestService(t *testing.T) {
	t.Parallel()
	w := newWorld(t, devnet.Config{})
	w.start(3)
	w.containers(t)
	w.verb(t, "serve", "--name", "web", "--replicas", "2", "--port", "8080", "--health", "/healthz", "--check-every", "500ms", "--check-timeout", "20s",
		"--start-within", "5m", "--failover", "fast", "--mem", "128MiB", "--disk", "16MiB", "--image", w.webImage(t, "v1"))
	s := w.web()
	if s.State != api.ServiceRunning || s.Healthy != 2 || len(s.List) != 2 || s.List[0].Provider == s.List[1].Provider || s.Price == 0 {
		t.Fatalf("the service: %+v", s)
	}
	said := w.verb(t, "services")
	if !strings.Contains(said, "web") || !strings.Contains(said, s.List[0].Provider.Short()) || !strings.Contains(said, s.List[1].Provider.Short()) {
		t.Errorf("artel services says\n%s", said)
	}
	v := w.forward(t)
	goOn := func(t *testing.T, version string) {
		t.Helper()
		n := v.of(version)
		w.until(t, "answers of "+version, func() bool { return v.of(version) > n+5 })
	}
	goOn(t, "v1")

	t.Run("machine dies", func(t *testing.T) {
		dead := s.List[0].Provider
		for i, p := range w.providers {
			if p.Node != dead {
				continue
			}
			if err := p.KillAll(); err != nil {
				t.Fatal(err)
			}
			w.until(t, "another machine to serve", func() bool {
				s := w.web()
				on := map[artel.NodeID]bool{}
				for _, r := range s.List {
					if r.State == api.ReplicaHealthy {
						on[r.Provider] = true
					}
				}
				return s.Healthy == 2 && len(on) == 2 && !on[dead]
			})
			goOn(t, "v1")
			var err error
			if w.providers[i], err = w.net.StartNode(w.ctx, p.Name, 0); err != nil {
				t.Fatal(err)
			}
		}
	})

	t.Run("daemon dies", func(t *testing.T) {
		before := w.web()
		w.renter.Kill()
		var err error
		if w.renter, err = w.net.StartNode(w.ctx, "renter", 0); err != nil {
			t.Fatal(err)
		}
		w.until(t, "two replicas to be healthy", func() bool { return w.web().Healthy == 2 })
		goOn(t, "v1")
		after := w.web()
		for _, r := range after.List {
			if r.Attempt > before.List[0].Attempt && r.Attempt > before.List[1].Attempt {
				t.Errorf("replica %d was replaced: attempt %d, %s", r.Task, r.Attempt, r.Message)
			}
		}
		if _, err := w.renter.Offers(w.ctx, 3); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("update", func(t *testing.T) {
		w.verb(t, "serve", "--update", "web", "--image", w.webImage(t, "v2"))
		goOn(t, "v2")
		w.until(t, "the old version to be gone", func() bool { return w.web().State == api.ServiceRunning })
		n := v.of("v1")
		goOn(t, "v2")
		if v.of("v1") != n {
			t.Error("the old version answers after the update")
		}
		if s := w.web(); s.Spec.Service.Path != "/healthz" || s.Spec.Want.Memory != 128<<20 || s.Replicas != 2 {
			t.Errorf("the update changed what it was not told to: %+v", s.Spec)
		}
	})

	t.Run("bad update", func(t *testing.T) {
		was := w.web()
		said, code := w.artel(w.renter.Dir, "serve", "--update", "web", "--image", w.webImage(t, "v3"), "--", "exit")
		if code != 4 {
			t.Fatalf("a version that cannot run: exit code %d\n%s", code, said)
		}
		if s := w.web(); s.Job != was.Job || s.Reason != artel.ReasonProgram {
			t.Errorf("after it: %s, %s, %s", s.State, s.Reason, s.Message)
		}
		w.until(t, "the old version to be whole", func() bool { s := w.web(); return s.State == api.ServiceRunning && s.Healthy == 2 })
		goOn(t, "v2")
		if v.of("v3") != 0 {
			t.Error("a version that cannot run has answered")
		}
	})

	w.verb(t, "scale", "web", "1")
	w.until(t, "one replica to be left", func() bool { s := w.web(); return s.Healthy == 1 && len(s.List) == 1 })
	goOn(t, "v2")
	w.verb(t, "stop", "web")
	w.until(t, "the service to end", func() bool { return w.web().State == api.ServiceEnded })
	w.until(t, "the leases to end", func() bool {
		ls, err := w.renter.API.Leases(w.ctx, api.LeaseQuery{})
		return err == nil && len(ls) == 0
	})
	for _, p := range w.providers {
		w.until(t, "what ran to be gone", func() bool {
			st, err := p.API.ProvideStatus(w.ctx)
			return err == nil && st.Busy == 0
		})
	}
	var jobs []api.Job
	said = w.verb(t, "ps", "--all", "--json")
	if err := json.Unmarshal([]byte(said), &jobs); err != nil || len(jobs) != 3 {
		t.Fatalf("%d versions: %v", len(jobs), err)
	}
	var spent artel.Amount
	for _, j := range jobs {
		spent = spent.Add(j.Promised)
	}
	if spent.IsZero() {
		t.Error("nothing was paid")
	}
	w.statement(t)
	t.Log(fmt.Sprintf("%d requests were answered, %s units were spent", v.answers(), spent))
}
