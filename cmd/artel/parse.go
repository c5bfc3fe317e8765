package main

import (
	"context"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/internal/units"
	"github.com/artel-network/artel/network"
)

// parseSize reads bytes: 1000, 64KiB, 1.5GiB, 200MB.
func parseSize(flag, s string) (uint64, error) {
	n, ok := units.Size(s)
	if !ok {
		return 0, usage(units.LikeSize, "%s %q is not a size", flag, clean(s))
	}
	return n, nil
}

// parseDuration reads 90s, 10m, 2h30m, 1d; the result is in milliseconds.
func parseDuration(flag, s string) (uint64, error) {
	d, ok := units.Time(s)
	if !ok {
		return 0, usage(units.LikeTime, "%s %q is not a time", flag, clean(s))
	}
	if d < time.Millisecond {
		return 0, usage(units.LikeTime, "%s %q is no time at all", flag, clean(s))
	}
	return uint64(d.Milliseconds()), nil
}

// parseDeadline reads when a job ends: a time from now, as parseDuration does, a time
// of day, of which the next one is meant, or a day and a time, by this machine's zone
// unless it names one. The result is in unix ms and after now.
func parseDeadline(flag, s string, now time.Time) (int64, error) {
	hint := "like 2h, 18:30, 2027-01-31T18:30 or 2027-01-31T18:30:00Z"
	if at, err := time.ParseInLocation("15:04", s, now.Location()); err == nil {
		y, m, d := now.Date()
		t := time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, now.Location())
		if !t.After(now) {
			t = time.Date(y, m, d+1, at.Hour(), at.Minute(), 0, 0, now.Location())
		}
		return t.UnixMilli(), nil
	}
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", time.RFC3339} {
		t, err := time.ParseInLocation(form, strings.Replace(s, " ", "T", 1), now.Location())
		if err != nil {
			continue
		}
		if !t.After(now) {
			return 0, usage("a time that is yet to come", "%s %q has passed", flag, clean(s))
		}
		return t.UnixMilli(), nil
	}
	ms, err := parseDuration(flag, s)
	if err != nil {
		return 0, usage(hint, "%s %q is not a time", flag, clean(s))
	}
	if ms > artel.MaxUnit {
		return 0, usage(hint, "%s %q is too far away", flag, clean(s))
	}
	return now.UnixMilli() + int64(ms), nil
}

// parseArray reads 1-16 as 16 tasks from index 1.
func parseArray(s string) (first, count uint64, err error) {
	lo, hi, ok := strings.Cut(s, "-")
	a, err1 := strconv.ParseUint(lo, 10, 63)
	b, err2 := strconv.ParseUint(hi, 10, 63)
	switch {
	case !ok, err1 != nil, err2 != nil:
		return 0, 0, usage("like 1-16: one task for each index, in $ARTEL_TASK", "--array %q is not a range", clean(s))
	case b < a:
		return 0, 0, usage("the lower index comes first", "--array %s is empty", s)
	case b-a >= 1_000_000:
		return 0, 0, usage("at most 1,000,000 tasks a job; give each task more to do", "--array %s has too many tasks", s)
	}
	return a, b - a + 1, nil
}

var amountForm = regexp.MustCompile(`^([0-9_]+(?:\.[0-9]+)?)\s*([A-Za-z][A-Za-z0-9]*)?$`)

// parseAmount reads a sum: 2.5ART is tokens, 2500000 is smallest units. A
// decimal point without the symbol is refused: 5 and 5.0 must not differ by a
// factor of a million.
func (a *app) parseAmount(ctx context.Context, c *api.Client, flag, s string) (artel.Amount, error) {
	m := amountForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return artel.Amount{}, usage("like 2.5ART, or a whole number of the token's smallest units", "%s %q is not an amount", flag, clean(s))
	}
	if m[2] == "" && !strings.Contains(m[1], ".") {
		return artel.ParseAmount(m[1])
	}
	t, err := a.token(ctx, c)
	if err != nil {
		return artel.Amount{}, err
	}
	if m[2] == "" {
		return artel.Amount{}, usage("write "+m[1]+t.Symbol+" for tokens", "%s %q has a decimal point and no token", flag, clean(s))
	}
	if !strings.EqualFold(m[2], t.Symbol) {
		return artel.Amount{}, usage("this network's token is "+t.Symbol, "%s %q is in another token", flag, clean(s))
	}
	r, _ := units.Decimal(strings.ReplaceAll(m[1], "_", ""))
	r.Mul(r, tokenUnits(t))
	if !r.IsInt() {
		return artel.Amount{}, usage("the token has "+strconv.Itoa(int(t.Decimals))+" decimals", "%s %q is finer than the token", flag, clean(s))
	}
	return artel.ParseAmount(r.Num().String())
}

// parsePrice reads a price: a whole number is token units per 10⁶ seconds of
// one slot; 0.5/h is tokens per hour of one slot. What does not come out even
// is rounded down, or up for who sells.
func (a *app) parsePrice(ctx context.Context, c *api.Client, flag, s string, up bool) (artel.Price, error) {
	const hint = "like 0.5/h (tokens per hour of one slot), or a whole number of token units per 10⁶ seconds"
	body, perHour := strings.CutSuffix(strings.TrimSpace(s), "/h")
	if !perHour {
		n, err := strconv.ParseUint(strings.ReplaceAll(body, "_", ""), 10, 64)
		if err != nil || n == 0 {
			return 0, usage(hint, "%s %q is not a price", flag, clean(s))
		}
		return artel.Price(n), nil
	}
	t, err := a.token(ctx, c)
	if err != nil {
		return 0, err
	}
	if m := amountForm.FindStringSubmatch(strings.TrimSpace(body)); m != nil && strings.EqualFold(m[2], t.Symbol) {
		body = m[1]
	}
	r, ok := units.Decimal(body)
	if !ok {
		return 0, usage(hint, "%s %q is not a price", flag, clean(s))
	}
	r.Mul(r, tokenUnits(t))
	r.Mul(r, big.NewRat(1_000_000, 3600))
	n, rem := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if up && rem.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	switch {
	case n.Sign() == 0:
		return 0, usage("the least is one token unit per 10⁶ seconds", "%s %q is less than any price", flag, clean(s))
	case !n.IsUint64():
		return 0, usage("the most is "+hourly(math.MaxUint64, t), "%s %q is more than any price", flag, clean(s))
	}
	return artel.Price(n.Uint64()), nil
}

func tokenUnits(t network.Token) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Decimals)), nil))
}
