package owner

import (
	"fmt"
	"time"

	"github.com/artel-network/artel/host"
)

// Action is what becomes of strangers' work.
type Action uint8

// The actions.
const (
	Run    Action = iota
	Rest          // what runs goes on, nothing new begins
	Drain         // what runs goes elsewhere
	Freeze        // what runs stands still; its memory stays
	Evict         // what runs ends
)

var words = [...]string{"run", "rest", "drain", "freeze", "evict"}

// String returns the action's word, as the policy file has it.
func (a Action) String() string { return words[a] }

// Seen is what a decision goes by.
type Seen struct {
	host.Presence
	Pause   *Pause // what the owner has asked for by hand; nil: nothing
	Traffic uint64 // bytes of this month
	Price   uint64 // of a slot, units per 10⁶ s
	Cost    uint64 // the least price that pays for the power; see Policy.Cost
}

// Pause is an owner's wish that strangers' work give way.
type Pause struct {
	How   Action    `json:"how"`   // Freeze, Evict or Drain
	Until time.Time `json:"until"` // zero: until it is taken back
}

// over reports whether it has ended by itself.
func (p *Pause) over(now time.Time) bool {
	return p == nil || !p.Until.IsZero() && !now.Before(p.Until)
}

// State is what was decided, and what the next decision needs of it. The zero State is
// that of a daemon that has just been started: running.
type State struct {
	Action Action
	Why    string    // a sentence without a full stop; empty when it runs
	Since  time.Time // of Action
	rule   rule
	bad    time.Time // when a rule last said no
	away   time.Time // since when it has given way, in whatever manner
}

type rule uint8

const (
	noRule rule = iota
	byPause
	byFile
	byInput
	byHours
	byLoad
	byBattery
	byHeat
	byMetered
	byFull
	byProgram
)

// settle is how long a reason must be gone before work goes on: a program that is started
// again, a charger that is plugged in at last, a load that comes in waves. Reasons that
// have a wait of their own, or an end that is certain, need none.
const settle = 10 * time.Second

func (r rule) settles() bool { return r >= byLoad }

// How much better than its limit a figure must be before work goes on.
const (
	coolBy   = 5    // °C
	chargeBy = 5    // percent
	loadBy   = 0.75 // of the limit
)

// short of memory is a machine that has less than this part of it left.
const short = 16

// givesWay reports whether strangers' work has been told to go away or to stand still.
func (s State) givesWay() bool { return s.Action > Rest }

// Decide says what is to happen from now on.
func (p Policy) Decide(was State, seen Seen, now time.Time) State {
	next := State{}
	how := p.GiveWay
	if how == Run {
		how = Freeze
	}
	if !seen.Pause.over(now) {
		next.rule, how, next.Why = byPause, seen.Pause.How, "its owner has paused it"
		if !seen.Pause.Until.IsZero() {
			next.Why += " until " + seen.Pause.Until.Format("15:04 on 2 January")
		}
	} else {
		next.rule, next.Why = p.broken(was, seen, now)
	}
	switch {
	case next.rule != noRule:
		next.bad = now
	case was.givesWay() && was.rule.settles() && now.Sub(was.bad) < settle && !now.Before(was.bad):
		next.rule, next.Why, next.bad = was.rule, was.Why, was.bad
	}
	if next.rule == noRule {
		next.Action, next.Why = p.rests(seen)
	} else {
		if next.away = was.away; !was.givesWay() {
			next.away = now
		}
		next.Action = how
		if was.Action == Evict {
			next.Action = Evict // what has been ended does not come back
		} else if how == Freeze {
			if why := p.tooLong(was, next, seen, now); why != "" {
				next.Action, next.Why = Evict, next.Why+"; "+why
			}
		}
	}
	if next.Since = was.Since; next.Action != was.Action || was.Since.IsZero() {
		next.Since = now
	}
	if was.Action == Evict && next.Action == Evict {
		next.Why = was.Why // it says why it was ended
	}
	return next
}

// tooLong says why what is frozen must end.
func (p Policy) tooLong(was, next State, seen Seen, now time.Time) string {
	after := p.EvictAfter
	if after == 0 {
		after = evictAfter
	}
	switch frozen := now.Sub(next.away); {
	case was.Action == Freeze && seen.Memory.Total > 0 && seen.Memory.Available < seen.Memory.Total/short:
		return "the machine is short of memory"
	case after > 0 && frozen >= after:
		return fmt.Sprintf("it has stood still for %s", brief(after))
	}
	return ""
}

// broken returns the first rule that says no.
func (p Policy) broken(was State, seen Seen, now time.Time) (rule, string) {
	// Once work has given way for a reason, it takes a clearly better figure to go on.
	load, charge, heat := p.Load, p.Battery, p.Temperature
	switch was.rule {
	case byLoad:
		load *= loadBy
	case byBattery:
		charge += chargeBy
	case byHeat:
		heat -= coolBy
	}
	l := seen.Load
	switch {
	case p.Broken != "":
		return byFile, "the policy file cannot be read: " + p.Broken
	case p.Idle > 0 && seen.Input.Known && seen.Input.Ago < p.Idle:
		return byInput, fmt.Sprintf("somebody is using the machine; it goes on when keyboard and mouse have rested for %s", brief(p.Idle))
	case !open(p.Hours, now):
		return byHours, "these are not its hours"
	case p.Load > 0 && l.Known && l.Others > load*float64(l.Cores):
		return byLoad, fmt.Sprintf("other programs use more than %.0f%% of the processors", 100*p.Load)
	case p.Battery > 0 && seen.Battery.On && seen.Battery.Percent < charge:
		if p.Battery == Never {
			return byBattery, "the machine runs on battery"
		}
		return byBattery, fmt.Sprintf("the battery has less than %d%%", p.Battery)
	case p.Temperature > 0 && seen.Heat.Known && seen.Heat.Celsius > heat:
		return byHeat, fmt.Sprintf("the processor is hotter than %g °C", p.Temperature)
	case p.NotMetered && seen.Metered == host.Yes:
		return byMetered, "the network is metered"
	case p.NotFull && seen.Full == host.Yes:
		return byFull, "a program has the whole screen"
	case seen.Program != "":
		return byProgram, seen.Program + " runs"
	}
	return noRule, ""
}

// rests says why nothing new may begin.
func (p Policy) rests(seen Seen) (Action, string) {
	switch {
	case p.Traffic > 0 && seen.Traffic >= p.Traffic:
		return Rest, fmt.Sprintf("%.1f GB have gone through the network this month, at most %.1f", float64(seen.Traffic)/1e9, float64(p.Traffic)/1e9)
	case seen.Price < seen.Cost:
		return Rest, fmt.Sprintf("the power costs more than it brings: a slot is offered for %d, the power for it costs %d", seen.Price, seen.Cost)
	}
	return Run, ""
}

// Notices name the conditions that nothing on this machine tells about: they do not hold
// work up, and the owner should know.
func (p Policy) Notices(seen host.Presence) (all []string) {
	for _, x := range []struct {
		unknown     bool
		field, what string
	}{
		{p.Idle > 0 && !seen.Input.Known, "idle", "when keyboard or mouse were last used (docs/owners.md says what is looked at); artel pause works, and so do hours and load"},
		{p.Load > 0 && !seen.Load.Known, "load", "how busy the processors are"},
		{p.Temperature > 0 && !seen.Heat.Known, "temperature", "how hot the processor is"},
		{p.NotMetered && seen.Metered == host.Unsaid, "metered", "whether the network is metered: nmcli does not say"},
		{p.NotFull && seen.Full == host.Unsaid, "fullscreen", "whether a program has the whole screen: it takes xprop and an X server"},
	} {
		if x.unknown {
			all = append(all, fmt.Sprintf("%s: %s has no effect, for nothing here tells %s", FileName, x.field, x.what))
		}
	}
	return all
}

// brief writes 5m0s as 5m.
func brief(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if len(s) > len(zero) && s[len(s)-len(zero):] == zero {
			s = s[:len(s)-2]
		}
	}
	return s
}

// Facts are what is seen, in words: names and sentences.
func (s Seen) Facts() (all [][2]string) {
	say := func(name, format string, args ...any) {
		all = append(all, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if s.Input.Known {
		say("input", "%s ago, by %s", s.Input.Ago.Round(time.Second), s.Input.By)
	} else {
		say("input", "nothing here tells")
	}
	if s.Load.Known {
		say("load", "others use %.1f of %d processors", s.Load.Others, s.Load.Cores)
	}
	if b := s.Battery; b.There {
		say("battery", "%d%%, %s", b.Percent, map[bool]string{true: "in use", false: "not in use"}[b.On])
	}
	if s.Heat.Known {
		say("heat", "%.0f °C, by %s", s.Heat.Celsius, s.Heat.Of)
	}
	if s.Memory.Total > 0 {
		say("memory", "%.1f of %.1f GiB are free", float64(s.Memory.Available)/(1<<30), float64(s.Memory.Total)/(1<<30))
	}
	said := map[host.Said]string{host.Unsaid: "nothing here tells", host.No: "no", host.Yes: "yes"}
	say("metered", "%s", said[s.Metered])
	say("fullscreen", "%s", said[s.Full])
	if s.Program != "" {
		say("program", "%s", s.Program)
	}
	return all
}
