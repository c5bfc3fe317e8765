package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code says in one word why a peer, or the way to it, refused. A Code is itself
// an error, so that errors.Is(err, p2p.NotFound) asks for it. Rooms may use codes
// of their own: 1 to 32 of a-z and dash.
type Code string

// The codes that every room shares.
const (
	// Invalid: the request is malformed; repeating it will not help.
	Invalid Code = "invalid"
	// Refused: understood, and against the other side's policy.
	Refused Code = "refused"
	// NotFound: there is no such thing at the peer.
	NotFound Code = "not-found"
	// Unauthorized: the caller is not the one who may ask this.
	Unauthorized Code = "unauthorized"
	// Conflict: the thing is in another state than the request assumes.
	Conflict Code = "conflict"
	// Unpaid: money must come first.
	Unpaid Code = "unpaid"
	// TooLarge: a message is over its size limit.
	TooLarge Code = "too-large"
	// Busy: over a rate or a limit; try again later.
	Busy Code = "busy"
	// Unavailable: the peer cannot be reached or is stopping.
	Unavailable Code = "unavailable"
	// Timeout: the handler was cut off at its time limit.
	Timeout Code = "timeout"
	// Unsupported: the peer does not know the method or the protocol.
	Unsupported Code = "unsupported"
	// OtherNetwork: the peer belongs to another network file.
	OtherNetwork Code = "other-network"
	// Version: the two speak no common version of the wire.
	Version Code = "version"
	// Internal: a fault of the peer that is not the caller's business.
	Internal Code = "internal"
)

// Error makes a Code a target for errors.Is.
func (c Code) Error() string { return string(c) }

func (c Code) valid() bool {
	for i := 0; i < len(c); i++ {
		if (c[i] < 'a' || c[i] > 'z') && c[i] != '-' {
			return false
		}
	}
	return len(c) >= 1 && len(c) <= 32
}

// MaxErrorText is the most bytes of Message or Hint that cross the wire.
const MaxErrorText = 512

// Error is a refusal that crosses the wire: a code for programs, a sentence for
// the person, and a hint what to do next ("" when there is none).
type Error struct {
	Code    Code
	Message string
	Hint    string
	// Remote says that the peer sent this. Message and Hint are then its words,
	// cleaned of control characters and cut to MaxErrorText, but not to be trusted.
	Remote bool
}

// Errorf returns an Error of the given code.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns a copy of e with the given hint.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// Error joins message, code and hint in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Remote {
		b.WriteString("peer: ")
	}
	b.WriteString(e.Message)
	if e.Message == "" {
		b.WriteString(string(e.Code))
	} else {
		fmt.Fprintf(&b, " (%s)", e.Code)
	}
	if e.Hint != "" {
		b.WriteString("; hint: ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Is matches a Code of the same value, an Error with the same code, and, for
// Timeout, context.DeadlineExceeded: the peer keeps the caller's deadline too, and
// may be the first to notice it.
func (e *Error) Is(target error) bool {
	if target == context.DeadlineExceeded {
		return e.Code == Timeout
	}
	switch t := target.(type) {
	case Code:
		return e.Code == t
	case *Error:
		return e.Code == t.Code
	}
	return false
}

// Outgoing turns what a handler returned into what its caller may see: an *Error
// in err's chain, cleaned and cut; Timeout and Unavailable for a context that
// ended; Internal and nothing else for the rest. An *Error that a third node sent
// (Remote) keeps its code but not its words, which are not ours to repeat.
func Outgoing(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		if e.Remote {
			return &Error{Code: Incoming(*e).Code, Message: "another node refused"}
		}
		out := Incoming(*e)
		out.Remote = false
		return out
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: Timeout, Message: "the call took too long"}
	case errors.Is(err, context.Canceled):
		return &Error{Code: Unavailable, Message: "the call was cancelled"}
	}
	var c Code
	if errors.As(err, &c) && c.valid() {
		return &Error{Code: c}
	}
	return &Error{Code: Internal, Message: "internal error"}
}

// Incoming cleans an Error that a peer sent: an impossible code becomes Internal,
// texts lose control characters and are cut to MaxErrorText, Remote is set.
func Incoming(e Error) *Error {
	if !e.Code.valid() {
		e.Code = Internal
	}
	return &Error{Code: e.Code, Message: clean(e.Message, MaxErrorText), Hint: clean(e.Hint, MaxErrorText), Remote: true}
}

// clean makes s safe to print in a terminal and a log: valid UTF-8, no control or
// direction characters, at most limit bytes.
func clean(s string, limit int) string {
	if len(s) > 4*limit {
		s = s[:4*limit]
	}
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
