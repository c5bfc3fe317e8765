package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/artel-network/artel"
)

// Code says in a word what went wrong; programs match it.
type Code string

// The codes.
const (
	CodeInvalid      Code = "invalid"       // the request is wrong; the same again will be too
	CodeUnauthorized Code = "unauthorized"  // no token, or another one
	CodeForbidden    Code = "forbidden"     // a web page or a host that was not allowed
	CodeNotFound     Code = "not-found"     // no such thing
	CodeMethod       Code = "method"        // the path knows other methods
	CodeConflict     Code = "conflict"      // not in this state
	CodeFunds        Code = "funds"         // not enough money
	CodeRefused      Code = "refused"       // the ledger or a peer said no
	CodeTooLarge     Code = "too-large"     // over a limit
	CodeContentType  Code = "content-type"  // JSON was wanted
	CodeUnavailable  Code = "unavailable"   // the chain or the network is away; try again
	CodeInternal     Code = "internal"      // the daemon's fault
	CodeNoDaemon     Code = "no-daemon"     // the client found none
	CodeTorn         Code = "torn"          // a stream stopped before its end
	CodeIncompatible Code = "incompatible"  // client and daemon speak other versions
	CodeCancelled    Code = "cancelled"     // the caller gave up
	CodeUnsupported  Code = "not-supported" // this node does not do that
)

var statuses = map[Code]int{
	CodeInvalid: http.StatusBadRequest, CodeUnauthorized: http.StatusUnauthorized,
	CodeForbidden: http.StatusForbidden, CodeNotFound: http.StatusNotFound,
	CodeMethod: http.StatusMethodNotAllowed, CodeConflict: http.StatusConflict,
	CodeFunds: http.StatusPaymentRequired, CodeRefused: http.StatusUnprocessableEntity,
	CodeTooLarge: http.StatusRequestEntityTooLarge, CodeContentType: http.StatusUnsupportedMediaType,
	CodeUnavailable: http.StatusServiceUnavailable, CodeUnsupported: http.StatusNotImplemented,
}

// Error is what crosses the API when something goes wrong: a code for
// programs, a sentence for the person, and a hint what to do next.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Error returns the sentence with its hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; hint: " + e.Hint
}

// Is matches another Error of the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Status returns the HTTP status of the error.
func (e *Error) Status() int {
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Errorf returns an Error without a hint.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint returns the error with a hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// AsError finds the Error in err or makes one of it: invalid documents keep
// their code, a hint in the text ("…; hint: …") or of an error that has one
// becomes the hint, and all else is internal.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Code: CodeInternal}
	e.Message, e.Hint, _ = strings.Cut(err.Error(), "; hint: ")
	var hinted interface{ Hint() string }
	if e.Hint == "" && errors.As(err, &hinted) {
		e.Hint = hinted.Hint()
	}
	switch {
	case errors.Is(err, artel.ErrInvalid), errors.Is(err, artel.ErrAmount), errors.Is(err, artel.ErrRef):
		e.Code = CodeInvalid
	case errors.Is(err, context.Canceled):
		e.Code = CodeCancelled
	}
	return e
}
