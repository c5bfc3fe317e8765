//go:build linux

package devnet_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
)

// work is a job of a storm: chainer, one way or another.
type work struct {
	kind   string
	renter *member
	key    string // by which it is handed in, and what it hashes
	steps  int
	spec   artel.JobSpec

	id    string // "": not taken yet
	ended bool
	seen  api.JobDetail
}

// want is the result of a task.
func (j *work) want(task uint64) string {
	h := sha256.Sum256([]byte(fmt.Sprintf("%s %d", j.key, task)))
	for n := range j.steps {
		for range 64 {
			h = sha256.Sum256(fmt.Appendf(h[:], "%d", n))
		}
	}
	return fmt.Sprintf("%x\n", h)
}

// handIn looks after the jobs, and adds one where too few are under way.
func (s *storm) handIn() {
	most := 3 * len(s.renters)
	if time.Since(s.began) < s.span && s.open() < most && (s.span > shortChaos || len(s.jobs) < 4) {
		s.jobs = append(s.jobs, s.another())
	}
	for _, j := range s.jobs {
		n := j.renter.up()
		if j.ended || n == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
		if j.id == "" {
			if x, err := n.API.Submit(ctx, api.SubmitRequest{Key: j.key, Spec: j.spec}); err == nil {
				j.id = x.ID
				s.note("%s: %s job %s of %d tasks", j.renter.name, j.kind, j.key, j.spec.Count)
			} else if e := api.AsError(err); e.Code == api.CodeInvalid {
				s.t.Errorf("%s job %s is refused: %v", j.kind, j.key, err)
				j.ended = true
			}
		} else if x, err := n.API.Job(ctx, j.id); err == nil {
			j.seen = x
			if j.ended = x.State.Ended(); j.ended {
				s.note("%s: job %s %s", j.renter.name, j.key, x.State)
			}
		}
		cancel()
	}
}

// another draws a job.
func (s *storm) another() *work {
	const rest = 20 // milliseconds after each step
	n := len(s.jobs)
	j := &work{renter: s.renters[n%len(s.renters)], key: fmt.Sprintf("chaos-%020d-%04d", s.seed, n), steps: 100 + s.draw.IntN(int(min(s.span/(40*time.Millisecond), 1500)))}
	kinds := []string{"wasm", "wasm files", "whole", "files", "plain"}
	if !s.gvisor {
		kinds = kinds[:2]
	}
	j.kind = kinds[s.draw.IntN(len(kinds))]
	if n < len(kinds) {
		j.kind = []string{"whole", "files", "wasm", "wasm files", "plain"}[n%len(kinds)]
		if !s.gvisor {
			j.kind = kinds[n]
		}
	}
	j.spec = artel.JobSpec{
		Name: j.kind, Count: 1 + s.draw.Uint64N(3), Sandbox: "wasm", Tries: 5, Failover: artel.FailoverFast,
		Args: []string{j.key, fmt.Sprint(j.steps), fmt.Sprint(rest)},
		Want: artel.Resources{Slots: 1, Memory: 128 << 20, Disk: 16 << 20}, Wall: uint64((20 * time.Minute).Milliseconds()), Log: 1 << 16,
	}
	if j.kind == "wasm" || j.kind == "wasm files" {
		j.spec.Program = j.renter.wasm
	} else {
		j.spec.Sandbox, j.spec.Pull = "gvisor", j.renter.img.Bytes
		j.spec.Box = artel.Box{Image: j.renter.img.Digest, Source: j.renter.img.Source}
	}
	save := artel.Survival{Min: 1000, Max: 3000, Keepers: 2}
	switch j.kind {
	case "whole":
		save.Kind = artel.CheckpointWhole
		j.spec.Survival = save
	case "files", "wasm files":
		save.Kind = artel.CheckpointFiles
		j.spec.Survival = save
		j.spec.Args = append(j.spec.Args, "files")
	case "wasm":
		j.spec.Count += 3
	}
	return j
}

// results compares what a job left with what it must be.
func (s *storm) results(j *work) {
	t := s.t
	if j.seen.State != api.StateDone || j.seen.Done != j.spec.Count {
		t.Errorf("job %s (%s) %s with %d of %d done: %s", j.key, j.kind, j.seen.State, j.seen.Done, j.spec.Count, j.seen.Message)
		for _, x := range j.seen.List {
			t.Logf("  task %d %s, attempt %d: %s %s", x.Index, x.State, x.Attempt, x.Reason, x.Message)
		}
		return
	}
	out := filepath.Join(t.TempDir(), "out")
	if said, code := s.artel(j.renter.node.Dir, "fetch", j.id, "--out", out); code != 0 {
		t.Errorf("fetch job %s: exit code %d\n%s", j.key, code, said)
		return
	}
	for _, x := range j.seen.List {
		dir := filepath.Join(out, fmt.Sprint(x.Index))
		if j.spec.Count == 1 {
			dir = out
		}
		b, err := os.ReadFile(filepath.Join(dir, "result"))
		if want := j.want(x.Index); err != nil || string(b) != want {
			t.Errorf("task %d of job %s (%s) left %q, want %q, %v", x.Index, j.key, j.kind, b, strings.TrimSpace(want), err)
		}
	}
	// Each task becomes done once.
	done := map[uint64]int{}
	ctx, cancel := context.WithTimeout(s.ctx, time.Minute)
	defer cancel()
	if err := j.renter.node.API.Watch(ctx, j.id, 0, func(e api.JobEvent) error {
		if e.Kind == api.EventTask && e.State == api.StateDone {
			done[e.Task]++
		}
		return nil
	}); err != nil {
		t.Errorf("watch job %s: %v", j.key, err)
	}
	for _, x := range j.seen.List {
		if done[x.Index] != 1 {
			t.Errorf("task %d of job %s became done %d times", x.Index, j.key, done[x.Index])
		}
	}
}
