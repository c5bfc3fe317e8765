package swarm

import "math/bits"

// set is a set of leaf numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// add reports whether i was not in the set.
func (s set) add(i int) bool {
	if s.has(i) {
		return false
	}
	s[i/64] |= 1 << (i % 64)
	return true
}

// drop reports whether i was in the set.
func (s set) drop(i int) bool {
	if !s.has(i) {
		return false
	}
	s[i/64] &^= 1 << (i % 64)
	return true
}

// run is count numbers from first on.
type run struct{ first, count int }

// news returns up to limit runs of what is in s and not in told, and adds them
// to told.
func (s set) news(told set, limit int) []run {
	var out []run
	for k := range s {
		for w := s[k] &^ told[k]; w != 0; {
			bit := bits.TrailingZeros64(w)
			i := k*64 + bit
			if n := len(out); n > 0 && out[n-1].first+out[n-1].count == i {
				out[n-1].count++
			} else {
				if n == limit {
					return out
				}
				out = append(out, run{i, 1})
			}
			told.add(i)
			w &= w - 1
		}
	}
	return out
}

// each calls f with the numbers in s.
func (s set) each(f func(i int)) {
	for k, w := range s {
		for ; w != 0; w &= w - 1 {
			f(k*64 + bits.TrailingZeros64(w))
		}
	}
}
