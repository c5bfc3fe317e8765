package lease

import "github.com/artel-network/artel"

// Leave ends the lease because the machine's owner needs it: no new tasks, and what runs
// is ended; it has delivered nothing and is not billed.
func (s Sold) Leave(msg string, now int64) (Sold, []Effect) {
	s = s.meter(now)
	s, fx := s.stop(artel.ReasonEvicted, msg, now)
	s, more := s.settle(now)
	return s, append(fx, more...)
}
