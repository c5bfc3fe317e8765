package host

import (
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// askFor bounds each command.
const askFor = 2 * time.Second

// How often commands are asked: those that tell of input when nothing else does, those
// that tell what counters do not see, the others, and one that failed.
const (
	toolEvery  = time.Second
	besideThen = 5 * time.Second
	netEvery   = 30 * time.Second
	failEvery  = time.Minute
)

// Refresh asks the machine's own programs for what no file shows: how long a desktop has
// been idle, whether the network is metered, whether a program has the whole screen. It
// may take seconds; what it found, Look shows. Called about once a second.
func (w *Watch) Refresh(ctx context.Context, now time.Time) {
	w.mu.Lock()
	ask, counting := w.ask, w.counting
	w.mu.Unlock()
	every := toolEvery
	if counting {
		every = besideThen
	}
	if w.due("input", now, every) {
		in := w.desktop(ctx, now, counting)
		w.mu.Lock()
		w.tool, w.toolAt = in, now
		w.mu.Unlock()
	}
	if ask.Metered && w.due("net", now, netEvery) {
		said := Unsaid
		if b, ok := w.run(ctx, now, "nmcli", "-t", "-f", "GENERAL.DEVICE,GENERAL.STATE,GENERAL.METERED", "device", "show"); ok {
			said = parseMetered(string(b))
		}
		w.mu.Lock()
		w.metered = said
		w.mu.Unlock()
	}
	if ask.Full && w.due("full", now, 2*time.Second) {
		said := Unsaid
		if b, ok := w.run(ctx, now, "xprop", "-root", "_NET_ACTIVE_WINDOW"); ok {
			if id := activeWindow(string(b)); id != "" {
				if b, ok := w.run(ctx, now, "xprop", "-id", id, "_NET_WM_STATE"); ok {
					said = No
					if strings.Contains(string(b), "_NET_WM_STATE_FULLSCREEN") {
						said = Yes
					}
				}
			}
		}
		w.mu.Lock()
		w.full = said
		w.mu.Unlock()
	}
}

func (w *Watch) due(what string, now time.Time, every time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at := w.next[what]; now.Before(at) && at.Sub(now) <= every {
		return false
	}
	w.next[what] = now.Add(every)
	return true
}

// may reports whether a command is to be tried: one that failed rests for a while.
func (w *Watch) may(name string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := w.next["command "+name]
	return !now.Before(at) || at.Sub(now) > failEvery
}

func (w *Watch) failed(name string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next["command "+name] = now.Add(failEvery)
}

func (w *Watch) run(ctx context.Context, now time.Time, name string, args ...string) ([]byte, bool) {
	if !w.may(name, now) {
		return nil, false
	}
	b, err := w.s.asks(ctx, name, args...)
	if err != nil {
		w.failed(name, now)
	}
	return b, err == nil
}

func (s System) asks(ctx context.Context, name string, args ...string) ([]byte, error) {
	if s.Command == nil {
		return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return s.Command(ctx, name, args...)
}

// desktop asks who draws the screen for how long nobody has touched anything. The
// session manager is asked last: it knows that a session is in use only as well as the
// desktop tells it, and some never do. Beside counters its word counts only where there is
// a keyboard or a mouse that they do not see.
func (w *Watch) desktop(ctx context.Context, now time.Time, counting bool) (in Input) {
	ask := func(name string, args ...string) string {
		b, _ := w.run(ctx, now, name, args...)
		return string(b)
	}
	if w.s.OS == "darwin" {
		d, ok := parseIOReg(ask("ioreg", "-c", "IOHIDSystem", "-d", "4"))
		return Input{ok, d, "macOS"}
	}
	if n, err := strconv.ParseUint(strings.TrimSpace(ask("xprintidle")), 10, 40); err == nil {
		return Input{true, time.Duration(n) * time.Millisecond, "the X server"}
	}
	if d, ok := parseMutter(ask("gdbus", "call", "--session", "--dest", "org.gnome.Mutter.IdleMonitor", "--object-path", "/org/gnome/Mutter/IdleMonitor/Core",
		"--method", "org.gnome.Mutter.IdleMonitor.GetIdletime")); ok {
		return Input{true, d, "GNOME"}
	}
	if counting {
		b, err := w.s.read("proc/bus/input/devices")
		if err != nil || !slices.ContainsFunc(inputDevices(string(b)), func(d inputDevice) bool { return d.user && d.bus == bluetooth }) {
			return Input{}
		}
	}
	for i, id := range sessions(ask("loginctl", "list-sessions", "--no-legend")) {
		if i == 8 {
			break
		}
		x := parseSession(ask("loginctl", "show-session", id, "-p", "Active", "-p", "IdleHint", "-p", "IdleSinceHint", "-p", "Type", "-p", "Remote"), now)
		if x.here && (!in.Known || x.idle < in.Ago) {
			in = Input{true, x.idle, "the session manager"}
		}
	}
	return in
}

// sessions are the ids in the first column.
func sessions(text string) (ids []string) {
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) > 1 && len(ids) < maxDevices && isID(f[0]) {
			ids = append(ids, f[0])
		}
	}
	return ids
}

// isID keeps a tool's word from being an option of the next.
func isID(s string) bool {
	return len(s) <= 32 && !strings.HasPrefix(s, "-") && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// session is what loginctl says of one.
type session struct {
	here bool // somebody may sit before it: active, graphical, of this machine
	idle time.Duration
}

func parseSession(text string, now time.Time) (x session) {
	v := map[string]string{}
	for line := range strings.Lines(text) {
		if k, val, ok := strings.Cut(strings.TrimSpace(line), "="); ok && len(v) < 32 {
			v[k] = val
		}
	}
	graphical := v["Type"] == "x11" || v["Type"] == "wayland" || v["Type"] == "mir"
	x.here = graphical && v["Active"] == "yes" && v["Remote"] != "yes"
	if us, err := strconv.ParseInt(v["IdleSinceHint"], 10, 52); err == nil && us > 0 && v["IdleHint"] == "yes" {
		x.idle = max(now.Sub(time.UnixMicro(us)), 0)
	}
	return x
}

// parseMutter reads "(uint64 1234,)".
func parseMutter(text string) (time.Duration, bool) {
	_, rest, ok := strings.Cut(text, "(uint64 ")
	number, _, _ := strings.Cut(rest, ",")
	n, err := strconv.ParseUint(number, 10, 48)
	return time.Duration(n) * time.Millisecond, ok && err == nil
}

// parseIOReg reads `"HIDIdleTime" = 1234`, in nanoseconds.
func parseIOReg(text string) (time.Duration, bool) {
	_, rest, ok := strings.Cut(text, `"HIDIdleTime" = `)
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	n, err := strconv.ParseInt(rest[:end], 10, 63)
	return time.Duration(n), ok && err == nil
}

// parseMetered reads nmcli's blocks of NAME:VALUE lines, one a device.
func parseMetered(text string) Said {
	said := Unsaid
	connected := false
	for line := range strings.Lines(text) {
		k, v, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch k {
		case "GENERAL.DEVICE":
			connected = false
		case "GENERAL.STATE":
			connected = strings.HasPrefix(v, "100 ") // and not "100 (connected (externally))"
			connected = connected && !strings.Contains(v, "externally")
		case "GENERAL.METERED":
			if connected && strings.HasPrefix(v, "yes") {
				return Yes
			} else if connected && strings.HasPrefix(v, "no") {
				said = No
			}
		}
	}
	return said
}

// activeWindow reads "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007".
func activeWindow(text string) string {
	_, id, ok := strings.Cut(text, "# 0x")
	id, _, _ = strings.Cut(strings.TrimSpace(id), ",")
	if n, err := strconv.ParseUint(id, 16, 32); ok && err == nil && n != 0 {
		return "0x" + strconv.FormatUint(n, 16)
	}
	return ""
}
