// Package units reads sizes and times as people write them.
package units

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Forms in words, for hints.
const (
	LikeSize = "like 512MiB, 2GiB or a number of bytes"
	LikeTime = "like 90s, 10m, 2h30m or 1d"
)

// Size reads bytes, more than none: 1000, 64KiB, 1.5GiB, 200MB.
func Size(s string) (uint64, bool) {
	units := []struct {
		suffix string
		n      int64
	}{{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
		{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
		{"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"t", 1 << 40}, {"b", 1}}
	num, factor := strings.ToLower(strings.TrimSpace(s)), int64(1)
	for _, u := range units {
		if body, ok := strings.CutSuffix(num, u.suffix); ok {
			num, factor = strings.TrimSpace(body), u.n
			break
		}
	}
	r, ok := Decimal(num)
	if !ok {
		return 0, false
	}
	r.Mul(r, new(big.Rat).SetInt64(factor))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	return n.Uint64(), n.IsUint64() && n.Sign() > 0
}

// Time reads 90s, 10m, 2h30m, 1d. It may be none, or less.
func Time(s string) (time.Duration, bool) {
	days, rest := uint64(0), s
	if d, tail, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(d, 10, 16)
		if err != nil {
			return 0, false
		}
		days, rest = n, tail
	}
	var d time.Duration
	if rest != "" || days == 0 {
		var err error
		if d, err = time.ParseDuration(rest); err != nil {
			return 0, false
		}
	}
	return d + time.Duration(days)*24*time.Hour, true
}

var decimalForm = regexp.MustCompile(`^[0-9]{1,30}(\.[0-9]{1,30})?$`)

// Decimal reads a number that is not negative, exactly.
func Decimal(s string) (*big.Rat, bool) {
	if !decimalForm.MatchString(s) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
