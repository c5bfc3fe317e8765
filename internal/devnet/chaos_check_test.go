//go:build linux

package devnet_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/sqlite"
)

// check holds the network against its promises after the storm.
func (s *storm) check() {
	for _, j := range s.jobs {
		s.results(j)
	}
	s.note("all results are there")
	s.money()
	s.note("all is paid")
	s.forgotten()
	s.note("nothing runs, nobody keeps anything for nothing")
	s.net.Close()
	s.receipts()
	s.emptied()
	s.swept()
	s.cgroups()
}

// soon polls until ok; what is told when that takes too long.
func (s *storm) soon(what string, ok func() string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 3*time.Minute)
	defer cancel()
	for why := ok(); why != ""; why = ok() {
		select {
		case <-ctx.Done():
			s.t.Errorf("wait for %s: %s", what, why)
			return
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// money: every unit is somewhere, what was promised is what was paid, and nobody was
// promised more than the time that its machine was held for.
func (s *storm) money() {
	t := s.t
	s.soon("the providers to redeem", func() string {
		for _, r := range s.renters {
			// A lease that is still open promises more.
			if ls, err := r.node.API.Leases(s.ctx, api.LeaseQuery{}); err != nil || len(ls) > 0 {
				return fmt.Sprintf("%s: %d leases, %v", r.name, len(ls), err)
			}
			if vs, err := r.node.API.Vouchers(s.ctx); err != nil || len(vs) > 0 {
				return fmt.Sprintf("%s: %d vouchers, %v", r.name, len(vs), err)
			}
		}
		return ""
	})
	type lane struct {
		renter, provider artel.Address
		lane             uint64
	}
	worth, promised := map[lane]artel.Amount{}, map[lane]artel.Amount{}
	for _, p := range s.providing() {
		ls, err := p.node.API.Leases(s.ctx, api.LeaseQuery{All: true, Limit: 10_000})
		if err != nil {
			t.Errorf("leases of %s: %v", p.name, err)
		}
		for _, l := range ls {
			if l.Role != "provider" {
				continue
			}
			k := lane{l.Renter, l.Provider, l.Lane}
			held := uint64(max(0, l.End.Sub(l.Start)).Milliseconds()) * uint64(l.Slots)
			worth[k] = worth[k].Add(artel.Cost(l.Price, held))
			promised[k] = promised[k].Max(l.Promised)
		}
	}
	for k, a := range promised {
		if worth[k].Less(a) {
			t.Errorf("lane %x: promised are %s, its leases are worth %s", k.lane, a, worth[k])
		}
	}
	var faucet, there artel.Amount
	for _, m := range s.members {
		if m.node == nil {
			continue
		}
		b, err := m.node.API.Balance(s.ctx)
		if err != nil {
			t.Errorf("balance of %s: %v", m.name, err)
			continue
		}
		faucet = faucet.Add(s.given[m.name])
		there = there.Add(b.Tokens).Add(b.Deposit).Add(b.Booked).Add(b.Earned).Add(b.Stake).Add(b.Leaving).Add(b.Exiting)
	}
	if faucet != there {
		t.Errorf("%s came from the faucet, %s are there", faucet, there)
	}
	for _, r := range s.renters {
		st, err := r.node.API.Statement(s.ctx)
		if err != nil {
			t.Errorf("statement of %s: %v", r.name, err)
			continue
		}
		for _, f := range st.Check() {
			if !f.OK {
				t.Errorf("%s: %s and %s %s", f.What, f.Left, f.Right, f.Note)
			}
		}
		for _, l := range st.Lanes {
			if l.Renter == r.node.Account && l.Paid != l.Voucher {
				t.Errorf("%s: lane %x is paid %s, its voucher is of %s", r.name, l.Lane, l.Paid, l.Voucher)
			}
		}
	}
}

// forgotten: nobody keeps a checkpoint of what is over for longer than its renter said,
// nor at all where the renter lived to tell them; and nothing runs.
func (s *storm) forgotten() {
	const longest = 25 * time.Hour // a task's own time, and a day
	kept := func() string {
		for _, m := range s.members {
			if m.node == nil {
				continue
			}
			l, err := m.node.API.Kept(s.ctx)
			if err != nil {
				return fmt.Sprintf("%s: %v", m.name, err)
			}
			for _, k := range l.Tasks {
				// What is asked for longer is a renter's journal, whose keepers it knows
				// whatever befell it.
				if left := time.Until(k.Until).Round(time.Second); left > longest || !s.killed[k.Renter] {
					return fmt.Sprintf("%s keeps task %x, attempt %d, generation %d, for %v", m.name, k.Task[:6], k.Attempt, k.Generation, left)
				}
			}
		}
		return ""
	}
	s.soon("keepers to let go", kept)
	s.soon("the machines to be idle", func() string {
		for _, p := range s.providing() {
			all, err := below(p.proc.PID())
			if err != nil {
				return err.Error()
			}
			for _, pid := range all[1:] {
				cmd, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				if words := strings.Split(string(cmd), "\x00"); slices.Contains(words, "boot") || strings.HasPrefix(words[0], "runsc") {
					return fmt.Sprintf("%s runs %s", p.name, strings.Join(words, " "))
				}
			}
		}
		return ""
	})
}

// receipts: each task is done by a receipt of its own.
func (s *storm) receipts() {
	used := map[string]string{}
	for _, r := range s.renters {
		db, err := sqlite.Open(s.ctx, datadir.At(r.node.Dir).Database())
		if err != nil {
			s.t.Errorf("open the database of %s: %v", r.name, err)
			continue
		}
		jobs, err := db.Renter().Jobs(s.ctx, 10_000)
		if mine := s.jobsOf(r); err != nil || len(jobs) != mine {
			s.t.Errorf("the database of %s has %d jobs, want %d, %v", r.name, len(jobs), mine, err)
		}
		for _, j := range jobs {
			_, tasks, err := db.Renter().Job(s.ctx, j.ID)
			if err != nil || uint64(len(tasks)) != j.Spec.Count {
				s.t.Errorf("job %s has %d tasks in the database, %v", j.ID.Short(), len(tasks), err)
			}
			for _, x := range tasks {
				what := fmt.Sprintf("%s: task %d of job %s", r.name, x.Index, j.ID.Short())
				if x.Receipt == nil {
					s.t.Errorf("%s has no receipt", what)
					continue
				}
				k := fmt.Sprintf("%s/%d/%d", x.Receipt.Result.Lease, x.Receipt.Result.Task, x.Receipt.Result.Attempt)
				if other := used[k]; other != "" {
					s.t.Errorf("%s is done by the receipt of %s", what, other)
				}
				used[k] = what
			}
		}
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

func (s *storm) jobsOf(m *member) (n int) {
	for _, j := range s.jobs {
		if j.renter == m {
			n++
		}
	}
	return n
}

// cgroups: those of attempts are gone. A machine's own, which holds them, stays for its
// next daemon; there is none here.
func (s *storm) cgroups() {
	for _, p := range s.providing() {
		dir, err := filepath.EvalSymlinks(datadir.At(p.node.Dir).Work() + "/containers")
		if err != nil {
			continue // it had no containers
		}
		sum := sha256.Sum256([]byte(dir)) // as sandbox/gvisor names it
		name := fmt.Sprintf("artel-%x", sum[:6])
		for _, base := range []string{"/sys/fs/cgroup/" + name, "/sys/fs/cgroup/*/" + name, "/sys/fs/cgroup/*/*/*/*/" + name} {
			groups, _ := filepath.Glob(base)
			for _, g := range groups {
				left, _ := filepath.Glob(g + "/attempt-*")
				for _, a := range left {
					s.t.Errorf("%s: cgroup %s is left", p.name, a)
				}
				os.Remove(g)
			}
		}
	}
}

// swept: what a keeper holds of nothing, such as half of a checkpoint that never came
// whole, goes when it starts again at the latest.
func (s *storm) swept() {
	for _, m := range s.members {
		if m.node == nil {
			continue
		}
		pattern := filepath.Join(datadir.At(m.node.Dir).Kept(), "blocks", "*", "*")
		if left, _ := filepath.Glob(pattern); len(left) == 0 {
			continue
		}
		if err := s.again(m); err != nil {
			s.t.Error(err)
			continue
		}
		s.soon("a keeper to sweep", func() string {
			l, err := m.node.API.Kept(s.ctx)
			if err != nil {
				return err.Error()
			}
			if left, _ := filepath.Glob(pattern); len(left) > 0 && len(l.Tasks) == 0 {
				return fmt.Sprintf("%s has %d blocks of nothing", m.name, len(left))
			}
			return ""
		})
		m.proc.Stop()
	}
}

// emptied: what tasks had on a machine is gone.
func (s *storm) emptied() {
	for _, m := range s.members {
		if m.node == nil {
			continue
		}
		at := datadir.At(m.node.Dir)
		dirs := []string{at.Work() + "/jobs", at.Work() + "/scratch", at.Work() + "/saves/blocks", at.Work() + "/saves/tmp"}
		for _, dir := range dirs {
			if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				base := filepath.Base(path)
				if err == nil && d.IsDir() && (base == "laid" || base == "challenge") {
					return filepath.SkipDir // what the next task may want
				}
				if err == nil && d.IsDir() && base == "logs" {
					return filepath.SkipDir // of leases that closed less than ten minutes ago, see docs/spec/lease.md
				}
				if err == nil && !d.IsDir() {
					s.t.Errorf("%s is left", path)
				}
				return nil
			}); err != nil && !os.IsNotExist(err) {
				s.t.Error(err)
			}
		}
	}
}

// traces is what this program's processes leave where others see it: processes and their
// namespaces, mounts, cgroups.
func traces(t testing.TB, program, dir string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	self, err := os.Stat(program)
	if err != nil {
		return found // nothing was built
	}
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		info, err := os.Stat(p + "/exe")
		if err != nil || !os.SameFile(info, self) {
			continue
		}
		if status, err := os.ReadFile(p + "/status"); err != nil || strings.Contains(string(status), "State:\tZ") {
			continue // it has ended
		}
		cmd, _ := os.ReadFile(p + "/cmdline")
		found["process "+p+" "+strings.ReplaceAll(string(cmd), "\x00", " ")] = true
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(mounts), "\n") {
		if f := strings.Fields(l); len(f) > 4 && strings.HasPrefix(f[4], dir+"/") {
			found["mount "+f[4]] = true
		}
	}
	return found
}

// leftovers tells what is there when all has ended: program and directory are this
// storm's own, so before it there was nothing.
func (s *storm) leftovers(program string) {
	var more []string
	for until := time.Now().Add(time.Minute); ; {
		more = nil
		for what := range traces(s.t, program, s.net.Dir()) {
			more = append(more, what)
		}
		if len(more) == 0 || time.Now().After(until) {
			break
		}
		<-time.After(200 * time.Millisecond)
	}
	for _, what := range more {
		s.t.Errorf("left behind: %s", what)
	}
}
