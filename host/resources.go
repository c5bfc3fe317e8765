package host

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// Memory is a machine's memory in bytes, as far as this process's cgroups leave it.
type Memory struct {
	Total     uint64 `json:"total"`
	Available uint64 `json:"available"` // without swapping, now; 0: not known
}

// Memory returns the machine's memory.
func (s System) Memory() (Memory, error) {
	b, err := s.read("proc/meminfo")
	if err != nil {
		if s.TotalMemory == nil {
			return Memory{}, fmt.Errorf("measure memory: %w", errUnknown)
		}
		n, err := s.TotalMemory()
		if err != nil {
			return Memory{}, fmt.Errorf("measure memory: %w", err)
		}
		return Memory{Total: n}, nil
	}
	m := Memory{Total: kib(b, "MemTotal"), Available: kib(b, "MemAvailable")}
	if m.Total == 0 {
		return Memory{}, fmt.Errorf("measure memory: /proc/meminfo has no MemTotal")
	}
	for _, g := range s.groups("memory") {
		limit, used := g.number("memory.max"), g.number("memory.current")
		if limit == none {
			limit, used = g.number("memory.limit_in_bytes"), g.number("memory.usage_in_bytes")
		}
		if limit < m.Total { // v1 says "no limit" by a number beyond any machine
			m.Total = limit
		}
		if used != none && limit != none {
			m.Available = min(m.Available, limit-min(used, limit))
		}
	}
	return m, nil
}

// kib returns a line of /proc/meminfo in bytes.
func kib(b []byte, name string) uint64 {
	for line := range strings.Lines(string(b)) {
		k, v, _ := strings.Cut(line, ":")
		if f := strings.Fields(v); k == name && len(f) == 2 && f[1] == "kB" {
			if n, err := strconv.ParseUint(f[0], 10, 50); err == nil {
				return n << 10
			}
		}
	}
	return 0
}

// Cores is how many processors' worth of time this process may use: no more than its
// affinity has, nor than the quota of its cgroups, rounded up. At least 1.
func (s System) Cores() int {
	n := s.CPUs
	for _, g := range s.groups("cpu") {
		if f := strings.Fields(g.text("cpu.max")); len(f) == 2 {
			n = min(n, quota(f[0], f[1]))
			continue
		}
		n = min(n, quota(g.text("cpu.cfs_quota_us"), g.text("cpu.cfs_period_us")))
	}
	return max(n, 1)
}

// quota is processors per period, rounded up; without a quota there is no bound.
func quota(per, period string) int {
	q, err1 := strconv.ParseInt(per, 10, 64) // "max", or -1: no quota
	p, err2 := strconv.ParseInt(period, 10, 64)
	if err1 != nil || err2 != nil || q <= 0 || p <= 0 {
		return math.MaxInt
	}
	return int(min((q-1)/p+1, math.MaxInt32))
}

// group is a directory of a cgroup hierarchy.
type group struct {
	s   System
	dir string
}

// none is a number that is not there, or "max".
const none = math.MaxUint64

func (g group) text(file string) string {
	t, _ := g.s.line(path.Join(g.dir, file))
	return t
}

func (g group) number(file string) uint64 {
	n, err := strconv.ParseUint(g.text(file), 10, 64)
	if err != nil {
		return none
	}
	return n
}

// groups returns the cgroups that bound this process's use of what the controller
// controls: its own and those above, in the old hierarchies and the new one.
func (s System) groups(controller string) []group {
	own, err := s.read("proc/self/cgroup")
	if err != nil {
		return nil
	}
	var out []group
	up := func(root, at string) {
		// A path of another cgroup namespace begins with "/..": what is seen here then
		// is the root.
		for range 64 { // more than any tree has
			out = append(out, group{s, path.Join(root, rel(at))})
			if at == "/" || at == "." || at == "" {
				return
			}
			at = path.Dir(at)
		}
	}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "": // the unified hierarchy
			up("sys/fs/cgroup", f[2])
		case hasWord(f[1], controller):
			for _, dir := range []string{controller, f[1]} {
				if s.exists(path.Join("sys/fs/cgroup", dir)) {
					up(path.Join("sys/fs/cgroup", dir), f[2])
					break
				}
			}
		}
	}
	return out
}

func hasWord(list, word string) bool {
	for w := range strings.SplitSeq(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}
