package wire

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/artel-network/artel"
)

// reader turns fields into values and keeps the first thing that is wrong.
type reader struct {
	message string
	err     error
}

func (r *reader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = artel.Invalid("decode "+r.message+": "+field+": "+format, args...)
	}
}

// fixed copies exactly len(dst) bytes; none at all leave zeroes.
func (r *reader) fixed(field string, dst, b []byte) {
	if len(b) != 0 && len(b) != len(dst) {
		r.fail(field, "%d bytes, want %d", len(b), len(dst))
		return
	}
	copy(dst, b)
}

func (r *reader) hash(field string, b []byte) (h artel.Hash) {
	r.fixed(field, h[:], b)
	return h
}

func (r *reader) address(field string, b []byte) (a artel.Address) {
	r.fixed(field, a[:], b)
	return a
}

func (r *reader) signature(field string, b []byte) (s artel.Signature) {
	r.fixed(field, s[:], b)
	return s
}

func (r *reader) node(field string, b []byte) artel.NodeID {
	if len(b) == 0 {
		return artel.NodeID{}
	}
	n, err := artel.NodeIDFromBytes(b)
	if err != nil {
		r.fail(field, "%v", err)
	}
	return n
}

func (r *reader) ref(field string, b []byte) artel.Ref {
	if len(b) == 0 {
		return artel.Ref{}
	}
	ref, err := artel.RefFromBytes(b)
	if err != nil {
		r.fail(field, "%v", err)
	}
	return ref
}

func (r *reader) amount(field string, b []byte) artel.Amount {
	if len(b) > 0 && b[0] == 0 {
		r.fail(field, "an amount with leading zeroes")
		return artel.Amount{}
	}
	a, err := artel.AmountFromBytes(b)
	if err != nil {
		r.fail(field, "%v", err)
	}
	return a
}

func (r *reader) accrual(field string, b []byte) artel.Accrual {
	if len(b) == 0 {
		return artel.Accrual{}
	}
	x, err := artel.AccrualFromBytes(b)
	if err != nil {
		r.fail(field, "%v", err)
	}
	return x
}

func (r *reader) atMost(field string, v, most uint64) uint64 {
	if v > most {
		r.fail(field, "%d, at most %d", v, most)
	}
	return v
}

// name reads a string that a rule checks further.
func (r *reader) name(field, s string) string {
	if len(s) > maxNameLen {
		r.fail(field, "%d bytes, at most %d", len(s), maxNameLen)
		return ""
	}
	return s
}

// word reads a reason or a phase: lower-case letters and dashes, or nothing.
func (r *reader) word(field, s string) string {
	if len(s) > MaxWord {
		r.fail(field, "%d bytes, at most %d", len(s), MaxWord)
		return ""
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && c != '-' {
			r.fail(field, "%q is not a word of lower-case letters", s)
			return ""
		}
	}
	return s
}

// text reads a sentence for a person and makes it harmless in a terminal.
func (r *reader) text(field, s string, most int) string {
	if len(s) > most {
		r.fail(field, "%d bytes, at most %d", len(s), most)
		return ""
	}
	return clean(s, most)
}

// blank returns nil for zeroes, so that a zero value is an absent field.
func blank(b []byte) []byte {
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}

func amountBytes(a artel.Amount) []byte {
	b := a.Bytes()
	i := 0
	for i < len(b) && b[i] == 0 {
		i++
	}
	if i == len(b) {
		return nil
	}
	return b[i:]
}

func accrualBytes(x artel.Accrual) []byte {
	b := x.Bytes()
	return blank(b[:])
}

// valid keeps what proto3 takes for a string.
func valid(s string) string { return strings.ToValidUTF8(s, "?") }

// clean makes s a single line of printable text of at most most bytes: no
// escape sequences, no line breaks, no marks that reverse the text around them.
func clean(s string, most int) string {
	s = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.In(c, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return c
	}, valid(s))
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
