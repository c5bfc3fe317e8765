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
//	exit.json    how it ended, written whole; synced where no holder heard of it
//
// # Moving
//
// Freeze stops the box by the kernel's freezer or, without cgroups, by gVisor; kill works
// either way. Checkpoint pauses the program in gVisor's kernel, lets that write memory, layer
// and objects, and copies /out, /checkpoint and the log while nothing changes them;
// package snapshot has the layout. A restore fills the directories before the file server
// starts, and lets the image be read by a kernel that is behind its seccomp filter, in a
// sandbox as for any other program: the image may come from anybody. What it brings along
// of limits is enforced outside as well: cgroup, file server, and an eye on the layer.
//
// A program that goes on sees its clocks jump, other inode numbers and /in as it is here;
// environment, host name and the user's Exec sessions of before are not brought along or
// not changed. Connections within the box live on.
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
	// SilenceMax is how long, where no cgroup counts memory, gVisor's kernel may leave it
	// unsaid how much it has (default 30 s).
	SilenceMax time.Duration
	// CloseMax is how long Close waits for attempts that it has told to end, before it ends
	// their supervisors (default 20 s).
	CloseMax time.Duration
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
