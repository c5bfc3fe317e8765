package sandbox

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// Terminable is a Run whose program can be told to end, as containers are before they are
// killed.
type Terminable interface {
	Run
	// Terminate sends Spec.StopSignal to the program's first process, and returns when it is
	// sent: a program that handles it may tidy up and end by itself, or go on; one that does
	// not dies of it, with the code 128 + its number. From then on the Exit says so
	// (Exit.Told), whoever asks for it, and whichever way it ends. Telling it again sends the
	// signal again. The error is ErrEnded, ErrFrozen, ctx's (it may have been sent then), or
	// about the host.
	Terminate(ctx context.Context) error
}

// ErrFrozen is returned for what cannot be done while an attempt stands still (Freezer). It
// has not been done then, and will not be when it goes on.
var ErrFrozen = errors.New("sandbox: the attempt stands still")

// Numbers of signals, as Linux has them on amd64 and arm64 alike.
const (
	sigterm  = 15
	sigrtmin = 34 // as the C library counts: the two before are its own
	sigrtmax = 64
)

var signals = map[string]int{
	"HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9, "USR1": 10, "SEGV": 11, "USR2": 12,
	"PIPE": 13, "ALRM": 14, "TERM": sigterm, "STKFLT": 16, "CHLD": 17, "CLD": 17, "CONT": 18, "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22,
	"URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
	"RTMIN": sigrtmin, "RTMAX": sigrtmax,
}

// StopSignal is the number of the signal that an image's configuration names, as other
// engines read it: "SIGQUIT", "quit", "3", "SIGRTMIN+3", "RTMAX-1". It is SIGTERM's for what
// names none.
func StopSignal(name string) int {
	name = strings.ToUpper(strings.TrimSpace(name))
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n <= sigrtmax {
		return n
	}
	name = strings.TrimPrefix(name, "SIG")
	base, off := name, 0
	if i := strings.IndexAny(name, "+-"); i > 0 && strings.HasPrefix(name, "RT") {
		n, err := strconv.Atoi(name[i:])
		if err != nil {
			return sigterm
		}
		base, off = name[:i], n
	}
	n, ok := signals[base]
	if n += off; !ok || off != 0 && (n < sigrtmin || n > sigrtmax) {
		return sigterm
	}
	return n
}

// Stops is the number of the signal that Terminate sends.
func (s Spec) Stops() int {
	if s.StopSignal == 0 {
		return sigterm
	}
	return s.StopSignal
}
