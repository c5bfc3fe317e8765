package owner

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/internal/yamlfile"
)

// A Wednesday.
var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

func parse(t *testing.T, text string) Policy {
	t.Helper()
	p, err := Parse(FileName, []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

const strict = `idle: 5m
hours: [08:00-18:00, Sat-Sun]
load: 50%
battery: 60%
temperature: 80
metered: no
fullscreen: no
not-while: [steam]
`

// quiet is a machine on which all that strict wants is so.
func quiet() Seen {
	return Seen{Presence: host.Presence{
		Input: host.Input{Known: true, Ago: time.Hour}, Load: host.Load{Known: true, Others: 0.5, Cores: 8}, Battery: host.Battery{There: true, On: true, Percent: 90},
		Heat: host.Heat{Known: true, Celsius: 60}, Memory: host.Memory{Total: 16 << 30, Available: 8 << 30}, Metered: host.No, Full: host.No,
	}, Price: 100, Cost: 50}
}

// One change to a quiet machine, and what follows.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		name   string
		extra  string // lines of the policy
		change func(*Seen)
		at     time.Time
		want   Action
		why    string
	}{
		{"nothing", "", func(*Seen) {}, noon, Run, ""},
		{"a key", "", func(s *Seen) { s.Input.Ago = 0 }, noon, Freeze, "somebody is using the machine; it goes on when keyboard and mouse have rested for 5m"},
		{"just under", "", func(s *Seen) { s.Input.Ago = 5*time.Minute - 1 }, noon, Freeze, "somebody"},
		{"rested", "", func(s *Seen) { s.Input.Ago = 5 * time.Minute }, noon, Run, ""},
		{"input unknown", "", func(s *Seen) { s.Input = host.Input{} }, noon, Run, ""},
		{"evening", "", func(*Seen) {}, noon.Add(6 * time.Hour), Freeze, "not its hours"},
		{"Saturday evening", "", func(*Seen) {}, noon.Add(3*24*time.Hour + 6*time.Hour), Run, ""},
		{"load", "", func(s *Seen) { s.Load.Others = 4.1 }, noon, Freeze, "more than 50%"},
		{"load at the limit", "", func(s *Seen) { s.Load.Others = 4 }, noon, Run, ""},
		{"load unknown", "", func(s *Seen) { s.Load = host.Load{Others: 8} }, noon, Run, ""},
		{"battery low", "", func(s *Seen) { s.Battery.Percent = 59 }, noon, Freeze, "less than 60%"},
		{"charging", "", func(s *Seen) { s.Battery.Percent, s.Battery.On = 5, false }, noon, Run, ""},
		{"charge unknown", "", func(s *Seen) { s.Battery.Percent = -1 }, noon, Freeze, "less than 60%"},
		{"heat", "", func(s *Seen) { s.Heat.Celsius = 80.5 }, noon, Freeze, "hotter than 80 °C"},
		{"metered", "", func(s *Seen) { s.Metered = host.Yes }, noon, Freeze, "metered"},
		{"metered unsaid", "", func(s *Seen) { s.Metered = host.Unsaid }, noon, Run, ""},
		{"film", "", func(s *Seen) { s.Full = host.Yes }, noon, Freeze, "whole screen"},
		{"game", "", func(s *Seen) { s.Program = "steam" }, noon, Freeze, "steam runs"},
		{"evict at once", "give-way: evict\n", func(s *Seen) { s.Program = "steam" }, noon, Evict, "steam runs"},
		{"drain", "give-way: drain\n", func(s *Seen) { s.Program = "steam" }, noon, Drain, "steam runs"},
		{"paused", "give-way: evict\n", func(s *Seen) { s.Pause = &Pause{How: Freeze} }, noon, Freeze, "its owner has paused it"},
		{"paused until", "", func(s *Seen) { s.Pause = &Pause{How: Drain, Until: noon.Add(time.Hour)} }, noon, Drain, "until 13:00 on 2 January"},
		{"pause over", "", func(s *Seen) { s.Pause = &Pause{How: Drain, Until: noon} }, noon, Run, ""},
		{"paused while at it", "", func(s *Seen) { s.Input.Ago, s.Pause = 0, &Pause{How: Evict} }, noon, Evict, "paused"},
		{"traffic", "traffic: 100GB\n", func(s *Seen) { s.Traffic = 100e9 }, noon, Rest, "100.0 GB have gone"},
		{"traffic left", "traffic: 100GB\n", func(s *Seen) { s.Traffic = 99e9 }, noon, Run, ""},
		{"power", "", func(s *Seen) { s.Cost = 101 }, noon, Rest, "power costs more"},
		{"power and a key", "", func(s *Seen) { s.Cost, s.Input.Ago = 101, 0 }, noon, Freeze, "somebody"},
		{"little memory while it runs", "", func(s *Seen) { s.Memory.Available = 1 << 20 }, noon, Run, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := quiet()
			c.change(&seen)
			got := parse(t, strict+c.extra).Decide(State{}, seen, c.at)
			if got.Action != c.want || !strings.Contains(got.Why, c.why) || (c.why == "") != (got.Why == "") {
				t.Errorf("%s: %q, want %s: %q", got.Action, got.Why, c.want, c.why)
			}
			if got.Since != c.at {
				t.Errorf("since %s", got.Since)
			}
		})
	}
	if got := (Policy{}).Decide(State{}, Seen{Presence: host.Presence{Input: host.Input{Known: true}, Full: host.Yes, Metered: host.Yes, Battery: host.Battery{On: true}}}, noon); got.Action != Run {
		t.Errorf("without a policy: %s, %s", got.Action, got.Why)
	}
	if got := (Policy{Broken: "owner.yaml:3:1: unknown field"}).Decide(State{}, quiet(), noon); got.Action != Freeze || !strings.Contains(got.Why, "cannot be read: owner.yaml:3:1") {
		t.Errorf("a broken file: %s, %s", got.Action, got.Why)
	}
}

// drive decides once a second and returns what happened, by its first second.
func drive(p Policy, seconds int, at func(sec int, s *Seen)) (story string) {
	var st State
	last := ""
	for i := range seconds {
		s := quiet()
		at(i, &s)
		st = p.Decide(st, s, noon.Add(time.Duration(i)*time.Second))
		if word := st.Action.String(); word != last {
			story += fmt.Sprintf("%d:%s ", i, word)
			last = word
		}
	}
	return strings.TrimSpace(story)
}

func TestDecideDoesNotFlap(t *testing.T) {
	p := parse(t, strict)
	for name, c := range map[string]struct {
		at   func(int, *Seen)
		want string
	}{
		"a load in waves": {func(i int, s *Seen) { s.Load.Others = []float64{5, 3.5}[i/7%2] }, "0:freeze"},
		"a load that ends": {func(i int, s *Seen) {
			if s.Load.Others = 2; i < 20 {
				s.Load.Others = 5
			}
		}, "0:freeze 29:run"},
		"heat around its limit": {func(i int, s *Seen) { s.Heat.Celsius = []float64{81, 76}[i/15%2] }, "0:freeze"},
		"heat that goes": {func(i int, s *Seen) {
			if s.Heat.Celsius = 75; i < 15 {
				s.Heat.Celsius = 81
			}
		}, "0:freeze 24:run"},
		"a program that is started again": {func(i int, s *Seen) {
			if i%8 < 4 {
				s.Program = "steam"
			}
		}, "0:freeze"},
		"a bad contact": {func(i int, s *Seen) { s.Battery.Percent, s.Battery.On = 20, i%3 == 0 }, "0:freeze"},
		"a charge around its limit": {func(i int, s *Seen) {
			if s.Battery.Percent = 64; i < 3 {
				s.Battery.Percent = 59
			}
		}, "0:freeze"},
		"a key now and then": {func(i int, s *Seen) { s.Input.Ago = time.Duration(i%200) * time.Second }, "0:freeze"},
		"the last key":       {func(i int, s *Seen) { s.Input.Ago = time.Duration(i) * time.Second }, "0:freeze 300:run"},
		"pause, and take it back": {func(i int, s *Seen) {
			if i >= 3 && i < 9 {
				s.Pause = &Pause{How: Freeze}
			}
		}, "0:run 3:freeze 9:run"},
	} {
		if got := drive(p, 400, c.at); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestFrozenIsEvicted(t *testing.T) {
	busy := func(_ int, s *Seen) { s.Input.Ago = 0 }
	for text, want := range map[string]string{
		"idle: 5m\n":                      "0:freeze 1800:evict",
		"idle: 5m\nevict-after: 90s\n":    "0:freeze 90:evict",
		"idle: 5m\nevict-after: never\n":  "0:freeze",
		"idle: 5m\ngive-way: drain\n":     "0:drain",
		"idle: 5m\ngive-way: evict\n":     "0:evict",
		"give-way: evict\nidle: 1s\n":     "0:evict",
		"idle: 5m\nevict-after: 1h30m0s ": "0:freeze",
	} {
		if got := drive(parse(t, text), 4000, busy); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	// What was ended does not come back to life because memory is free again.
	p := parse(t, "idle: 5m\n")
	if got := drive(p, 400, func(i int, s *Seen) {
		s.Input.Ago = time.Duration(max(0, i-50)) * time.Second
		if i >= 10 && i < 20 {
			s.Memory.Available = 900 << 20
		}
	}); got != "0:freeze 10:evict 350:run" {
		t.Errorf("under pressure: %q", got)
	}
	st := State{}
	for i := range 12 {
		s := quiet()
		s.Input.Ago = 0
		if i > 5 {
			s.Memory.Available = 1
		}
		st = p.Decide(st, s, noon.Add(time.Duration(i)*time.Second))
	}
	if st.Action != Evict || !strings.HasSuffix(st.Why, "; the machine is short of memory") || st.Since != noon.Add(6*time.Second) {
		t.Errorf("%+v", st)
	}
	// The wait for its end begins anew after each time that it ran.
	if got := drive(parse(t, "not-while: [steam]\nevict-after: 60s\n"), 300, func(i int, s *Seen) {
		if i%100 < 50 {
			s.Program = "steam"
		}
	}); got != "0:freeze 59:run 100:freeze 159:run 200:freeze 259:run" {
		t.Errorf("%q", got)
	}
}

// Whatever is seen, the decision is one of five, has a reason where it is not to run, and a
// machine that nobody needs goes on running in the end.
func TestDecideRandomly(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 1))
	for n := range 300 {
		p := parse(t, strict+"traffic: 100GB\n")
		p.GiveWay, p.EvictAfter = Action(2+r.IntN(3)), time.Duration(r.IntN(100)-1)*time.Second
		var st State
		now := noon
		for range 200 {
			s := quiet()
			for range r.IntN(3) {
				switch r.IntN(9) {
				case 0:
					s.Input.Ago = time.Duration(r.IntN(600)) * time.Second
				case 1:
					s.Load.Others = 8 * r.Float64()
				case 2:
					s.Battery = host.Battery{There: true, On: r.IntN(2) == 0, Percent: r.IntN(101)}
				case 3:
					s.Heat.Celsius = 60 + 40*r.Float64()
				case 4:
					s.Memory.Available = uint64(r.Int64N(16 << 30))
				case 5:
					s.Program = "steam"
				case 6:
					s.Pause = &Pause{How: Action(2 + r.IntN(3)), Until: now.Add(time.Duration(r.IntN(60)) * time.Second)}
				case 7:
					s.Traffic = uint64(r.Int64N(200e9))
				case 8:
					s.Cost = uint64(r.IntN(200))
				}
			}
			was := st
			st = p.Decide(st, s, now)
			if (st.Action == Run) != (st.Why == "") || st.Action > Evict || was.Action == Evict && st.Action > Rest && st.Action != Evict {
				t.Fatalf("seed %d, story %d: %+v after %+v", seed, n, st, was)
			}
			now = now.Add(time.Duration(r.IntN(3000)-300) * time.Millisecond) // clocks are set
		}
		for range 60 {
			now = now.Add(time.Second)
			st = p.Decide(st, quiet(), now)
		}
		if st.Action != Run {
			t.Fatalf("seed %d, story %d: it never goes on: %+v", seed, n, st)
		}
	}
}

func TestParse(t *testing.T) {
	p := parse(t, Example)
	want := Policy{Idle: 5 * time.Minute, Load: 0.5, Battery: Never, Temperature: 90, NotMetered: true, NotFull: true, GiveWay: Freeze, EvictAfter: 30 * time.Minute}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("the example: %+v\nwant %+v", p, want)
	}
	// Its lines that are commented out are right as well.
	var all []string
	for line := range strings.Lines(Example) {
		if body, ok := strings.CutPrefix(line, "# "); ok && strings.Contains(body, ": ") {
			line = body
		}
		all = append(all, line)
	}
	p = parse(t, strings.Join(all, ""))
	if len(p.Hours) != 2 || len(p.NotWhile) != 3 || p.Cores != 4 || p.Memory != 8<<30 || p.Disk != 100<<30 || p.Traffic != 200e9 || p.Watts != 120 || p.KWh.FloatString(2) != "0.30" {
		t.Errorf("%+v", p)
	}
	for _, r := range []struct{ text, want, hint string }{
		{"idel: 5m\n", `owner.yaml:1:1: unknown field "idel"`, "did you mean idle?"},
		{"temp: 80\n", `unknown field "temp"`, "did you mean temperature?"},
		{"idle: soon\n", `owner.yaml:1:7: idle: "soon" is no time`, "like 90s"},
		{"idle: 0s\n", "no time from 1s to 24h", ""},
		{"load: 50\n", "no share from 1% to 100%", "50%"},
		{"load: 0%\n", "no share", ""},
		{"load: 300%\n", "no share", ""},
		{"battery: maybe\n", "neither yes nor no", "60%"},
		{"temperature: hot\n", "no number", "85"},
		{"temperature: -3\n", "no number", ""},
		{"temperature: .nan\n", "no number", ""},
		{"metered: sometimes\n", "neither yes nor no", "yes or no"},
		{"hours: nights\n", "no hours", "22:00-07:00"},
		{"hours: [25:00-07:00]\n", "no hours", ""},
		{"hours: [Sat-Sun, 07:00-07:00]\n", `owner.yaml:1:18: hours: "07:00-07:00" is no hours`, ""},
		{"hours: []\n", "hours is an empty list", ""},
		{"not-while: [a/b]\n", "no name of a program", "ps -e"},
		{"not-while: \"**\"\n", "no name of a program", ""},
		{"give-way: politely\n", "none of freeze, evict and drain", ""},
		{"give-way: run\n", "none of freeze, evict and drain", ""},
		{"evict-after: 5\n", "no time", "never"},
		{"cores: 0\n", "no number of cores", "--off"},
		{"cores: few\n", "cores wants a whole number", "like cores: 4"},
		{"memory: lots\n", "not a size", ""},
		{"watts: 100\n", "watts and kwh go together", ""},
		{"kwh: 0.3\n", "watts and kwh go together", ""},
		{"kwh: -1\nwatts: 1\n", "no number of tokens", ""},
		{"- idle\n", "a policy file wants fields", ""},
		{"", "owner.yaml is empty", ""},
	} {
		_, err := Parse(FileName, []byte(r.text))
		if err == nil {
			t.Errorf("%q was taken", r.text)
			continue
		}
		var m *yamlfile.Mistake
		hint := err.Error()
		if errors.As(err, &m) {
			hint = m.Hint
		}
		if !strings.Contains(err.Error(), r.want) || !strings.Contains(hint, r.hint) {
			t.Errorf("%q: %v; hint %q\nwant %q; hint %q", r.text, err, hint, r.want, r.hint)
		}
	}
}

func TestHours(t *testing.T) {
	at := func(day time.Weekday, clock string) time.Time {
		c, err := time.Parse("15:04", clock)
		if err != nil {
			t.Fatal(err)
		}
		sunday := time.Date(2030, 1, 6, c.Hour(), c.Minute(), 0, 0, time.UTC)
		return sunday.AddDate(0, 0, int(day))
	}
	for _, c := range []struct {
		span string
		day  time.Weekday
		at   string
		want bool
	}{
		{"22:00-07:00", time.Monday, "22:00", true}, {"22:00-07:00", time.Monday, "06:59", true}, {"22:00-07:00", time.Monday, "07:00", false}, {"22:00-07:00", time.Monday, "21:59", false},
		{"Fri 22:00-06:00", time.Friday, "23:00", true}, {"Fri 22:00-06:00", time.Saturday, "05:59", true}, {"Fri 22:00-06:00", time.Friday, "05:00", false}, {"Fri 22:00-06:00", time.Saturday, "22:30", false},
		{"Sat-Sun", time.Sunday, "12:00", true}, {"Sat-Sun", time.Monday, "00:00", false}, {"Sat-Mon", time.Sunday, "03:00", true}, {"Sat-Mon", time.Tuesday, "03:00", false},
		{"Monday", time.Monday, "23:59", true}, {"mon-fri 8:00-18:00", time.Wednesday, "08:00", true}, {"18:00-24:00", time.Tuesday, "23:59", true},
	} {
		s, ok := parseSpan(c.span)
		if !ok {
			t.Fatalf("%q was refused", c.span)
		}
		if got := s.contains(at(c.day, c.at)); got != c.want {
			t.Errorf("%q, %s %s: %v", c.span, c.day, c.at, got)
		}
	}
	for _, bad := range []string{"", "22-07", "22:00", "22:00-", "-07:00", "24:00-07:00", "07:60-08:00", "Mo", "Monday-", "Mon Tue", "Mon 1:00-2:00 x", "a:b-c:d", "07:00-08:00x"} {
		if s, ok := parseSpan(bad); ok {
			t.Errorf("%q was taken as %+v", bad, s)
		}
	}
}

func TestCost(t *testing.T) {
	p := parse(t, "watts: 120\nkwh: 0.30\n")
	// 0.12 kW × 0.30 tokens are 0.036 tokens an hour, in four slots 0.009: with six
	// decimals 9000 units in 3600 s.
	if got := p.Cost(6, 4); got != 2_500_000 {
		t.Errorf("a slot costs %d units per 10⁶ s", got)
	}
	if got := p.Cost(0, 4); got != 3 {
		t.Errorf("rounded up: %d", got)
	}
	if got := (Policy{}).Cost(6, 4); got != 0 {
		t.Errorf("nothing is said: %d", got)
	}
	if got := parse(t, "watts: 100000\nkwh: 999999999999999999\n").Cost(28, 1); got != 1<<64-1 {
		t.Errorf("beyond all prices: %d", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{Example, strict, "hours: [\"Sat 1:00-2:00\", Mon]", "idle: 1d", "cores: 4294967296", "kwh: 1e9\nwatts: 1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse("f", b)
		if err != nil {
			return
		}
		p.Decide(State{}, quiet(), noon)
		p.Cost(18, 4)
		if p.Load < 0 || p.Load > 1 || p.Idle < 0 || p.GiveWay != Run && p.GiveWay < Drain {
			t.Fatalf("%+v", p)
		}
	})
}
