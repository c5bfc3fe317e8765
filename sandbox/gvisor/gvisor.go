// Package gvisor runs container images in gVisor, a kernel in user space that is
// linked into this binary: nothing has to be installed.
//
// # Processes
//
// An attempt is a small tree of processes, each this binary or Options.Program executed
// again:
//
//	holder (the daemon)          Box: starts, adopts, asks
//	└─ supervisor                owns deadline, cgroup, meter, log, network; pid 1 of its own
//	   ├─ runsc-gofer            file server: chroot, seccomp; limits of /out and /checkpoint
//	   └─ runsc-sandbox          the kernel (systrap): chroot, seccomp, user namespace
//	      └─ the program
//
// The holder may die: the supervisor goes on, and a new Box finds it by Live. When
// nobody comes for Options.OrphanMax, it stops the program and keeps the Exit. When
// the supervisor dies, the kernel ends everything below it, since it is the first process of
// their pid namespace.
//
// # State
//
// Each attempt has a directory below Options.Dir:
//
//	spec.json    what to run
//	sock         the supervisor's socket
//	exit.json    how it ended, written whole and synced
//
// Main must be called before anything else in the binary's main.
package gvisor

import (
	"errors"
	"net/netip"
	"time"
)

// SuperviseArg is the hidden verb of a supervisor.
const SuperviseArg = "gvisor-supervise"

// ErrUnsupported is wrapped by errors of a machine on which containers cannot run.
var ErrUnsupported = errors.New("gvisor: containers cannot run here")

// Options say how a Box runs attempts. Dir, and Command or Program, are required.
type Options struct {
	// Command executes this binary again; SuperviseArg and a directory are added to
	// it. Its main calls Main first. The file must be static (CGO_ENABLED=0).
	Command []string
	// Program, if set, is executed in place of Command. It stays the caller's.
	Program *Program
	// Dir holds the state of attempts. It is created, for the owner only.
	Dir string
	// Slots is how many attempts run at once (default 1).
	Slots int
	// OrphanMax is how long an attempt runs without a holder (default 10 minutes).
	OrphanMax time.Duration
	// Egress is what the owner allows of Spec.Network.
	Egress Egress
	// GPUs are what attempts may be given of the machine's GPUs; nil: none.
	GPUs *GPUs
	// Crashed is told of an attempt that its host failed, with what is known; it is
	// for the machine's owner. May be nil.
	Crashed func(id, detail string)
}

// Egress is what a machine's owner says about strangers' connections. The zero value is
// good: the Internet, but nothing near the owner, and no mail.
type Egress struct {
	// Permit opens prefixes that are closed otherwise, such as a part of the owner's LAN.
	// The host's own addresses stay closed unless a prefix is one of them alone, or lies
	// within loopback. Deny closes prefixes, above Permit.
	Permit, Deny []netip.Prefix
	// Mail opens the ports that mail is submitted by.
	Mail bool
}

// GPUs are NVIDIA devices and the files of their driver. They reach a box through
// gVisor's nvproxy, which knows the calls of certain driver versions (Drivers) and
// passes those of computing on.
type GPUs struct {
	// Version of the driver that is loaded: "580.95.05".
	Version string
	// Minors are the device files /dev/nvidia<minor> that attempts may be given.
	Minors []int
	// Libraries and Binaries are host paths of the driver's files. An attempt with a GPU
	// finds them in /usr/local/nvidia.
	Libraries, Binaries []string
	// Ask returns the version that the driver itself says. nil: it is asked by
	// /dev/nvidiactl.
	Ask func() (string, error)
}
