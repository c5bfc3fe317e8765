package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

// put changes a file of a made-up machine.
func put(s System, name, text string) {
	s.Files.(fstest.MapFS)[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
}

// says makes the machine's programs answer; those that are not named are not there.
func says(s *System, answers map[string]string) (asked map[string]int) {
	asked = map[string]int{}
	s.Command = func(_ context.Context, name string, args ...string) ([]byte, error) {
		asked[name]++
		line := strings.Join(append([]string{name}, args...), " ")
		for prefix, text := range answers {
			if strings.HasPrefix(line, prefix) {
				return []byte(text), nil
			}
		}
		return nil, &exec.Error{Name: name, Err: exec.ErrNotFound}
	}
	return asked
}

const devices = `I: Bus=0011 Vendor=0001 Product=0001 Version=ab41
N: Name="AT Translated Set 2 keyboard"
H: Handlers=sysrq kbd event0 leds

I: Bus=0018 Vendor=04f3 Product=3090 Version=0100
N: Name="ELAN1200:00 04F3:3090 Touchpad"
H: Handlers=mouse0 event1
`

func interrupts(kbd, pad, disk int) string {
	return fmt.Sprintf(`           CPU0       CPU1
   1:      %d          7  IR-IO-APIC    1-edge      i8042
  12:          0          %d  IR-IO-APIC   12-fasteoi   ELAN1200:00
  32:    3527       %d PCI-MSIX-0000:00:01.0   4-edge      nvme0q1
 NMI:          0          0   Non-maskable interrupts
 ERR:          0
`, kbd, pad, disk)
}

func TestInputByCounters(t *testing.T) {
	s := machine(map[string]string{"proc/interrupts": interrupts(1, 1, 1), "proc/bus/input/devices": devices,
		"sys/bus/usb/devices/1-2/urbnum": "100\n", "sys/bus/usb/devices/1-2:1.0/bInterfaceClass": "03\n", "sys/bus/usb/devices/1-2:1.0/bInterfaceProtocol": "02\n",
		"sys/bus/usb/devices/1-3/urbnum": "9\n", "sys/bus/usb/devices/1-3:1.0/bInterfaceClass": "03\n", "sys/bus/usb/devices/1-3:1.0/bInterfaceProtocol": "00\n"})
	w := s.NewWatch()
	now := noon
	ago := func() time.Duration {
		t.Helper()
		in := w.Look(now, 0).Input
		if !in.Known {
			t.Fatal("nothing is known")
		}
		return in.Ago
	}
	if ago() != 0 {
		t.Error("whoever starts a daemon is there")
	}
	for _, c := range []struct {
		what    string
		change  func()
		touched bool
	}{
		{"nothing", func() {}, false},
		{"the disk", func() { put(s, "proc/interrupts", interrupts(1, 1, 99)) }, false},
		{"a key", func() { put(s, "proc/interrupts", interrupts(2, 1, 99)) }, true},
		{"the touchpad", func() { put(s, "proc/interrupts", interrupts(2, 5, 99)) }, true},
		{"a mouse on USB", func() { put(s, "sys/bus/usb/devices/1-2/urbnum", "101") }, true},
		{"a UPS on USB", func() { put(s, "sys/bus/usb/devices/1-3/urbnum", "10") }, false},
		{"a keyboard that is plugged in", func() {
			put(s, "sys/bus/usb/devices/1-4/urbnum", "1")
			put(s, "sys/bus/usb/devices/1-4:1.0/bInterfaceClass", "03")
			put(s, "sys/bus/usb/devices/1-4:1.0/bInterfaceProtocol", "01")
		}, true},
		{"nonsense", func() { put(s, "sys/bus/usb/devices/1-2/urbnum", "\x1b[2J") }, false},
	} {
		now = now.Add(time.Minute)
		was := ago()
		now = now.Add(time.Second)
		c.change()
		if got := ago(); c.touched && got != 0 || !c.touched && got != was+time.Second {
			t.Errorf("%s: used %s ago, was %s", c.what, got, was)
		}
	}
}

func TestInputByTerminals(t *testing.T) {
	s := machine(map[string]string{"dev/pts/0": "", "dev/pts/3": "", "dev/pts/ptmx": "", "dev/tty1": ""})
	at := map[string]time.Time{"/dev/pts/0": noon.Add(-time.Hour), "/dev/pts/3": noon.Add(-9 * time.Second), "/dev/pts/ptmx": noon, "/dev/tty1": noon.Add(time.Hour)}
	s.Accessed = func(path string) time.Time { return at[path] }
	if in := s.NewWatch().Look(noon, 0).Input; !in.Known || in.Ago != 9*time.Second {
		t.Errorf("%+v: not that of /dev/pts/3: one from the future and the multiplexer do not count", in)
	}
	if in := machine(nil).NewWatch().Look(noon, 0).Input; in.Known {
		t.Errorf("%+v on a machine that shows nothing", in)
	}
}

func TestInputByTools(t *testing.T) {
	idle := fmt.Sprintf("Type=wayland\nActive=yes\nRemote=no\nIdleHint=yes\nIdleSinceHint=%d\n", noon.Add(-7*time.Minute).UnixMicro())
	blue := devices + "\nI: Bus=0005 Vendor=1\nN: Name=\"Mouse\"\nH: Handlers=mouse1 event9\n"
	for name, c := range map[string]struct {
		os      string
		files   map[string]string
		answers map[string]string
		known   bool
		ago     time.Duration
	}{
		"X":         {"", nil, map[string]string{"xprintidle": "61000\n"}, true, 61 * time.Second},
		"GNOME":     {"", nil, map[string]string{"gdbus call --session": "(uint64 1500,)\n"}, true, 1500 * time.Millisecond},
		"X says no": {"", nil, map[string]string{"xprintidle": "couldn't open display\n"}, false, 0},
		"macOS":     {"darwin", nil, map[string]string{"ioreg": `  | "HIDIdleTime" = 3000000000` + "\n"}, true, 3 * time.Second},
		"session idle": {"", nil, map[string]string{"loginctl list-sessions": "2 1000 alice seat0 tty2\n", "loginctl show-session 2": idle},
			true, 7 * time.Minute},
		"session in use": {"", nil, map[string]string{"loginctl list-sessions": "2 1000 alice seat0 tty2\n",
			"loginctl show-session 2": "Type=x11\nActive=yes\nIdleHint=no\n"}, true, 0},
		"two sessions": {"", nil, map[string]string{"loginctl list-sessions": "2 1000 alice\nc3 1001 bob\n-p 1 mallory\n",
			"loginctl show-session 2": idle, "loginctl show-session c3": "Type=x11\nActive=yes\nIdleHint=no\n"}, true, 0},
		"remote session": {"", nil, map[string]string{"loginctl list-sessions": "2 1000 alice\n", "loginctl show-session 2": "Type=x11\nActive=yes\nRemote=yes\nIdleHint=no\n"}, false, 0},
		"text session":   {"", nil, map[string]string{"loginctl list-sessions": "2 1000 alice\n", "loginctl show-session 2": "Type=tty\nActive=yes\nIdleHint=no\n"}, false, 0},
		"Bluetooth beside counters": {"", map[string]string{"proc/interrupts": interrupts(1, 1, 1), "proc/bus/input/devices": blue},
			map[string]string{"loginctl list-sessions": "2 1000 alice\n", "loginctl show-session 2": "Type=x11\nActive=yes\nIdleHint=no\n"}, true, 0},
		"garbage": {"", nil, map[string]string{"xprintidle": "-1", "gdbus": "(uint64 x", "loginctl": "\x00\n\n  \n"}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := machine(c.files)
			if c.os != "" {
				s.OS = c.os
			}
			says(&s, c.answers)
			w := s.NewWatch()
			w.Look(noon.Add(-time.Hour), 0)
			w.Refresh(t.Context(), noon)
			in := w.Look(noon, 0).Input
			if in.Known != c.known || in.Ago != c.ago {
				t.Errorf("%+v, want known %v, %s ago", in, c.known, c.ago)
			}
			if c.known {
				if later := w.Look(noon.Add(time.Second), 0).Input; later.Ago != c.ago+time.Second {
					t.Errorf("a second later without a new answer: %+v", later)
				}
			}
		})
	}
}

// The session manager's "in use" is often all that a desktop ever tells it: where counters
// see every device, they are believed.
func TestCountersAreBetterThanAHint(t *testing.T) {
	s := machine(map[string]string{"proc/interrupts": interrupts(1, 1, 1), "proc/bus/input/devices": devices})
	asked := says(&s, map[string]string{"loginctl list-sessions": "2 1000 alice\n", "loginctl show-session 2": "Type=x11\nActive=yes\nIdleHint=no\n"})
	w := s.NewWatch()
	w.Look(noon, 0)
	w.Refresh(t.Context(), noon)
	if in := w.Look(noon.Add(time.Hour), 0).Input; in.Ago != time.Hour || asked["loginctl"] != 0 {
		t.Errorf("%+v, loginctl was asked %d times", in, asked["loginctl"])
	}
}

func TestToolsThatFailRest(t *testing.T) {
	s := machine(nil)
	asked := says(&s, nil)
	w := s.NewWatch()
	w.Ask(Ask{Metered: true, Full: true})
	now := noon
	for range 59 {
		w.Refresh(t.Context(), now)
		now = now.Add(time.Second)
	}
	for name, n := range asked {
		if n != 1 {
			t.Errorf("%s was started %d times in a minute although it is not there", name, n)
		}
	}
	now = now.Add(time.Minute)
	w.Refresh(t.Context(), now)
	if asked["nmcli"] != 2 || asked["xprintidle"] != 2 {
		t.Errorf("later it is tried again: %v", asked)
	}
}

func TestLoadOfOthers(t *testing.T) {
	stat := func(user, idle int) string {
		return fmt.Sprintf("cpu  %d 0 0 %d 50 0 0 0 7 0\ncpu0 1 2 3 4 5\ncpu1 1 2 3 4 5\nintr 1 2 3\nctxt 9\n", user, idle)
	}
	s := machine(map[string]string{"proc/stat": stat(1000, 1000)})
	w := s.NewWatch()
	if l := w.Look(noon, time.Hour).Load; l.Known {
		t.Errorf("by the first look: %+v", l)
	}
	now, own := noon, time.Hour
	for i := 1; i <= 60; i++ { // two processors, both busy: three quarters of it ours
		now, own = now.Add(time.Second), own+1500*time.Millisecond
		put(s, "proc/stat", stat(1000+200*i, 1000))
		w.Look(now, own)
	}
	if l := w.Look(now, own).Load; !l.Known || l.Cores != 2 || l.Others < 0.49 || l.Others > 0.51 {
		t.Errorf("%+v, want half a processor of others", l)
	}
	for _, bad := range []string{"", "cpu\n", "cpu a b c d e\ncpu0 1 1 1 1\n", "cpu 1 1 1 1\ncpu0 1 1 1 1\n", strings.Repeat("cpu9 ", 1<<16)} {
		put(s, "proc/stat", bad)
		now = now.Add(time.Second)
		if l := w.Look(now, 0).Load; l.Others < 0 || l.Others > 2 {
			t.Errorf("%.20q: %+v", bad, l)
		}
	}
}

func TestBattery(t *testing.T) {
	ps := func(files ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(files); i += 2 {
			m["sys/class/power_supply/"+files[i]] = files[i+1] + "\n"
		}
		return m
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  Battery
	}{
		"none":        {nil, Battery{false, false, -1}},
		"on mains":    {ps("AC/type", "Mains", "AC/online", "1", "BAT0/type", "Battery", "BAT0/status", "Charging", "BAT0/capacity", "80"), Battery{true, false, 80}},
		"on battery":  {ps("AC/type", "Mains", "AC/online", "0", "BAT0/type", "Battery", "BAT0/status", "Discharging", "BAT0/capacity", "42"), Battery{true, true, 42}},
		"by USB-C":    {ps("U/type", "USB", "U/online", "1", "BAT0/type", "Battery", "BAT0/status", "Discharging", "BAT0/capacity", "42"), Battery{true, false, 42}},
		"a mouse's":   {ps("m/type", "Battery", "m/scope", "Device", "m/status", "Discharging", "m/capacity", "3"), Battery{false, false, -1}},
		"two of them": {ps("A/type", "Battery", "A/status", "Full", "A/capacity", "100", "B/type", "Battery", "B/status", "Discharging", "B/capacity", "5"), Battery{true, true, 100}},
		"nonsense":    {ps("A/type", "Battery", "A/status", "\x1b[2J", "A/capacity", "-5"), Battery{true, false, -1}},
	} {
		if got := machine(c.files).NewWatch().Look(noon, 0).Battery; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestHeat(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  Heat
	}{
		"nothing": {nil, Heat{}},
		"hottest of the processor's": {map[string]string{"sys/class/hwmon/hwmon0/name": "coretemp\n", "sys/class/hwmon/hwmon0/temp1_input": "61000\n", "sys/class/hwmon/hwmon0/temp2_input": "72500\n",
			"sys/class/hwmon/hwmon1/name": "nvme\n", "sys/class/hwmon/hwmon1/temp1_input": "85000\n"}, Heat{true, 72.5, "coretemp"}},
		"by its zone": {map[string]string{"sys/class/thermal/thermal_zone0/type": "acpitz\n", "sys/class/thermal/thermal_zone0/temp": "99000\n",
			"sys/class/thermal/thermal_zone1/type": "x86_pkg_temp\n", "sys/class/thermal/thermal_zone1/temp": "55000\n"}, Heat{true, 55, "x86_pkg_temp"}},
		"the firmware's, where there is no other": {map[string]string{"sys/class/thermal/thermal_zone0/type": "acpitz\n", "sys/class/thermal/thermal_zone0/temp": "40000\n"}, Heat{true, 40, "acpitz"}},
		"absurd": {map[string]string{"sys/class/thermal/thermal_zone0/type": "cpu-thermal\n", "sys/class/thermal/thermal_zone0/temp": "-274000\n",
			"sys/class/hwmon/hwmon0/name": "k10temp\n", "sys/class/hwmon/hwmon0/temp1_input": "999999999999\n"}, Heat{}},
	} {
		if got := machine(c.files).NewWatch().Look(noon, 0).Heat; got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestMetered(t *testing.T) {
	for text, want := range map[string]Said{
		"GENERAL.DEVICE:wlan0\nGENERAL.STATE:100 (connected)\nGENERAL.METERED:yes (guessed)\n":                      Yes,
		"GENERAL.DEVICE:eth0\nGENERAL.STATE:100 (connected)\nGENERAL.METERED:no (guessed)\n":                        No,
		"GENERAL.DEVICE:eth0\nGENERAL.STATE:100 (connected)\nGENERAL.METERED:unknown\n":                             Unsaid,
		"GENERAL.DEVICE:wwan0\nGENERAL.STATE:30 (disconnected)\nGENERAL.METERED:yes\n":                              Unsaid,
		"GENERAL.DEVICE:docker0\nGENERAL.STATE:100 (connected (externally))\nGENERAL.METERED:yes\n":                 Unsaid,
		"GENERAL.STATE:100 (connected)\nGENERAL.METERED:no\n\nGENERAL.STATE:100 (connected)\nGENERAL.METERED:yes\n": Yes,
		"": Unsaid, "\x00:::": Unsaid,
	} {
		if got := parseMetered(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestFullScreen(t *testing.T) {
	s := machine(nil)
	answers := map[string]string{"xprop -root": "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x3a00007\n",
		"xprop -id 0x3a00007": "_NET_WM_STATE(ATOM) = _NET_WM_STATE_FULLSCREEN\n"}
	says(&s, answers)
	w := s.NewWatch()
	w.Ask(Ask{Full: true})
	look := func(now time.Time) Said { w.Refresh(t.Context(), now); return w.Look(now, 0).Full }
	if got := look(noon); got != Yes {
		t.Errorf("a film: %d", got)
	}
	answers["xprop -id 0x3a00007"] = "_NET_WM_STATE(ATOM) = \n"
	if got := look(noon.Add(3 * time.Second)); got != No {
		t.Errorf("a window: %d", got)
	}
	answers["xprop -root"] = "_NET_ACTIVE_WINDOW(WINDOW): window id # 0x0\n; rm -rf"
	if got := look(noon.Add(6 * time.Second)); got != Unsaid {
		t.Errorf("nothing: %d", got)
	}
}

func TestPrograms(t *testing.T) {
	s := machine(map[string]string{"proc/1/comm": "systemd\n", "proc/70/comm": "bash\n", "proc/self/comm": "steam\n", "proc/driver/nvidia/version": ""})
	w := s.NewWatch()
	w.Ask(Ask{Programs: []string{"Steam", "half-life-2-linux", "wine*", "*.exe"}})
	now := noon
	look := func() string { now = now.Add(time.Second); return w.Look(now, 0).Program }
	if got := look(); got != "" {
		t.Errorf("found %q", got)
	}
	put(s, "proc/71/comm", "steam\n")
	if got := look(); got != "steam" {
		t.Errorf("found %q", got)
	}
	delete(s.Files.(fstest.MapFS), "proc/71/comm")
	if got := look(); got != "" {
		t.Errorf("found %q after its end", got)
	}
	put(s, "proc/72/comm", "sh\n") // has just been started, and becomes another program
	look()
	put(s, "proc/72/comm", "half-life-2-lin\n")
	if got := look(); got != "half-life-2-lin" {
		t.Errorf("found %q: the kernel keeps fifteen letters", got)
	}
	put(s, "proc/72/comm", "sh\n")
	for range 10 {
		look()
	}
	put(s, "proc/70/comm", "Game.exe\n") // an old one does so: seen with the next look at all
	found := ""
	for range int(rescan/time.Second) + 1 {
		found = look()
	}
	if found != "Game.exe" {
		t.Errorf("found %q", found)
	}
}

func TestNamed(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{"steam", "steam", true}, {"steamwebhelper", "steam", false}, {"steamwebhelper", "steam*", true}, {"wine64-preload", "wine*load", true},
		{"wine", "wine*load", false}, {"game.exe", "*.exe", true}, {"a.exe.b", "*.exe", false}, {"abc", "a*b*c", true}, {"acb", "a*b*c", false}, {"", "*", false}, {"x", "*", true},
	} {
		if got := named(c.name, c.pattern); got != c.want {
			t.Errorf("named(%q, %q) = %v", c.name, c.pattern, got)
		}
	}
}

// This machine can be looked at, whatever it is.
func TestWatchThisMachine(t *testing.T) {
	w := Local().NewWatch()
	w.Ask(Ask{Programs: []string{"no-such-program"}})
	w.Look(time.Now(), 0)
	p := w.Look(time.Now(), 0)
	if p.Program != "" || p.Load.Others < 0 || p.Input.Ago < 0 {
		t.Errorf("%+v", p)
	}
}

func BenchmarkLook(b *testing.B) {
	w := Local().NewWatch()
	w.Ask(Ask{Programs: []string{"steam", "wine*"}})
	for now := time.Now(); b.Loop(); now = now.Add(500 * time.Millisecond) {
		w.Look(now, 0)
	}
}

func FuzzPresence(f *testing.F) {
	f.Add([]byte(interrupts(1, 2, 3)), []byte(devices), []byte("GENERAL.STATE:100 (connected)\nGENERAL.METERED:yes\n"))
	f.Add([]byte("1: 18446744073709551615 18446744073709551615 i8042"), []byte("I: Bus=\nN: Name=\n"), []byte("(uint64 99999999999999999999,)\"HIDIdleTime\" = -1"))
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		s := machine(map[string]string{"proc/interrupts": string(a), "proc/bus/input/devices": string(b), "proc/stat": string(a), "proc/meminfo": string(b), "proc/1/comm": string(c)})
		s.Command = func(context.Context, string, ...string) ([]byte, error) { return c, nil }
		w := s.NewWatch()
		w.Ask(Ask{Programs: []string{"*"}, Metered: true, Full: true})
		for i := range 3 {
			now := noon.Add(time.Duration(i) * time.Hour)
			w.Refresh(t.Context(), now)
			p := w.Look(now, time.Duration(i)*time.Second)
			if p.Input.Ago < 0 || p.Load.Others < 0 || p.Program != printable(p.Program, 64) || len(p.Input.By) > 80 {
				t.Fatalf("%+v", p)
			}
		}
	})
}
