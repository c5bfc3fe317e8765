package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/keys"
	"github.com/artel-network/artel/network"
	"github.com/artel-network/artel/node"
	"github.com/spf13/cobra"
)

// check is one line of what doctor and network check found.
type check struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Note    bool   `json:"note,omitempty"` // not wrong, but worth knowing
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func pass(name, format string, args ...any) check {
	return check{Name: name, OK: true, Message: fmt.Sprintf(format, args...)}
}

func note(name, hint, format string, args ...any) check {
	return check{Name: name, OK: true, Note: true, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func fail(name, hint, format string, args ...any) check {
	return check{Name: name, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// failed makes a check of an error, with the hint that it carries.
func failed(name string, err error) check {
	e := api.AsError(err)
	return fail(name, e.Hint, "%s", e.Message)
}

func (a *app) doctorCmd() *cobra.Command {
	var rpc []string
	c := &cobra.Command{
		Use: "doctor", Short: "Look for what keeps this node from working", Args: exactly(),
		Long: `Look at the data directory, the key, the network file, the chain, the clock and the
daemon, and at what this machine has for running strangers' work: kernel, cgroups,
memory, GPUs, and whether a container begins on it. Exit code 1 if something is wrong; what only some kinds of work miss is a
note.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.paths()
			if err != nil {
				return err
			}
			checks := checkDir(p)
			checks = append(checks, checkKey(p))
			checks = append(checks, checkMachine(cmd.Context(), host.Local(), p, time.Now())...)
			checks = append(checks, checkTrial(cmd.Context(), node.TryContainers))
			f, err := network.Load(p.Network())
			if err != nil {
				checks = append(checks, failed("network file", err))
			} else {
				checks = append(checks, pass("network file", "%s, hash %s", f.Name, f.Hash().Short()))
				if len(rpc) == 0 {
					rpc = f.Chain.RPC
				}
				for _, u := range rpc {
					checks = append(checks, checkRPC(cmd.Context(), f, u, time.Now())...)
				}
			}
			return a.checks(append(checks, a.checkDaemon(cmd.Context())...))
		},
	}
	c.Flags().StringArrayVar(&rpc, "chain-rpc", nil, "RPC URL to ask, as artel up was told, instead of the network file's; may be repeated")
	return c
}

// checks shows what was found; the exit code says whether all was well.
func (a *app) checks(cs []check) error {
	bad := 0
	for _, c := range cs {
		if !c.OK {
			bad++
		}
	}
	err := a.print(cs, func() {
		for _, c := range cs {
			mark := "ok  "
			switch {
			case !c.OK:
				mark = "FAIL"
			case c.Note:
				mark = "note"
			}
			fmt.Fprintf(a.out, "%s  %-14s %s\n", mark, c.Name, clean(c.Message))
			if c.Hint != "" {
				fmt.Fprintf(a.out, "      %-14s hint: %s\n", "", clean(c.Hint))
			}
		}
	})
	if err == nil && bad > 0 {
		err = exitError(exitFailed)
	}
	return err
}

// leastFree is below what a node soon stops working.
const leastFree = 1 << 30

func checkDir(p datadir.Paths) []check {
	name := "data directory"
	fi, err := os.Stat(p.Root())
	if errors.Is(err, fs.ErrNotExist) {
		return []check{fail(name, "artel up makes it", "%s is not there", p.Root())}
	}
	if err != nil {
		return []check{fail(name, "", "%s", err)}
	}
	var out []check
	if runtime.GOOS != "windows" && fi.Mode().Perm()&0o077 != 0 {
		out = append(out, fail(name, "chmod 700 "+p.Root(), "%s is open to others: mode %04o", p.Root(), fi.Mode().Perm()))
	}
	v, err := datadir.ReadVersion(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out = append(out, note(name, "artel up writes it", "%s has no VERSION yet", p.Root()))
	case err != nil:
		out = append(out, failed(name, err))
	case v != datadir.Version:
		out = append(out, fail(name, "use the artel that made it", "layout %d, this program knows %d", v, datadir.Version))
	}
	probe, err := os.CreateTemp(p.Root(), ".artel-*")
	if err != nil {
		return append(out, fail(name, "is it yours, and the disk not read-only?", "not writable: %s", err))
	}
	_, err = probe.Write(make([]byte, 4096))
	err = errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name()))
	if err != nil {
		out = append(out, fail(name, "is the disk full?", "cannot keep what is written: %s", err))
	}
	free, err := datadir.Free(p.Root())
	switch {
	case err != nil:
		out = append(out, failed(name, err))
	case free < leastFree:
		out = append(out, fail("disk", "make room: blobs, outputs and the database live there", "%s free", size(free)))
	default:
		out = append(out, pass("disk", "%s free", size(free)))
	}
	if len(out) == 1 && out[0].OK {
		out = append([]check{pass(name, "%s, layout %d", p.Root(), v)}, out...)
	}
	return out
}

func checkKey(p datadir.Paths) check {
	in, err := keys.Read(p.Key())
	if errors.Is(err, keys.ErrNone) {
		return note("key", "artel up makes one, artel wallet restore brings one back", "there is none yet")
	}
	if err != nil {
		return failed("key", err)
	}
	if in.Protection == keys.FileMode {
		return note("key", "artel wallet backup FILE makes an encrypted copy", "%s, protected by its mode only", in.Address)
	}
	return pass("key", "%s, encrypted", in.Address)
}

// checkMachine says what of the machine keeps which kind of work from running here. A
// node works without all of it, so that it is nothing but notes.
func checkMachine(ctx context.Context, s host.System, p datadir.Paths, now time.Time) []check {
	var out []check
	for _, f := range s.Doctor(ctx) {
		if f.OK {
			out = append(out, pass(f.Name, "%s", f.What))
		} else {
			out = append(out, note(f.Name, f.Hint, "%s: %s", f.What, f.Why))
		}
	}
	if g, err := node.FindGPUs(ctx, s); err != nil {
		out = append(out, note("gpu", "", "%s", err))
	} else if len(g.Minors) > 0 {
		out = append(out, pass("gpu", "%d of %s can be given to tasks: artel provide --gpus all", len(g.Minors), g.Kind.Model))
	}
	const hint = "artel measure, while the machine is idle"
	f, err := node.Measured(p)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return append(out, note("speed", hint+"; else the first artel provide does it", "not measured yet"))
	case err != nil:
		return append(out, note("speed", hint, "%s", err))
	case f.CPU.Hash != s.CPU().Hash || f.Cores != s.Cores():
		return append(out, note("speed", hint, "measured on another machine than this"))
	case f.Speed() == 0:
		return append(out, note("speed", hint+"; its notes say what is missing", "not known, so that offers count as the slowest"))
	case f.Slot.Spread() > noisy:
		return append(out, note("speed", hint, "%d, measured %s with a spread of %.0f %%: others were at work", f.Speed(), clock(f.At), 100*f.Slot.Spread()))
	case f.Interpreted:
		return append(out, note("speed", "a 64-bit system, where the machine has one", "%d: WASM is interpreted here, which is some 60 times slower than compiled", f.Speed()))
	}
	return append(out, pass("speed", "%d, 1000 is the reference; measured %s ago", f.Speed(), now.Sub(f.At).Round(time.Minute)))
}

// checkTrial begins a container: what the kernel seems to allow, it may still refuse.
func checkTrial(ctx context.Context, try func(context.Context, []string) error) check {
	const name = "trial"
	self, err := os.Executable()
	if err == nil {
		err = try(ctx, []string{self})
	}
	if err != nil {
		e := api.AsError(err)
		return note(name, e.Hint, "no container runs here, so that this machine offers WASM only: %s", e.Message)
	}
	return pass(name, "a container began and ended")
}

// noisy is a spread of figures that says more about what else ran than about the
// machine.
const noisy = 0.25

func (a *app) checkDaemon(ctx context.Context) []check {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := a.client()
	if err != nil {
		return []check{failed("daemon", err)}
	}
	defer c.Close()
	v, err := c.Version(ctx)
	if err != nil {
		return []check{failed("daemon", err)}
	}
	var out []check
	if v.API != api.Revision {
		return []check{fail("daemon", "restart the daemon with this artel", "it speaks API version %d, this program %d", v.API, api.Revision)}
	}
	s, err := c.Status(ctx)
	if err != nil {
		return []check{failed("daemon", err)}
	}
	out = append(out, pass("daemon", "release %s, process %d, up since %s", clean(s.Release), s.PID, clock(s.Started)))
	if !s.Chain.Reachable {
		out = append(out, fail("chain", "running work goes on, money questions wait until it is back", "the daemon cannot reach it: %s", clean(s.Chain.Message)))
	} else {
		out = append(out, pass("chain", "block %d, final %d, followed to %d", s.Chain.Head, s.Chain.Final, s.Chain.Followed), checkClock(s.Chain.HeadTime, time.Now()))
	}
	if s.Peers == 0 {
		out = append(out, fail("peers", "are the network file's bootstrap peers up, and UDP and TCP allowed out?", "there are none"))
	} else {
		out = append(out, pass("peers", "%d, listening on %d addresses", s.Peers, len(s.Addrs)))
	}
	if s.Reach == "private" {
		out = append(out, note("peers", "renting and providing work through relays; a forwarded port is faster", "others cannot dial this node directly"))
	}
	for _, n := range s.Notices {
		out = append(out, note("notice", "", "%s", clean(n)))
	}
	return out
}

// maxSkew is how far clocks may be apart.
const maxSkew = artel.ClockSkew * time.Second

// checkClock compares the chain's newest block with this clock. A block from
// the future is a clock that is slow; an old one may just be an idle chain.
func checkClock(head, now time.Time) check {
	if d := head.Sub(now); d > maxSkew {
		return fail("clock", "set the clock; timedatectl set-ntp true", "the chain's newest block is %s ahead of this machine", d.Round(time.Second))
	}
	if d := now.Sub(head); d > time.Hour {
		return note("clock", "the chain is idle or stands still, or this clock is fast", "the chain's newest block is %s old", d.Round(time.Second))
	}
	return pass("clock", "agrees with the chain")
}
