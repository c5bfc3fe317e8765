//go:build linux && (amd64 || arm64)

package gvisor

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// fault is what is wrong with a program that gVisor would not start.
type fault struct {
	mark  string // in gVisor's text
	errno unix.Errno
	say   string // with the program's name
}

var faults = []fault{
	{"working directory", unix.ENOTDIR, "The working directory of the program %s is not in the image."},
	{"no such file", unix.ENOENT, "The program %s is not in the image. Name a file of the image, or one in PATH."},
	{"not found in $PATH", unix.ENOENT, "The program %s is not in the image. Name a file of the image, or one in PATH."},
	{"bad address", unix.ENOEXEC, "The program %s is cut short, or no program. Build it again."},
	{"exec format", unix.ENOEXEC, "The program %s is not one for this machine: build it, or pull the image, for linux/" + goarch + "."},
	{"permission denied", unix.EACCES, "The program %s may not be executed: set its executable bit in the image."},
	{"is a directory", unix.EACCES, "The program %s is a directory. Name a file."},
}

// faultOf reads what gVisor says when it does not start a program; false: it is the
// host's doing.
func faultOf(err error) (fault, bool) {
	text := err.Error()
	for _, mark := range []string{"starting root container", "creating process", "failed to load", "not found in $PATH", "finding executable", "working directory"} {
		if !strings.Contains(text, mark) {
			continue
		}
		for _, f := range faults {
			if strings.Contains(text, f.mark) {
				return f, true
			}
		}
	}
	return fault{}, false
}

// refused tells a program that cannot be started from a host that cannot start one.
func (s *supervisor) refused(err error, lost func(error) sandbox.Exit) sandbox.Exit {
	f, ok := faultOf(err)
	if !ok {
		return lost(err)
	}
	return sandbox.Exit{Code: -1, Reason: sandbox.BadProgram, Message: fmt.Sprintf(f.say, quote(s.task.Spec.Args[0]))}
}

// verdict is the exit of a program that has ended, without what was used.
func (s *supervisor) verdict(ws unix.WaitStatus, err error) sandbox.Exit {
	lim := s.task.Spec.Limits
	exit := sandbox.Exit{Code: -1}
	say := func(reason sandbox.Reason, format string, args ...any) sandbox.Exit {
		exit.Reason, exit.Message = reason, fmt.Sprintf(format, args...)
		return exit
	}
	oom := s.grp != nil && s.grp.oomKills() > 0
	panicked := panicked(filepath.Join(s.dir, panicFile))
	switch cause := s.stopped(); {
	case cause == sandbox.Killed:
		return say(cause, "The attempt was stopped from outside.")
	case cause == sandbox.Checkpointed:
		return say(cause, "The attempt was written down and stopped. It can go on from its checkpoint.")
	case cause == sandbox.BadCheckpoint:
		return say(cause, "The program, as its checkpoint had it, wrote more above its image than its limit of %d bytes.", lim.LayerBytes)
	case cause == silent:
		return say(sandbox.Lost, "The sandbox that ran the program did not answer for %s, so it was stopped. Run it again, on another machine.", s.task.Silence)
	case cause == orphaned:
		return say(sandbox.Killed, "Nobody on the host looked after the attempt for %s, so it was stopped.", s.task.Orphan)
	case cause == sandbox.OutputLimit:
		return say(cause, "The program wrote more than its limit of %d bytes in %d files to /out or /checkpoint. Ask for more, or write less.", lim.OutputBytes, lim.OutputFiles)
	case cause == sandbox.LogFlood:
		return say(cause, "The program wrote more than %d times its log limit of %d bytes. Write data to /out.", sandbox.FloodFactor, lim.LogBytes)
	case cause == sandbox.OutOfMemory || oom:
		return say(sandbox.OutOfMemory, "The program needs more memory than its limit of %d MiB. Ask for more, or let it hold less at once.", lim.MemoryBytes>>20)
	case cause == sandbox.OutOfTime:
		return say(cause, "The program ran for its limit of %s and was stopped. Ask for more time, or give each task less to do.", millis(lim.WallMillis))
	case cause == outOfPrepare && s.task.Spec.Restore != "":
		return say(sandbox.BadCheckpoint, "The checkpoint was not taken up within %s. Ask for more time to prepare, or go on from another one.", millis(lim.PrepareMillis))
	case cause == outOfPrepare:
		return say(sandbox.BadProgram, "The sandbox was not ready within %s. Ask for more time to prepare.", millis(lim.PrepareMillis))
	case s.grp != nil && s.grp.pidsRefused() > 0 && (panicked || ws.Signaled()):
		return say(sandbox.Trapped, "The program made more processes and threads than the host allows. Let it make fewer.")
	case err != nil || panicked:
		return say(sandbox.Lost, "The sandbox that ran the program died. Run it again, on another machine.")
	case ws.Signaled():
		switch n := ws.Signal(); n {
		case unix.SIGILL, unix.SIGTRAP, unix.SIGABRT, unix.SIGBUS, unix.SIGFPE, unix.SIGSEGV, unix.SIGSYS:
			return say(sandbox.Trapped, "The program died of signal %d (%s).", int(n), n)
		default:
			exit.Code, exit.Reason = 128+int32(n), sandbox.Exited
		}
	default:
		exit.Code, exit.Reason = int32(ws.ExitStatus()), sandbox.Exited
	}
	return exit
}
