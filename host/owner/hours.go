package owner

import (
	"fmt"
	"strings"
	"time"
)

// Span is a part of the week: hours of days, from a minute to before another. One that
// ends before it begins goes on into the next day.
type Span struct {
	Days     [7]bool // by time.Weekday: those on which it begins
	From, To int     // minutes of the day; To is up to 24 hours
}

const day = 24 * 60

var dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseSpan reads 22:00-07:00, Sat-Sun, Mon, or "Mon-Fri 18:00-23:00".
func parseSpan(s string) (span Span, ok bool) {
	words := strings.Fields(s)
	span = Span{Days: [7]bool{true, true, true, true, true, true, true}, To: day}
	if len(words) == 0 || len(words) > 2 {
		return span, false
	}
	last := words[len(words)-1]
	if strings.Contains(last, ":") {
		from, to, ok := strings.Cut(last, "-")
		if span.From, span.To = clock(from), clock(to); !ok || span.From < 0 || span.To < 0 || span.From == span.To || span.From == day {
			return span, false
		}
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return span, true
	}
	if len(words) > 1 {
		return span, false
	}
	from, to, isRange := strings.Cut(strings.ToLower(words[0]), "-")
	if !isRange {
		to = from
	}
	a, b := weekday(from), weekday(to)
	if a < 0 || b < 0 {
		return span, false
	}
	span.Days = [7]bool{}
	for d := a; ; d = (d + 1) % 7 {
		span.Days[d] = true
		if d == b {
			return span, true
		}
	}
}

func weekday(s string) int {
	for i, n := range dayNames {
		if strings.HasPrefix(s, n) && strings.HasPrefix(strings.ToLower(time.Weekday(i).String()), s) {
			return i
		}
	}
	return -1
}

// clock reads 07:30 as minutes, -1 for none.
func clock(s string) int {
	var h, m int
	if n, err := fmt.Sscanf(s, "%d:%02d", &h, &m); n != 2 || err != nil || fmt.Sprintf("%d:%02d", h, m) != strings.TrimPrefix(s, "0") && fmt.Sprintf("%02d:%02d", h, m) != s {
		return -1
	}
	if h < 0 || h > 24 || m < 0 || m > 59 || h == 24 && m > 0 {
		return -1
	}
	return h*60 + m
}

// contains reports whether a moment, in its own zone, is part of it.
func (s Span) contains(t time.Time) bool {
	m, today := t.Hour()*60+t.Minute(), t.Weekday()
	if s.From < s.To {
		return s.Days[today] && s.From <= m && m < s.To
	}
	return s.Days[today] && m >= s.From || s.Days[(today+6)%7] && m < s.To
}

// open reports whether one of the spans contains the moment; none is always.
func open(hours []Span, t time.Time) bool {
	for _, s := range hours {
		if s.contains(t) {
			return true
		}
	}
	return len(hours) == 0
}
