// Package yamlfile reads files that people write: YAML, of which JSON is a part, whose
// fields are those that the caller names. Every mistake is a sentence with its place, the
// line that it stands in, and a hint.
package yamlfile

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxBytes bounds a file.
const MaxBytes = 256 << 10

// Kind is what a field wants, in words.
type Kind string

// The kinds.
const (
	KindText    Kind = "a text"
	KindNumber  Kind = "a whole number"
	KindList    Kind = "a list"
	KindEnv     Kind = "a map or a list of NAME=value"
	KindVersion Kind = "1"
	KindChoice  Kind = "yes, no or a text" // true is yes, false is no
	KindTexts   Kind = "a text or a list"
)

// Format is a kind of file.
type Format struct {
	Noun    string            // what people call it: "job file"
	Example string            // a line of it
	List    string            // how to find out which fields there are
	Long    string            // what to do with one that is too long
	Known   map[string]string // fields, by what other tools call them
	Either  [2]string         // fields that contradict each other
	Fields  []Field
}

// Field is a field that a file may have.
type Field struct {
	Name, Doc string
	Kind      Kind
	Hint      string // a value; empty: by the kind
	Bools     bool   // of a list: true and false are texts too
}

// hint shows a value of the kind that is wanted.
func (f Field) hint() string {
	switch {
	case f.Hint != "":
		return f.Hint
	case f.Kind == KindEnv:
		return "like {SEED: 7}"
	case f.Kind == KindList || f.Kind == KindTexts:
		return "like [one, two]"
	}
	return ""
}

// File is what a file says.
type File struct {
	Name   string // for messages
	Fields []Set  // in the file's order, without the version
	format Format
	lines  []string
}

// Set is a field that the file sets.
type Set struct {
	Name   string
	Values []Value
}

// Value is a value as its flag would be given it, and where it stands, from 1.
type Value struct {
	Text      string
	Line, Col int
}

// Mistake is what is wrong with a file.
type Mistake struct {
	Msg, Hint string
	Quote     string // the line that it stands in, and a mark below it; or empty
}

// Error implements error.
func (m *Mistake) Error() string {
	if m.Hint == "" {
		return m.Msg
	}
	return m.Msg + "; hint: " + m.Hint
}

// usage is a mistake of the whole file.
func usage(hint, format string, args ...any) error {
	return &Mistake{Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// wide is how much of a long line is quoted.
const wide = 100

// Mistake is a mistake at v.
func (f *File) Mistake(v Value, hint, format string, args ...any) error {
	m := &Mistake{Msg: fmt.Sprintf("%s:%d:%d: %s", f.Name, v.Line, v.Col, fmt.Sprintf(format, args...)), Hint: hint}
	if v.Line < 1 || v.Line > len(f.lines) {
		return m
	}
	line := []rune(strings.ReplaceAll(strings.TrimSuffix(f.lines[v.Line-1], "\r"), "\t", " "))
	col := min(max(v.Col-1, 0), len(line))
	if start := max(0, col-wide/2); len(line) > wide {
		line, col = line[start:min(len(line), start+wide)], col-start
	}
	n := strconv.Itoa(v.Line)
	m.Quote = fmt.Sprintf("  %s | %s\n  %s | %s^", n, string(line), strings.Repeat(" ", len(n)), strings.Repeat(" ", col))
	return m
}
