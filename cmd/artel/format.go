package main

import (
	"fmt"
	"io"
	"math/big"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/network"
)

// clean makes what strangers wrote harmless in a terminal: no control or
// direction characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return '·'
		}
		return r
	}, s)
}

// cleanLog is clean for program output: tabs stay.
func cleanLog(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(string(b), "·"))
}

// money writes an amount in tokens, exactly.
func money(a artel.Amount, t network.Token) string {
	s := a.String()
	d := int(t.Decimals)
	if d == 0 {
		return s + " " + t.Symbol
	}
	if len(s) <= d {
		s = strings.Repeat("0", d-len(s)+1) + s
	}
	frac := strings.TrimRight(s[len(s)-d:], "0")
	if frac != "" {
		frac = "." + frac
	}
	return s[:len(s)-d] + frac + " " + t.Symbol
}

// hourly writes a price in tokens per hour of one slot, rounded.
func hourly(p artel.Price, t network.Token) string {
	r := new(big.Rat).SetInt(new(big.Int).SetUint64(uint64(p)))
	r.Mul(r, big.NewRat(3600, 1_000_000))
	r.Quo(r, tokenUnits(t))
	f, _ := r.Float64()
	return fmt.Sprintf("%.4g %s/h", f, t.Symbol)
}

func size(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", f, units[i])
}

func millis(ms uint64) string {
	d := time.Duration(min(ms, 1<<53)) * time.Millisecond
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return d.Round(10 * time.Millisecond).String()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// table aligns rows; the first is the header.
func table(w io.Writer, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(t, strings.Join(r, "\t"))
	}
	t.Flush()
}
