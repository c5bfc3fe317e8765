package simtest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// story is what happened in a run, by virtual time, in words that do not depend
// on drawn ids: nodes and leases have names.
type story struct {
	on bool // nobody reads it: collect nothing

	mu    sync.Mutex
	lines []line
	end   []string
	names map[string]string // what to write for an id
	count map[string]int
}

type line struct {
	at   time.Duration
	text string
}

func newStory(on bool) *story {
	return &story{on: on, names: map[string]string{}, count: map[string]int{}}
}

func (s *story) name(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[id] = name
}

// nameOf gives ids of a kind names in order of appearance.
func (s *story) nameOf(kind, id string) string {
	if n, ok := s.names[id]; ok {
		return n
	}
	s.count[kind]++
	s.names[id] = fmt.Sprintf("%s%d", kind, s.count[kind])
	return s.names[id]
}

func (s *story) add(at time.Duration, text string) {
	if !s.on {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line{at, text})
}

// text is the transcript: what happened at one instant is sorted, since nothing
// orders it. A coarse one tells whole seconds: a question of a hundred
// milliseconds sooner or later is nobody's story.
func (s *story) text(coarse bool) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.lines, func(a, b line) int {
		if c := cmp.Compare(a.at/time.Millisecond, b.at/time.Millisecond); c != 0 {
			return c
		}
		return cmp.Compare(a.text, b.text)
	})
	var b strings.Builder
	for _, l := range s.lines {
		if coarse {
			fmt.Fprintf(&b, "%4d s  %s\n", l.at/time.Second, l.text)
		} else {
			fmt.Fprintf(&b, "%9.3f s  %s\n", l.at.Seconds(), l.text)
		}
	}
	for _, l := range s.end {
		fmt.Fprintf(&b, "at last %s\n", l)
	}
	return b.String()
}

// teller is the log of the actors as lines of a story.
type teller struct {
	story *story
	began time.Time
	with  []slog.Attr
}

func (t *teller) Enabled(_ context.Context, l slog.Level) bool {
	return t.story.on && l >= slog.LevelInfo
}

func (t *teller) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	who := ""
	t.story.mu.Lock()
	write := func(a slog.Attr) bool {
		v := a.Value.String()
		switch a.Key {
		case "node":
			who = v
			return true
		case "lease":
			v = t.story.nameOf("lease ", v)
		case "job":
			v = t.story.nameOf("job ", v)
		case "ends":
			return true
		default:
			for id, name := range t.story.names {
				if len(id) >= 8 {
					v = strings.ReplaceAll(v, id, name)
				}
			}
		}
		if strings.HasPrefix(v, a.Key) {
			fmt.Fprintf(&b, ", %s", v)
		} else {
			fmt.Fprintf(&b, ", %s %s", a.Key, v)
		}
		return true
	}
	for _, a := range t.with {
		write(a)
	}
	r.Attrs(write)
	t.story.mu.Unlock()
	t.story.add(time.Since(t.began), who+": "+r.Message+b.String())
	return nil
}

func (t *teller) WithAttrs(as []slog.Attr) slog.Handler {
	return &teller{t.story, t.began, append(slices.Clip(t.with), as...)}
}

func (t *teller) WithGroup(string) slog.Handler { return t }
