package host

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
)

// Finding is one thing that a sandbox wants of the machine, and whether it is there.
// WASM runs without any of them; what does not, Why says.
type Finding struct {
	Name string `json:"name"` // a word or two: "cgroup"
	OK   bool   `json:"ok"`
	What string `json:"what"`           // what was found, a sentence
	Why  string `json:"why,omitempty"`  // what it is needed for; where it is missing, what does not work without it
	Hint string `json:"hint,omitempty"` // what to do
}

func have(name, format string, args ...any) Finding {
	return Finding{Name: name, OK: true, What: fmt.Sprintf(format, args...)}
}

// Doctor looks for what running strangers' work wants: first whether containers can
// run here at all, then what of the kernel is there, then room.
func (s System) Doctor(ctx context.Context) []Finding {
	out := []Finding{s.containers()}
	if s.OS == "linux" {
		out = append(out, s.userNamespaces(), s.cgroups(), s.tun(), s.seccomp(), s.ptrace(), s.landlock())
	}
	out = append(out, s.memory())
	return append(out, s.gpus(ctx)...)
}

// containers says whether gVisor knows this kind of machine.
func (s System) containers() Finding {
	const name, why = "containers", "gVisor, which runs container images, is for Linux on amd64 and arm64; this machine runs WASM programs only"
	switch {
	case s.OS == "windows":
		return Finding{name, false, "this is Windows", why, "install WSL2 and run artel in it: wsl --install"}
	case s.OS == "darwin":
		return Finding{name, false, "this is macOS", why, "run artel in a Linux virtual machine to offer containers"}
	case s.OS != "linux":
		return Finding{name, false, "this is " + s.OS, why, ""}
	case s.Arch != "amd64" && s.Arch != "arm64":
		return Finding{name, false, "this is Linux on " + s.Arch, why, ""}
	}
	v, _ := s.line("proc/sys/kernel/osrelease")
	v = printable(v, 64)
	if major, minor := kernelVersion(v); major > 0 && (major < 4 || major == 4 && minor < 15) {
		return Finding{name, false, "Linux " + v, "gVisor wants Linux 4.15 or later", "a newer kernel"}
	}
	return have(name, "Linux %s on %s", v, s.Arch)
}

func kernelVersion(v string) (major, minor int) {
	f := strings.SplitN(v, ".", 3)
	if len(f) < 2 {
		return 0, 0
	}
	major, _ = strconv.Atoi(f[0])
	minor, _ = strconv.Atoi(strings.FieldsFunc(f[1]+"-", func(r rune) bool { return r < '0' || r > '9' })[0])
	return major, minor
}

// userNamespaces: an ordinary user's sandbox begins with one; root's uses one to be
// nobody on the host.
func (s System) userNamespaces() Finding {
	const name, why = "namespaces", "a sandbox begins with a user namespace; without it containers run only for root, and with one wall less"
	if !s.exists("proc/self/ns/user") {
		return Finding{name, false, "the kernel has no user namespaces", why, "a kernel with CONFIG_USER_NS"}
	}
	if t, ok := s.line("proc/sys/user/max_user_namespaces"); ok && t == "0" {
		return Finding{name, false, "user namespaces are limited to none", why, "sysctl -w user.max_user_namespaces=15000, and the same line in /etc/sysctl.d"}
	}
	if s.UID == 0 {
		return have(name, "user namespaces, as root")
	}
	if t, ok := s.line("proc/sys/kernel/unprivileged_userns_clone"); ok && t == "0" {
		return Finding{name, false, "user namespaces are for root alone", why, "sysctl -w kernel.unprivileged_userns_clone=1, and the same line in /etc/sysctl.d"}
	}
	if t, ok := s.line("proc/sys/kernel/apparmor_restrict_unprivileged_userns"); ok && t == "1" {
		return Finding{name, false, "AppArmor restricts user namespaces of ordinary users, as Ubuntu does since 23.10", why,
			"an AppArmor profile for artel with `userns,` in it, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"}
	}
	return have(name, "user namespaces for ordinary users")
}

// cgroups bound what a sandbox uses of the machine from outside.
func (s System) cgroups() Finding {
	const name, why = "cgroup", "cgroups bound processor, memory and processes from outside; without them only what gVisor itself enforces holds, and a container may take more processor time than its slots"
	if s.exists("sys/fs/cgroup/cgroup.controllers") {
		return s.cgroup2(name, why)
	}
	own, err := s.read("proc/self/cgroup")
	if err != nil || !s.exists("sys/fs/cgroup") {
		return Finding{name, false, "no cgroups are mounted", why, "mount them, as systemd does"}
	}
	var lack, closed []string
	for _, c := range []string{"cpu", "memory", "pids"} {
		gs := s.groups(c)
		switch {
		case !strings.Contains(string(own), c) || len(gs) == 0 || !s.exists("sys/fs/cgroup/"+c):
			lack = append(lack, c)
		case !s.Usable("/"+gs[0].dir) && !s.Usable("/"+gs[len(gs)-1].dir):
			closed = append(closed, c)
		}
	}
	switch {
	case len(lack) > 0:
		return Finding{name, false, "cgroup v1 without " + strings.Join(lack, ", "), why, "a kernel with that controller, mounted below /sys/fs/cgroup"}
	case len(closed) > 0:
		return Finding{name, false, "cgroup v1, which this user may not use for " + strings.Join(closed, ", "), why, "run artel as root, or change to cgroup v2 with systemd: systemd.unified_cgroup_hierarchy=1 on the kernel's command line"}
	}
	return have(name, "cgroup v1 with cpu, memory and pids")
}

// cgroup2 looks where sandboxes' groups would be made, as sandbox/gvisor does: root's are
// below the root, and a user's beside this process's own, never below it: a group with a
// process in it cannot have limited groups below.
func (s System) cgroup2(name, why string) Finding {
	const top, unit = "sys/fs/cgroup", "start artel as a service of this user's systemd, as packaging/artel.service does, or: systemd-run --user --scope -p Delegate=yes artel up"
	parent, gs := top, s.groups("cpu")
	if s.UID != 0 && len(gs) > 0 && gs[0].dir != top {
		parent = path.Dir(gs[0].dir)
	}
	controllers, _ := s.line(path.Join(parent, "cgroup.controllers"))
	var lack []string
	for _, c := range []string{"cpu", "memory", "pids"} {
		if !hasWord(strings.ReplaceAll(controllers, " ", ","), c) {
			lack = append(lack, c)
		}
	}
	usable := true
	for _, f := range []string{"", "cgroup.procs", "cgroup.subtree_control"} {
		usable = usable && s.Usable("/"+path.Join(parent, f))
	}
	switch {
	case !usable && s.UID == 0:
		return Finding{name, false, "cgroup v2, which cannot be written", why, "artel is itself in a container; let that one write " + "/" + top + ", or run artel outside of it"}
	case !usable:
		return Finding{name, false, "cgroup v2, and the group above this process's belongs to somebody else", why,
			unit + "; a service of the system that has User= wants Delegate=yes and, of systemd 254, DelegateSubgroup=daemon"}
	case len(lack) > 0 && s.UID == 0:
		return Finding{name, false, "cgroup v2 without " + strings.Join(lack, ", "), why, "a kernel with that controller, and no cgroup_disable= on its command line; in a container, one that is given it"}
	case len(lack) > 0:
		return Finding{name, false, "cgroup v2 without " + strings.Join(lack, ", ") + " for this user", why,
			unit + "; if it is still missing, systemd is older than 252 and gives users memory and pids alone: put [Service] and Delegate=cpu memory pids into /etc/systemd/system/user@.service.d/delegate.conf"}
	case s.UID != 0:
		return have(name, "cgroup v2 with cpu, memory and pids, delegated")
	}
	return have(name, "cgroup v2 with cpu, memory and pids")
}

// tun is what a sandbox's network is made of, where it may be.
func (s System) tun() Finding {
	const name, instead = "tun", "a pair of interfaces (veth) stands in for it in containers' networks"
	switch {
	case !s.exists("dev/net/tun"):
		return have(name, "there is no /dev/net/tun: %s", instead)
	case !s.Usable("/dev/net/tun"):
		return have(name, "this user may not open /dev/net/tun: %s", instead)
	}
	return have(name, "/dev/net/tun can be opened")
}

func (s System) seccomp() Finding {
	const name, why = "seccomp", "gVisor's systrap and the second wall of the WASM sandbox are made of seccomp filters"
	t, ok := s.line("proc/sys/kernel/seccomp/actions_avail")
	if !ok {
		if status, _ := s.line("proc/self/status"); !strings.Contains(status, "\nSeccomp:") {
			return Finding{name, false, "the kernel has no seccomp", why, "a kernel with CONFIG_SECCOMP_FILTER"}
		}
		return have(name, "seccomp; the kernel does not say which actions it knows")
	}
	for _, a := range []string{"errno", "trap"} {
		if !hasWord(strings.ReplaceAll(t, " ", ","), a) {
			return Finding{name, false, "seccomp without " + a, why, "a kernel with CONFIG_SECCOMP_FILTER, 4.14 or later"}
		}
	}
	return have(name, "seccomp filters")
}

// ptrace: systrap starts its first process by it.
func (s System) ptrace() Finding {
	const name, why = "ptrace", "gVisor's systrap begins its processes by ptrace; without it containers do not run"
	scope, ok := s.line("proc/sys/kernel/yama/ptrace_scope")
	switch {
	case ok && scope == "3":
		return Finding{name, false, "ptrace is switched off until the next boot", why, "kernel.yama.ptrace_scope=1 in /etc/sysctl.d, and a reboot"}
	case ok && scope == "2" && s.UID != 0:
		return Finding{name, false, "ptrace is for root alone", why, "sysctl -w kernel.yama.ptrace_scope=1, and the same line in /etc/sysctl.d"}
	}
	return have(name, "ptrace of own children")
}

func (s System) landlock() Finding {
	const name, why = "landlock", "it keeps a WASM worker that broke out from the owner's files; without it seccomp and wazero remain"
	lsm, ok := s.line("sys/kernel/security/lsm")
	if ok && !hasWord(lsm, "landlock") {
		return Finding{name, false, "the kernel does not use Landlock", why, "lsm=landlock,… on the kernel's command line; Linux 5.13 or later"}
	}
	if !ok {
		return have(name, "not known: securityfs is not mounted")
	}
	return have(name, "Landlock")
}

// leastMemory is below what a node with a sandbox soon stops working, in bytes.
const leastMemory = 512 << 20

func (s System) memory() Finding {
	m, err := s.Memory()
	switch {
	case err != nil:
		return Finding{"memory", false, err.Error(), "what is offered has to be there", "artel provide --max-mem says how much"}
	case m.Available > 0 && m.Available < leastMemory:
		return Finding{"memory", false, fmt.Sprintf("%d MiB of %d MiB are free", m.Available>>20, m.Total>>20),
			"a strangers' program that runs out of memory is ended, and the owner's may be too", "close something, or offer less: artel provide --max-mem"}
	case m.Available == 0:
		return have("memory", "%d MiB", m.Total>>20)
	}
	return have("memory", "%d MiB of %d MiB are free; %d cores may be used", m.Available>>20, m.Total>>20, s.Cores())
}

func (s System) gpus(ctx context.Context) []Finding {
	list, d, err := s.GPUs(ctx)
	const why = "programs that ask for a GPU do not run here; all others do"
	switch {
	case errors.Is(err, ErrNoDriver) && d.Version == "":
		return nil // most machines: nothing to say
	case err != nil:
		return []Finding{{"gpu", false, err.Error(), why, "nvidia-smi says what the driver thinks"}}
	case len(d.Libraries) == 0:
		return []Finding{{"gpu", false, fmt.Sprintf("driver %s, and its libraries are not found", d.Version), why, "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"}}
	}
	var out []Finding
	for _, g := range list {
		out = append(out, have("gpu", "%d: %s, %d MiB, driver %s", g.Index, g.Name, g.Memory>>20, d.Version))
	}
	return out
}
