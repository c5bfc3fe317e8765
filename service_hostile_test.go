package artel

import (
	"math"
	"testing"
)

// Figures that do not fit into a signed number would be times before now.
func TestServiceOfAbsurdTimes(t *testing.T) {
	good := DefaultService
	good.Port = 80
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Service){
		"every":         func(s *Service) { s.Every = math.MaxUint64 },
		"every, halved": func(s *Service) { s.Every = 1 << 63 },
		"start":         func(s *Service) { s.Start = 1 << 63 },
		"timeout":       func(s *Service) { s.Timeout = math.MaxUint64 },
		"away":          func(s *Service) { s.Away = math.MaxUint64 },
		"drain":         func(s *Service) { s.Drain = math.MaxUint64 },
	} {
		s := good
		if change(&s); s.Check() == nil {
			t.Errorf("%s: %+v is taken", name, s)
		}
	}
}
