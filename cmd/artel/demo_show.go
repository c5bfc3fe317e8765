package main

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// show is the demo's screen. On a terminal it has colours and a line that
// renews itself; elsewhere it is plain text.
type show struct {
	out    *os.File
	tty    bool
	began  time.Time
	steps  int
	line   string // the one that renews itself
	checks []finding
}

// finding is something that must hold.
type finding struct {
	ok   bool
	text string
}

func newShow(out *os.File) *show { return &show{out: out, tty: isTerminal(out), began: time.Now()} }

// Colours of a terminal.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s *show) paint(colour, text string) string {
	if !s.tty {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// step begins a part.
func (s *show) step(format string, args ...any) {
	s.end()
	s.steps++
	took := fmt.Sprintf("%.0f s", time.Since(s.began).Seconds())
	title := fmt.Sprintf("%d  %s", s.steps, fmt.Sprintf(format, args...))
	fmt.Fprintf(s.out, "\n%s  %s\n", s.paint(bold, title), s.paint(dim, strings.Repeat("·", max(3, 72-utf8.RuneCountInString(title)-len(took)))+" "+took))
}

// tell writes a line.
func (s *show) tell(format string, args ...any) {
	s.wipe()
	fmt.Fprintf(s.out, "   "+format+"\n", args...)
	s.draw()
}

// progress renews the live line. Elsewhere than on a terminal it is written
// once in a while, which the caller says with now.
func (s *show) progress(now bool, format string, args ...any) {
	text := "   " + fmt.Sprintf(format, args...)
	if !s.tty {
		if now {
			fmt.Fprintln(s.out, text)
		}
		return
	}
	s.wipe()
	s.line = text
	s.draw()
}

func (s *show) wipe() {
	if s.line != "" {
		fmt.Fprint(s.out, "\r\x1b[K")
	}
}

func (s *show) draw() {
	if s.line != "" {
		fmt.Fprint(s.out, s.line)
	}
}

// end leaves the live line as it is.
func (s *show) end() {
	if s.line != "" {
		fmt.Fprintln(s.out)
		s.line = ""
	}
}

func (s *show) table(rows [][]string) {
	var b strings.Builder
	table(&b, rows)
	for i, l := range strings.Split(strings.TrimRight(b.String(), "\n"), "\n") {
		if i == 0 {
			l = s.paint(dim, l)
		}
		s.tell("%s", l)
	}
}

// check notes something that must hold.
func (s *show) check(ok bool, format string, args ...any) {
	s.checks = append(s.checks, finding{ok, fmt.Sprintf(format, args...)})
}

// verdict lists what was checked. Its error ends the program with a code that
// says whether all of it holds.
func (s *show) verdict(took time.Duration) error {
	s.step("What was checked")
	bad := 0
	for _, c := range s.checks {
		mark := s.paint(green, "ok ")
		if !c.ok {
			mark = s.paint(red, "BAD")
			bad++
		}
		s.tell("%s  %s", mark, c.text)
	}
	if bad > 0 {
		s.tell("%s", s.paint(red, fmt.Sprintf("%d of %d checks failed, after %.0f s", bad, len(s.checks), took.Seconds())))
		return exitError(exitFailed)
	}
	s.tell("%s", s.paint(bold, fmt.Sprintf("all of it holds, after %.0f s", took.Seconds())))
	return nil
}
