package host

import (
	"io/fs"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Presence is what a machine tells of its owner at one moment.
type Presence struct {
	Input   Input
	Load    Load
	Battery Battery
	Heat    Heat
	Memory  Memory // of the whole machine; zero: not known
	Metered Said   // the connection to the world is paid for by what goes through it
	Full    Said   // a program has the whole screen
	Program string // a process of a name that was asked for; empty: there is none
}

// Said is what somebody else's tool says: yes, no, or nothing.
type Said uint8

// What is said.
const (
	Unsaid Said = iota
	No
	Yes
)

// Input is when somebody last used keyboard, mouse or a terminal.
type Input struct {
	Known bool
	Ago   time.Duration
	By    string // what told, for people
}

// Load is what the machine's programs use, but for artel's own.
type Load struct {
	Known  bool
	Others float64 // processors, of late: an average over about five seconds
	Cores  int     // that there are
}

// Battery is where the power comes from.
type Battery struct {
	There   bool
	On      bool // it is what the machine runs on
	Percent int  // of its charge; -1: not known
}

// Heat is the hottest processor of the machine.
type Heat struct {
	Known   bool
	Celsius float64
	Of      string
}

// Ask is what Watch looks for beside what is always cheap to see.
type Ask struct {
	// Programs are names of processes; * stands for any letters. Case does not count.
	Programs []string
	// Metered and Full are asked of other programs of the machine.
	Metered, Full bool
}

// Watch looks at a machine again and again. Look and Refresh may run side by side.
type Watch struct {
	s System

	mu       sync.Mutex
	ask      Ask
	counts   map[string]uint64 // of input devices
	touched  time.Time         // when a counter last moved
	stat     cpuTime
	own      time.Duration
	at       time.Time // of the look before
	others   float64
	seen     map[string]process
	scanned  time.Time
	tool     Input     // as of toolAt
	toolAt   time.Time // zero: no tool says anything
	counting bool      // counters are there
	metered  Said
	full     Said
	next     map[string]time.Time // when a command is asked again
}

// NewWatch returns a watch of the machine.
func (s System) NewWatch() *Watch {
	return &Watch{s: s, next: map[string]time.Time{}, seen: map[string]process{}}
}

// Ask sets what is looked for from now on.
func (w *Watch) Ask(a Ask) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ask, w.seen = a, map[string]process{}
}

// Look reads what the kernel shows; it starts nothing and waits for nobody. own is the
// processor time that artel and its sandboxes have used so far: a number that grows.
func (w *Watch) Look(now time.Time, own time.Duration) Presence {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := Presence{Input: w.input(now), Load: w.load(now, own), Battery: w.s.battery(), Heat: w.s.heat(), Metered: w.metered, Full: w.full}
	if b, err := w.s.read("proc/meminfo"); err == nil {
		p.Memory = Memory{Total: kib(b, "MemTotal"), Available: kib(b, "MemAvailable")}
	}
	p.Program = w.program(now)
	w.at = now
	return p
}

// Bounds of what is looked through.
const (
	maxEntries = 4096 // of a directory, but for processes
	maxDevices = 256
)

// entries lists a directory, as far as it is worth it.
func (s System) entries(dir string) []string {
	list, err := fs.ReadDir(s.Files, dir)
	if err != nil && len(list) == 0 {
		return nil
	}
	var names []string
	for _, e := range list[:min(len(list), maxEntries)] {
		names = append(names, e.Name())
	}
	return names
}

// input combines what counters, terminals and tools say: the newest input counts.
func (w *Watch) input(now time.Time) Input {
	counts := w.s.inputCounts()
	var in Input
	add := func(at time.Time, by string) {
		ago := max(now.Sub(at), 0)
		if !in.Known || ago < in.Ago {
			in = Input{true, ago, by}
		}
	}
	w.counting = len(counts) > 0
	if w.counting {
		if w.touched.IsZero() { // whoever starts a daemon is there
			w.touched = now
		}
		for name, n := range counts {
			if was, ok := w.counts[name]; ok && was != n {
				w.touched = now
			} else if !ok && w.counts != nil {
				w.touched = now // just plugged in
			}
		}
		add(w.touched, "the counters of keyboard and mouse")
	}
	w.counts = counts
	if at := w.s.terminals(now); !at.IsZero() {
		add(at, "a terminal")
	}
	if !w.toolAt.IsZero() && w.tool.Known {
		add(w.toolAt.Add(-w.tool.Ago), w.tool.By)
	}
	return in
}

// inputCounts are numbers that grow with each key and each move of the mouse: the
// interrupts of devices of a laptop, and the transfers of those on USB. Everybody may
// read them, and they do not tell which key it was.
func (s System) inputCounts() map[string]uint64 {
	counts := map[string]uint64{}
	if b, err := s.read("proc/interrupts"); err == nil {
		s.interrupts(string(b), counts)
	}
	hid := map[string]bool{}
	usb := s.entries("sys/bus/usb/devices")
	for _, name := range usb {
		device, _, isInterface := strings.Cut(name, ":")
		if !isInterface || len(hid) >= maxDevices {
			continue
		}
		dir := path.Join("sys/bus/usb/devices", name)
		class, _ := s.line(path.Join(dir, "bInterfaceClass"))
		kind, _ := s.line(path.Join(dir, "bInterfaceProtocol"))
		if class == "03" && (kind == "01" || kind == "02") { // a keyboard or a mouse: a UPS speaks HID too
			hid[device] = true
		}
	}
	for device := range hid {
		if t, ok := s.line(path.Join("sys/bus/usb/devices", device, "urbnum")); ok {
			if n, err := strconv.ParseUint(t, 10, 64); err == nil {
				counts["usb "+device] = n
			}
		}
	}
	return counts
}

// interrupts adds up those of the old controller of keyboards and mice, and of devices
// on I²C, which the kernel calls by the device's name.
func (s System) interrupts(text string, counts map[string]uint64) {
	names := map[string]bool{"i8042": true}
	if b, err := s.read("proc/bus/input/devices"); err == nil {
		for _, d := range inputDevices(string(b)) {
			if first, _, _ := strings.Cut(d.name, " "); d.bus == i2c && first != "" && len(names) < maxDevices {
				names[first] = true
			}
		}
	}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 3 || !strings.HasSuffix(f[0], ":") || !names[f[len(f)-1]] {
			continue
		}
		var sum uint64
		for _, c := range f[1:] {
			n, err := strconv.ParseUint(c, 10, 64)
			if err != nil {
				break
			}
			sum += n
		}
		counts["interrupt "+strings.TrimSuffix(f[0], ":")] += sum
	}
}

// The bus of an input device, as the kernel numbers them.
const (
	i2c       = "0018"
	bluetooth = "0005"
)

// inputDevice is a block of /proc/bus/input/devices.
type inputDevice struct {
	bus, name string
	user      bool // it is a keyboard or a pointer
}

func inputDevices(text string) (list []inputDevice) {
	var d inputDevice
	flush := func() {
		if d != (inputDevice{}) && len(list) < maxDevices {
			list = append(list, d)
		}
		d = inputDevice{}
	}
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch kind {
		case "I":
			flush()
			_, bus, _ := strings.Cut(rest, "Bus=")
			d.bus, _, _ = strings.Cut(bus, " ")
		case "N":
			_, name, _ := strings.Cut(rest, "Name=")
			d.name = printable(strings.Trim(name, `"`), 80)
		case "H":
			d.user = strings.Contains(rest, "kbd") || strings.Contains(rest, "mouse")
		}
	}
	flush()
	return list
}

// terminals returns when one was last read from: the kernel notes it, to eight seconds.
func (s System) terminals(now time.Time) (last time.Time) {
	if s.Accessed == nil {
		return last
	}
	look := func(name string) {
		if at := s.Accessed("/" + name); !at.IsZero() && at.After(last) && !at.After(now.Add(time.Minute)) {
			last = at
		}
	}
	pts := s.entries("dev/pts")
	for _, n := range pts[:min(len(pts), maxDevices)] {
		if isNumber(n) {
			look("dev/pts/" + n)
		}
	}
	for n := range 64 {
		if name := "dev/tty" + strconv.Itoa(n); n > 0 && s.exists(name) {
			look(name)
		}
	}
	return last
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// cpuTime is the first line of /proc/stat, in ticks of a hundredth of a second.
type cpuTime struct{ busy, all uint64 }

// tick is a hundredth: USER_HZ is 100 wherever Go runs.
const tick = 10 * time.Millisecond

func parseStat(text string) (t cpuTime, cores int) {
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 || !strings.HasPrefix(f[0], "cpu") {
			break // they come first
		}
		if f[0] != "cpu" {
			cores++
			continue
		}
		for i, word := range f[1:min(len(f), 9)] { // guests are counted with the users already
			n, err := strconv.ParseUint(word, 10, 60)
			if err != nil {
				return cpuTime{}, 0
			}
			t.all += n
			if i != 3 && i != 4 { // idle, and idle while a disk is waited for
				t.busy += n
			}
		}
	}
	return t, cores
}

// load subtracts what is ours from what all use.
func (w *Watch) load(now time.Time, own time.Duration) Load {
	b, err := w.s.read("proc/stat")
	if err != nil {
		return Load{}
	}
	stat, cores := parseStat(string(b))
	if cores == 0 {
		return Load{}
	}
	was, ownWas, dt := w.stat, w.own, now.Sub(w.at)
	w.stat, w.own = stat, own
	if was.all == 0 || stat.all <= was.all || stat.busy < was.busy || dt <= 0 || own < ownWas {
		return Load{Known: was.all != 0, Others: w.others, Cores: cores}
	}
	busy := float64(stat.busy-was.busy) * tick.Seconds()
	used := (busy - (own - ownWas).Seconds()) / dt.Seconds()
	used = min(max(used, 0), float64(cores))
	w.others += (used - w.others) * (1 - math.Exp(-dt.Seconds()/5))
	return Load{Known: true, Others: w.others, Cores: cores}
}

// battery looks at the machine's own power supplies, not at those of its mice.
func (s System) battery() Battery {
	b := Battery{Percent: -1}
	const dir = "sys/class/power_supply"
	mains, draws := false, false
	names := s.entries(dir)
	for _, n := range names[:min(len(names), maxDevices)] {
		of := func(file string) string { t, _ := s.line(path.Join(dir, n, file)); return t }
		switch of("type") {
		case "Mains", "USB":
			mains = mains || of("online") == "1"
		case "Battery":
			if of("scope") == "Device" {
				continue
			}
			b.There = true
			draws = draws || of("status") == "Discharging"
			if c, err := strconv.Atoi(of("capacity")); err == nil && c >= 0 && c <= 100 {
				b.Percent = max(b.Percent, c)
			}
		}
	}
	b.On = b.There && draws && !mains
	return b
}

// Sensors of processors, as drivers call them. Others measure the room or a disk.
var (
	zones = []string{"x86_pkg_temp", "cpu", "soc", "acpitz"}
	chips = []string{"coretemp", "k10temp", "zenpower", "cpu_thermal", "amdgpu", "nouveau"}
)

// heat is the hottest of them. A zone of the firmware (acpitz), which is often a
// constant, counts only where there is nothing else.
func (s System) heat() (hot Heat) {
	note := func(milli, of string) {
		n, err := strconv.ParseInt(milli, 10, 32)
		if c := float64(n) / 1000; err == nil && c > 0 && c < 150 && (!hot.Known || c > hot.Celsius) {
			hot = Heat{true, c, printable(of, 40)}
		}
	}
	const dir = "sys/class/hwmon"
	names := s.entries(dir)
	for _, n := range names[:min(len(names), maxDevices)] {
		chip, _ := s.line(path.Join(dir, n, "name"))
		if !slices.Contains(chips, chip) {
			continue
		}
		files := s.entries(path.Join(dir, n))
		for _, f := range files[:min(len(files), maxDevices)] {
			if strings.HasPrefix(f, "temp") && strings.HasSuffix(f, "_input") {
				t, _ := s.line(path.Join(dir, n, f))
				note(t, chip)
			}
		}
	}
	for _, kind := range zones {
		if hot.Known {
			break
		}
		for i := range 64 {
			z := path.Join("sys/class/thermal", "thermal_zone"+strconv.Itoa(i))
			name, ok := s.line(path.Join(z, "type"))
			if !ok {
				break
			}
			if strings.HasPrefix(strings.ToLower(name), kind) {
				t, _ := s.line(path.Join(z, "temp"))
				note(t, name)
			}
		}
	}
	return hot
}

// process is one that was looked at.
type process struct {
	name  string
	since time.Time // when it was first seen
}

// How often all processes are looked at again, for what a program that was started is
// replaced by; those that are new are looked at each time for as long.
const rescan = 5 * time.Second

// maxProcesses is how many are looked through.
const maxProcesses = 32768

// program returns a process that was asked for.
func (w *Watch) program(now time.Time) string {
	if len(w.ask.Programs) == 0 {
		return ""
	}
	list, err := fs.ReadDir(w.s.Files, "proc")
	if err != nil && len(list) == 0 {
		return ""
	}
	all := now.Sub(w.scanned) >= rescan || now.Before(w.scanned)
	if all {
		w.scanned = now
	}
	next := make(map[string]process, len(w.seen))
	found := ""
	for _, e := range list[:min(len(list), maxProcesses)] {
		pid := e.Name()
		if pid[0] < '1' || pid[0] > '9' {
			continue
		}
		p, known := w.seen[pid]
		if !known {
			p.since = now
		}
		if age := now.Sub(p.since); !known || all || age < rescan {
			comm, _ := w.s.line(path.Join("proc", pid, "comm"))
			p.name = printable(comm, 64)
		}
		next[pid] = p
		if found == "" && slices.ContainsFunc(w.ask.Programs, func(pattern string) bool { return named(p.name, pattern) }) {
			found = p.name
		}
	}
	w.seen = next
	return found
}

// commLen is how much of a program's name the kernel keeps.
const commLen = 15

// named reports whether a process's name is meant by a pattern.
func named(name, pattern string) bool {
	name, pattern = strings.ToLower(name), strings.ToLower(pattern)
	if name == "" {
		return false
	}
	if !strings.Contains(pattern, "*") {
		return name == pattern[:min(len(pattern), commLen)]
	}
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(name, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, p)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
