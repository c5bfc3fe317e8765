package sandbox

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Spec is one attempt to run. Host paths are absolute and are the caller's own:
// the box creates none of the directories and removes none.
type Spec struct {
	// Program is the host path of the program, or empty where Root is set. Its bytes
	// are verified by the caller and not changed while the attempt lives.
	Program string
	// Root is the host path of an unpacked image, shown read only at / with a
	// writable layer of the attempt's own above it (Capabilities.Images). The program
	// is Args then, the whole command; a relative Args[0] is looked up in PATH of Env.
	Root string
	// Dir is the working directory inside Root; empty: /.
	Dir string
	// User is "uid" or "uid:gid", in numbers, inside Root; empty: 0:0, which is root of
	// the box and nobody on the host.
	User string
	// Network is what of the world the program may reach; nil: nothing
	// (Capabilities.Network).
	Network *Network
	// GPUs are the indices of the host's devices that the attempt has for itself
	// (Capabilities.GPUs).
	GPUs []int
	// Key is the program's content id. Two Specs with the same Key are taken to
	// have the same program, so a box may keep it compiled. Empty: the box hashes
	// the file each time.
	Key string
	// Args follow the program's own name, which the program sees as "program"; with
	// Root they are the whole command.
	Args []string
	// Env is the whole environment of the program. It is no place for secrets: the
	// machine's owner can read it.
	Env map[string]string
	// In is the host directory shown at /in, read only. Its symbolic links work
	// as long as they stay inside. Empty: /in is an empty directory.
	In string
	// Out is the host directory behind /out: existing, empty, on a local disk.
	Out string
	// Checkpoint is the host directory behind /checkpoint, or empty for none. What
	// an earlier attempt left there is seen by the program and counts in its limits.
	Checkpoint string
	// Restore is the host directory of a checkpoint (Movable.Checkpoint), or empty. The
	// attempt goes on from there instead of starting: Out and Checkpoint, empty
	// directories, are filled first, and the log begins with what was in it. Limits bound this
	// attempt: what ran before counts for nothing but the log and what is in /out and
	// /checkpoint. The directory is not changed, and not needed any more once the program
	// runs. Whatever it holds is not trusted: it is taken up inside the box.
	Restore string
	// Log is the host path of the log file; it is created or emptied.
	Log string
	// StopSignal is the number of the signal by which the program is told to end
	// (Terminable), 1 to 64; 0: SIGTERM's.
	StopSignal int
	// Limits bound what the attempt may use; zero fields take the default.
	Limits Limits
	// Seed feeds all randomness that the program sees.
	Seed [32]byte
	// Start is where the virtual clock starts, in nanoseconds since 1970.
	Start int64
}

// Limits bound an attempt. A zero field means that of DefaultLimits.
type Limits struct {
	// MemoryBytes of the program: a request beyond it is refused, as by a machine
	// that has no more.
	MemoryBytes int64
	// WallMillis from the program's first instruction to its end, without the time
	// that it is frozen.
	WallMillis int64
	// PrepareMillis for loading, checking and compiling the program before that.
	PrepareMillis int64
	// OutputBytes is the sum of the sizes of files in /out, and the same again in
	// /checkpoint. A hole in a file counts as if it were written.
	OutputBytes int64
	// OutputFiles is the number of files and directories in /out, and the same
	// again in /checkpoint.
	OutputFiles int64
	// LogBytes of the log are kept. The program may write FloodFactor times as
	// much before it is stopped; what is beyond LogBytes is dropped.
	LogBytes int64
	// CPUMillis is processor time per second, in thousandths of a core: 1500 is a core
	// and a half. It is enforced where Capabilities.CPU says so.
	CPUMillis int64
	// Processes is the number of processes and threads at once
	// (Capabilities.Processes).
	Processes int64
	// LayerBytes and LayerFiles bound what the program writes above Root, outside
	// /out and /checkpoint (Capabilities.Images).
	LayerBytes, LayerFiles int64
}

// Network is the part of the world that a program may reach over TCP, by name.
// The owner's own networks, loopback, link-local and metadata addresses are never
// in it, whatever a name resolves to.
type Network struct {
	// Allow lists "host", "host:port" or "*.domain:port"; without a port 80 and 443
	// are meant.
	Allow []string
	// Bytes bounds what goes in and out together; 0: no bound.
	Bytes int64
}

// FloodFactor is how many times Limits.LogBytes a program may write before it is
// stopped as LogFlood. A chatty program loses the tail of its log, not its work; one
// that does nothing but write does not get the owner's processor for it.
const FloodFactor = 16

// DefaultLimits are what a zero field of Limits means.
func DefaultLimits() Limits {
	return Limits{
		MemoryBytes:   512 << 20,
		WallMillis:    60 * 60 * 1000,
		PrepareMillis: 60 * 1000,
		OutputBytes:   256 << 20,
		OutputFiles:   10_000,
		LogBytes:      1 << 20,
		CPUMillis:     1000,
		Processes:     512,
		LayerBytes:    1 << 30,
		LayerFiles:    100_000,
	}
}

// Bounds of a Spec's own size, so that a stranger's job cannot bloat the host.
const (
	MaxArgs     = 1024
	MaxArgBytes = 128 << 10 // arguments and environment together
	MaxEnv      = 1024
)

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	d := DefaultLimits()
	fill := func(v *int64, def int64) {
		if *v == 0 {
			*v = def
		}
	}
	fill(&l.MemoryBytes, d.MemoryBytes)
	fill(&l.WallMillis, d.WallMillis)
	fill(&l.PrepareMillis, d.PrepareMillis)
	fill(&l.OutputBytes, d.OutputBytes)
	fill(&l.OutputFiles, d.OutputFiles)
	fill(&l.LogBytes, d.LogBytes)
	fill(&l.CPUMillis, d.CPUMillis)
	fill(&l.Processes, d.Processes)
	fill(&l.LayerBytes, d.LayerBytes)
	fill(&l.LayerFiles, d.LayerFiles)
	return l
}

// maxLimit keeps sums and multiples of limits far from overflow (4 EiB, 146 million years).
const maxLimit = int64(1) << 58

// Validate checks the Spec alone, without touching the disk. The error wraps ErrSpec
// and says which field, and what would do.
func (s Spec) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrSpec, fmt.Sprintf(format, args...))
	}
	for _, p := range []struct{ name, path string }{
		{"Program", s.Program}, {"Root", s.Root}, {"Out", s.Out}, {"Log", s.Log}, {"In", s.In}, {"Checkpoint", s.Checkpoint}, {"Restore", s.Restore},
	} {
		optional := p.name == "In" || p.name == "Checkpoint" || p.name == "Restore" || p.name == "Root" || p.name == "Program" && s.Root != ""
		switch {
		case p.path == "" && optional:
		case p.path == "":
			return bad("%s is empty; give a host path", p.name)
		case !filepath.IsAbs(p.path):
			return bad("%s is %q; give an absolute path", p.name, p.path)
		}
	}
	switch {
	case s.Root != "" && s.Program != "":
		return bad("both Program and Root are set; an image's program is named by Args")
	case s.Root != "" && (len(s.Args) == 0 || s.Args[0] == ""):
		return bad("Args is empty; with Root it is the whole command")
	case s.Root == "" && (s.Dir != "" || s.User != "" || s.Network != nil || len(s.GPUs) > 0 || s.Restore != ""):
		return bad("Dir, User, Network, GPUs and Restore want an image; set Root")
	}
	if s.StopSignal < 0 || s.StopSignal > sigrtmax {
		return bad("StopSignal is %d; it is 0 (SIGTERM) or a signal's number, at most %d", s.StopSignal, sigrtmax)
	}
	if s.Network != nil {
		if err := s.Network.Check(); err != nil {
			return bad("Network: %v", err)
		}
	}
	if len(s.Args) > MaxArgs {
		return bad("%d arguments; at most %d fit, put the rest in a file in /in", len(s.Args), MaxArgs)
	}
	if len(s.Env) > MaxEnv {
		return bad("%d environment variables; at most %d fit", len(s.Env), MaxEnv)
	}
	size := 0
	for i, a := range s.Args {
		if strings.ContainsRune(a, 0) {
			return bad("argument %d holds a zero byte", i+1)
		}
		size += len(a) + 1
	}
	for _, k := range slices.Sorted(maps.Keys(s.Env)) {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.ContainsRune(s.Env[k], 0) {
			return bad("environment variable %q: a name is not empty and holds no '=', and neither name nor value a zero byte", k)
		}
		size += len(k) + len(s.Env[k]) + 2
	}
	if size > MaxArgBytes {
		return bad("%d bytes of arguments and environment; at most %d fit, put the rest in a file in /in", size, MaxArgBytes)
	}
	l := s.Limits
	for _, f := range []struct {
		name string
		v    int64
	}{
		{"MemoryBytes", l.MemoryBytes}, {"WallMillis", l.WallMillis}, {"PrepareMillis", l.PrepareMillis},
		{"OutputBytes", l.OutputBytes}, {"OutputFiles", l.OutputFiles}, {"LogBytes", l.LogBytes},
		{"CPUMillis", l.CPUMillis}, {"Processes", l.Processes}, {"LayerBytes", l.LayerBytes}, {"LayerFiles", l.LayerFiles},
	} {
		if f.v < 0 || f.v > maxLimit {
			return bad("Limits.%s is %d; it is 0 (the default) or positive", f.name, f.v)
		}
	}
	return nil
}
