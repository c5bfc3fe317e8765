package host

import (
	"maps"
	"strings"
	"testing"
)

// slice has the services of a user's systemd.
const slice = "user.slice/user-1000.slice/user@1000.service/app.slice"

// healthy is a Debian 12 that lacks nothing.
func healthy() map[string]string {
	return map[string]string{
		"proc/meminfo": meminfo, "proc/cpuinfo": xeon, "proc/sys/kernel/osrelease": "6.1.0-28-amd64\n",
		"proc/self/ns/user": "", "proc/sys/user/max_user_namespaces": "95000\n", "proc/sys/kernel/unprivileged_userns_clone": "1\n",
		"proc/self/cgroup": "0::/" + slice + "/artel.service\n", "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
		"sys/fs/cgroup/" + slice + "/cgroup.controllers": "cpu memory pids\n", "sys/fs/cgroup/" + slice + "/artel.service/cgroup.controllers": "memory pids\n",
		"dev/net/tun": "", "proc/sys/kernel/seccomp/actions_avail": "kill_process kill_thread trap errno user_notif trace log allow\n",
		"proc/sys/kernel/yama/ptrace_scope": "1\n", "sys/kernel/security/lsm": "lockdown,capability,landlock,yama,apparmor,bpf",
	}
}

func find(t *testing.T, list []Finding, name string) Finding {
	t.Helper()
	for _, f := range list {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no finding %q in %+v", name, list)
	return Finding{}
}

func TestDoctorFindsNothingWrong(t *testing.T) {
	for _, f := range machine(healthy()).Doctor(t.Context()) {
		if !f.OK || f.What == "" || f.Hint != "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctor(t *testing.T) {
	v1 := map[string]string{"proc/self/cgroup": "9:name=systemd:/\n8:pids:/\n4:memory:/x\n1:cpu:/\n0::/\n",
		"sys/fs/cgroup/cpu/tasks": "", "sys/fs/cgroup/memory/x/tasks": "", "sys/fs/cgroup/pids/tasks": "", "sys/fs/cgroup/cgroup.controllers": ""}
	for name, c := range map[string]struct {
		files   map[string]string // changed; "-": removed
		system  func(*System)
		finding string
		ok      bool
		what    string
		hint    string
	}{
		"userns limit":       {map[string]string{"proc/sys/user/max_user_namespaces": "0"}, nil, "namespaces", false, "limited to none", "max_user_namespaces"},
		"userns for root":    {map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0"}, nil, "namespaces", false, "root alone", "unprivileged_userns_clone=1"},
		"as root":            {map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0"}, func(s *System) { s.UID = 0 }, "namespaces", true, "root", ""},
		"apparmor":           {map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, nil, "namespaces", false, "AppArmor", "userns,"},
		"no userns":          {map[string]string{"proc/self/ns/user": "-"}, nil, "namespaces", false, "no user namespaces", "CONFIG_USER_NS"},
		"not delegated":      {map[string]string{"sys/fs/cgroup/" + slice + "/cgroup.controllers": "memory pids"}, nil, "cgroup", false, "without cpu for this user", "user@.service.d"},
		"somebody else's":    {nil, func(s *System) { s.Usable = func(p string) bool { return !strings.HasPrefix(p, "/sys") } }, "cgroup", false, "somebody else", "Delegate=yes"},
		"own group alone":    {nil, func(s *System) { s.Usable = func(p string) bool { return strings.Contains(p, "artel.service") } }, "cgroup", false, "above", "DelegateSubgroup"},
		"joined by no one":   {nil, func(s *System) { s.Usable = func(p string) bool { return !strings.HasSuffix(p, "cgroup.procs") } }, "cgroup", false, "somebody else", "systemd-run --user"},
		"session of root":    {map[string]string{"proc/self/cgroup": "0::/user.slice/user-0.slice/session-1.scope\n", "sys/fs/cgroup/user.slice/user-0.slice/session-1.scope/cgroup.controllers": "memory pids\n"}, func(s *System) { s.UID = 0 }, "cgroup", true, "cpu, memory and pids", ""},
		"kernel without":     {map[string]string{"sys/fs/cgroup/cgroup.controllers": "cpu pids\n"}, func(s *System) { s.UID = 0 }, "cgroup", false, "without memory", "cgroup_disable"},
		"root, read-only":    {nil, func(s *System) { s.UID, s.Usable = 0, func(p string) bool { return !strings.HasPrefix(p, "/sys") } }, "cgroup", false, "cannot be written", "in a container"},
		"no cgroups":         {map[string]string{"sys/fs/cgroup/cgroup.controllers": "-", "sys/fs/cgroup/" + slice + "/cgroup.controllers": "-", "sys/fs/cgroup/" + slice + "/artel.service/cgroup.controllers": "-"}, nil, "cgroup", false, "no cgroups", "mount"},
		"v1":                 {merged(v1, "sys/fs/cgroup/cgroup.controllers", "-"), func(s *System) { s.UID = 0 }, "cgroup", true, "cgroup v1", ""},
		"v1 without pids":    {merged(v1, "sys/fs/cgroup/cgroup.controllers", "-", "sys/fs/cgroup/pids/tasks", "-"), nil, "cgroup", false, "without pids", "controller"},
		"v1 of root":         {merged(v1, "sys/fs/cgroup/cgroup.controllers", "-"), func(s *System) { s.Usable = func(string) bool { return false } }, "cgroup", false, "may not use", "root"},
		"no tun":             {map[string]string{"dev/net/tun": "-"}, nil, "tun", true, "no /dev/net/tun", ""},
		"tun closed":         {nil, func(s *System) { s.Usable = func(p string) bool { return p != "/dev/net/tun" } }, "tun", true, "may not open", ""},
		"no seccomp":         {map[string]string{"proc/sys/kernel/seccomp/actions_avail": "-"}, nil, "seccomp", false, "no seccomp", "CONFIG_SECCOMP"},
		"old seccomp":        {map[string]string{"proc/sys/kernel/seccomp/actions_avail": "-", "proc/self/status": "Name: x\nSeccomp:\t0\n"}, nil, "seccomp", true, "does not say", ""},
		"ptrace off":         {map[string]string{"proc/sys/kernel/yama/ptrace_scope": "3"}, nil, "ptrace", false, "switched off", "reboot"},
		"ptrace for root":    {map[string]string{"proc/sys/kernel/yama/ptrace_scope": "2"}, nil, "ptrace", false, "root alone", "ptrace_scope=1"},
		"no yama":            {map[string]string{"proc/sys/kernel/yama/ptrace_scope": "-"}, nil, "ptrace", true, "ptrace", ""},
		"no landlock":        {map[string]string{"sys/kernel/security/lsm": "capability"}, nil, "landlock", false, "does not use", "lsm="},
		"little memory":      {map[string]string{"proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 100000 kB\n"}, nil, "memory", false, "97 MiB of 976 MiB", "--max-mem"},
		"old kernel":         {map[string]string{"proc/sys/kernel/osrelease": "4.9.0"}, nil, "containers", false, "4.9.0", "newer"},
		"arm":                {nil, func(s *System) { s.Arch = "arm" }, "containers", false, "arm", ""},
		"windows":            {nil, func(s *System) { s.OS = "windows" }, "containers", false, "Windows", "wsl --install"},
		"mac":                {nil, func(s *System) { s.OS = "darwin" }, "containers", false, "macOS", "virtual machine"},
		"gpu":                {gpuFiles(), nil, "gpu", true, "RTX 3060", ""},
		"gpu, no libraries":  {merged(gpuFiles(), "usr/lib64/libcuda.so.535.104.05", "-", "usr/lib/x86_64-linux-gnu/libcuda.so.535.104.05", "-", "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.104.05", "-"), nil, "gpu", false, "libraries are not found", "nvidia-ctk"},
		"gpu without device": {merged(gpuFiles(), "dev/nvidia0", "-", "dev/nvidia1", "-"), nil, "gpu", false, "no nvidia device", "nvidia-smi"},
	} {
		t.Run(name, func(t *testing.T) {
			files := healthy()
			maps.Copy(files, c.files)
			maps.DeleteFunc(files, func(_, v string) bool { return v == "-" })
			s := machine(files)
			if c.system != nil {
				c.system(&s)
			}
			f := find(t, s.Doctor(t.Context()), c.finding)
			if f.OK != c.ok || !strings.Contains(f.What, c.what) || !strings.Contains(f.Hint, c.hint) || !f.OK && f.Why == "" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func merged(m map[string]string, kv ...string) map[string]string {
	m = maps.Clone(m)
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// On the real machine nothing panics, and there is something to say.
func TestDoctorHere(t *testing.T) {
	for _, f := range Local().Doctor(t.Context()) {
		if f.Name == "" || f.What == "" || !f.OK && f.Why == "" {
			t.Errorf("%+v", f)
		}
		t.Logf("%t %s: %s; %s", f.OK, f.Name, f.What, f.Hint)
	}
}
