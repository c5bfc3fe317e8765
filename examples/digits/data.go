package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
)

const (
	pixels  = 64 // an 8×8 image, row by row
	classes = 10
	maxInk  = 16 // the darkest pixel in the file
)

// digit is one handwritten digit.
type digit struct {
	ink   [pixels]float64 // 0 (paper) to 1
	label int
}

// read decodes digits.csv.gz: 64 pixels of 0 to 16 and the label in each row.
func read(r io.Reader) ([]digit, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpack digits: %w", err)
	}
	var all []digit
	lines := bufio.NewScanner(z)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(strings.TrimSpace(lines.Text()), ",")
		if len(fields) != pixels+1 {
			return nil, fmt.Errorf("line %d has %d values, want %d", n, len(fields), pixels+1)
		}
		var d digit
		for i, field := range fields {
			v, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
			most := float64(maxInk)
			if i == pixels {
				most = classes - 1
			}
			if err != nil || !(v >= 0 && v <= most) {
				return nil, fmt.Errorf("line %d, value %d: %q is no number from 0 to %v", n, i+1, field, most)
			}
			if i == pixels {
				d.label = int(v)
			} else {
				d.ink[i] = v / maxInk
			}
		}
		all = append(all, d)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read digits: %w", err)
	}
	if len(all) < 5 {
		return nil, errors.New("read digits: fewer than five, which cannot be split")
	}
	return all, nil
}

// splitSeed decides which digit is in which part. It is the same for all settings and
// all seeds of training, so that no setting has seen another's test digits.
const splitSeed = 1797

// split cuts the digits, shuffled, into 60 % to train on, 20 % to choose a setting by
// and 20 % to test the chosen one on, once.
func split(all []digit) (train, validation, test []digit) {
	shuffled := make([]digit, len(all))
	for to, from := range rand.New(rand.NewPCG(splitSeed, 0)).Perm(len(all)) {
		shuffled[to] = all[from]
	}
	a, b := len(all)*6/10, len(all)*8/10
	return shuffled[:a], shuffled[a:b], shuffled[b:]
}
