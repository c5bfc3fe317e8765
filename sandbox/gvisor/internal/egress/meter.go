package egress

import (
	"errors"
	"sync"
)

var errCapped = errors.New("the bytes that were agreed on are used up")

// meter counts payload up to a cap. The zero cap is none.
type meter struct {
	cap int64
	// full is closed when the cap is reached.
	full chan struct{}

	mu    sync.Mutex
	usage Usage
}

func newMeter(cap int64) *meter { return &meter{cap: cap, full: make(chan struct{})} }

func (m *meter) sent(n int) int { return m.take(n, func(u *Usage) *int64 { return &u.Sent }) }
func (m *meter) got(n int) int  { return m.take(n, func(u *Usage) *int64 { return &u.Got }) }

// take counts n bytes, or as many as still fit, and returns how many. It is called
// BEFORE they are passed on: what is passed on never exceeds the cap.
func (m *meter) take(n int, counter func(*Usage) *int64) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cap > 0 {
		n = int(min(int64(n), m.cap-m.usage.Sent-m.usage.Got))
	}
	*counter(&m.usage) += int64(n)
	if m.cap > 0 && !m.usage.Capped && m.usage.Sent+m.usage.Got == m.cap {
		m.usage.Capped = true
		close(m.full)
	}
	return n
}

func (m *meter) read() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.usage
}

func (m *meter) change(f func(*Usage)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f(&m.usage)
}
