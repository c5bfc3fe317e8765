// Package owner holds what the owner of a machine has written down about strangers'
// work (owner.yaml), and decides from that and from what the machine tells (host.Presence)
// whether it runs. It is pure: time comes in as a parameter.
package owner

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/artel-network/artel/host"
	"github.com/artel-network/artel/internal/units"
	"github.com/artel-network/artel/internal/yamlfile"
)

// FileName is what the file is called in the data directory.
const FileName = "owner.yaml"

// Policy is what the owner wants. What the file does not say is no condition; the zero
// Policy lets everything run.
type Policy struct {
	Idle        time.Duration // run when keyboard and mouse have rested for so long
	Hours       []Span        // run then only; none: always
	Load        float64       // run while others use at most this share of the processors; 0: whatever they use
	Battery     int           // run on battery while it has at least so many percent; 0: always, Never: not at all
	Temperature float64       // run up to so many °C; 0: however hot
	NotMetered  bool          // do not run on a network that is paid for by what goes through it
	NotFull     bool          // do not run while a program has the whole screen
	NotWhile    []string      // do not run while a process of such a name does
	GiveWay     Action        // Freeze, Evict or Drain; zero: Freeze
	EvictAfter  time.Duration // frozen work is ended after so long; 0: half an hour, less: never
	Cores       uint32        // at most; 0: as artel provide says. So are these:
	Memory      uint64        // bytes
	Disk        uint64        // bytes
	Traffic     uint64        // bytes a month, both ways; 0: any
	Watts       float64       // what the machine draws more when all its slots are busy
	KWh         *big.Rat      // tokens for a kilowatt-hour; nil: not said
	Broken      string        // the file cannot be read, and why: nothing runs until it can
}

// Never, as Policy.Battery.
const Never = 101

// evictAfter is Policy.EvictAfter where the file says nothing.
const evictAfter = 30 * time.Minute

// Example is a file to begin with.
const Example = `# What strangers' work may do on this machine. What is not here is no condition.
# artel owner shows what the machine tells of you now, and what follows from it.

idle: 5m                # run when nobody has touched keyboard or mouse for so long
# hours: [22:00-07:00, Sat-Sun]     # and only then; also "Mon-Fri 18:00-23:00"
load: 50%               # not while other programs use more of the processors
battery: no             # on battery: yes, no, or as long as it has 60%
temperature: 90         # not above so many °C
metered: no             # on a network that is paid for by what goes through it
fullscreen: no          # while a film or a game has the whole screen
# not-while: [steam, obs, "*.exe"]  # nor while one of these programs runs

give-way: freeze        # freeze: stands still at once, keeps its memory
                        # evict: ends at once, memory is free · drain: goes elsewhere within 2 minutes
evict-after: 30m        # what is frozen for longer ends; or never

# cores: 4              # at most, whatever artel provide says
# memory: 8GiB
# disk: 100GiB
# traffic: 200GB        # a month
# watts: 120            # what the machine draws more when it is busy, and
# kwh: 0.30             # what a kilowatt-hour costs, in tokens: nothing runs for less
`

func format() yamlfile.Format {
	f := func(name string, k yamlfile.Kind, hint string) yamlfile.Field {
		return yamlfile.Field{Name: name, Kind: k, Hint: "like " + name + ": " + hint}
	}
	return yamlfile.Format{
		Noun: "policy file", Example: "idle: 5m", List: "docs/owners.md lists the fields, and artel owner --example", Long: "a page is enough",
		Known: map[string]string{"when": "hours", "time": "hours", "cpu": "cores", "cpus": "cores", "mem": "memory", "ram": "memory", "storage": "disk", "temp": "temperature",
			"network": "metered", "bandwidth": "traffic", "gb": "traffic", "processes": "not-while", "programs": "not-while", "not": "not-while", "games": "not-while",
			"mode": "give-way", "way": "give-way", "price": "kwh", "kwh-price": "kwh", "power": "watts", "cpu-load": "load", "screen": "fullscreen", "full-screen": "fullscreen"},
		Fields: []yamlfile.Field{
			{Name: "version", Kind: yamlfile.KindVersion},
			f("idle", yamlfile.KindText, "5m"), f("hours", yamlfile.KindTexts, "[22:00-07:00, Sat-Sun]"), f("load", yamlfile.KindText, "50%"),
			f("battery", yamlfile.KindChoice, "no"), f("temperature", yamlfile.KindText, "90"), f("metered", yamlfile.KindChoice, "no"),
			f("fullscreen", yamlfile.KindChoice, "no"), f("not-while", yamlfile.KindTexts, "[steam, obs]"), f("give-way", yamlfile.KindText, "freeze"),
			f("evict-after", yamlfile.KindText, "30m"), f("cores", yamlfile.KindNumber, "4"), f("memory", yamlfile.KindText, "8GiB"), f("disk", yamlfile.KindText, "100GiB"),
			f("traffic", yamlfile.KindText, "200GB"), f("watts", yamlfile.KindText, "120"), f("kwh", yamlfile.KindText, "0.30"),
		},
	}
}

// maxPrograms bounds not-while.
const maxPrograms = 256

// Parse reads the file. A mistake is an error with its place and a hint.
func Parse(name string, b []byte) (Policy, error) {
	file, err := yamlfile.Parse(format(), name, b)
	if err != nil {
		return Policy{}, err
	}
	var p Policy
	for _, s := range file.Fields {
		for _, v := range s.Values {
			if what, hint := p.set(s.Name, v.Text); what != "" {
				return Policy{}, file.Mistake(v, hint, "%s: %.60q is %s", s.Name, v.Text, what)
			}
		}
		if len(s.Values) == 0 {
			return Policy{}, fmt.Errorf("%s: %s is an empty list; hint: take the line out", name, s.Name)
		}
	}
	if (p.Watts > 0) != (p.KWh != nil) {
		return Policy{}, fmt.Errorf("%s: watts and kwh go together; hint: kwh: 0.30, in tokens", name)
	}
	return p, nil
}

// set reads one value; it returns what is wrong with it, and a hint.
func (p *Policy) set(name, v string) (what, hint string) {
	const yes = "yes or no"
	number := func(most float64, hint string) (float64, string, string) {
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || !(f > 0) || f > most {
			return 0, "no number that makes sense here", hint
		}
		return f, "", ""
	}
	size := func(to *uint64) (string, string) {
		n, ok := units.Size(v)
		if *to = n; !ok {
			return "not a size", units.LikeSize
		}
		return "", ""
	}
	switch name {
	case "idle":
		d, ok := units.Time(v)
		if p.Idle = d; !ok || d < time.Second || d > 24*time.Hour {
			return "no time from 1s to 24h", units.LikeTime
		}
	case "hours":
		s, ok := parseSpan(v)
		if !ok || len(p.Hours) == 64 {
			return "no hours", "like 22:00-07:00, Sat-Sun or Mon-Fri 18:00-23:00"
		}
		p.Hours = append(p.Hours, s)
	case "load":
		n, ok := percent(v)
		if p.Load = float64(n) / 100; !ok || n == 0 {
			return "no share from 1% to 100%", "like 50%"
		}
	case "battery":
		n, ok := percent(v)
		switch {
		case v == "yes":
			p.Battery = 0
		case v == "no":
			p.Battery = Never
		case !ok:
			return "neither yes nor no, nor a charge", "yes, no, or like 60%"
		default:
			p.Battery = n
		}
	case "temperature":
		p.Temperature, what, hint = number(150, "degrees Celsius, like 85")
		return what, hint
	case "metered", "fullscreen":
		if v != "yes" && v != "no" {
			return "neither yes nor no", yes
		}
		if name == "metered" {
			p.NotMetered = v == "no"
		} else {
			p.NotFull = v == "no"
		}
	case "not-while":
		if v == "" || len(v) > 64 || strings.Trim(v, "*") == "" || strings.Contains(v, "/") || len(p.NotWhile) == maxPrograms {
			return "no name of a program", `like steam, or "*.exe"; as ps -e shows it`
		}
		p.NotWhile = append(p.NotWhile, v)
	case "give-way":
		i := slices.Index(words[:], v)
		if i < int(Drain) {
			return "none of freeze, evict and drain", "give-way: freeze"
		}
		p.GiveWay = Action(i)
	case "evict-after":
		d, ok := units.Time(v)
		switch {
		case v == "never":
			d = -1
		case !ok || d < time.Second:
			return "no time", units.LikeTime + ", or never"
		}
		p.EvictAfter = d
	case "cores":
		n, _ := strconv.ParseUint(v, 10, 32)
		if p.Cores = uint32(n); n == 0 {
			return "no number of cores", "to offer nothing: artel provide --off"
		}
	case "memory":
		return size(&p.Memory)
	case "disk":
		return size(&p.Disk)
	case "traffic":
		return size(&p.Traffic)
	case "watts":
		p.Watts, what, hint = number(100_000, "like 120")
		return what, hint
	case "kwh":
		r, ok := units.Decimal(v)
		if p.KWh = r; !ok {
			return "no number of tokens", "like 0.30"
		}
	}
	return "", ""
}

// percent reads 50%.
func percent(s string) (int, bool) {
	body, ok := strings.CutSuffix(s, "%")
	n, err := strconv.ParseUint(strings.TrimSpace(body), 10, 8)
	return int(n), ok && err == nil && n <= 100
}

// Ask is what has to be looked for.
func (p Policy) Ask() host.Ask {
	return host.Ask{Programs: p.NotWhile, Metered: p.NotMetered, Full: p.NotFull}
}

// Cost is the least price that pays for the power, in token units per 10⁶ s of one of
// slots, rounded up; 0: nothing is said about it. decimals are the token's.
func (p Policy) Cost(decimals uint8, slots uint32) uint64 {
	if p.KWh == nil || p.Watts == 0 || slots == 0 {
		return 0
	}
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(p.Watts, 'f', -1, 64))
	if !ok {
		return 0
	}
	r.Mul(r, p.KWh)
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)))
	r.Mul(r, big.NewRat(1_000_000, 1000*3600))
	r.Quo(r, new(big.Rat).SetInt64(int64(slots)))
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	if !n.IsUint64() {
		return math.MaxUint64
	}
	return n.Uint64()
}
