package sandbox

import "testing"

func TestStopSignal(t *testing.T) {
	for name, want := range map[string]int{
		"": 15, "SIGTERM": 15, "TERM": 15, "sigquit": 3, " INT ": 2, "9": 9, "64": 64, "SIGRTMIN+3": 37, "RTMAX-1": 63, "SIGRTMIN": 34, "SIGWINCH": 28,
		"SIGNONE": 15, "0": 15, "65": 15, "-1": 15, "RTMIN+31": 15, "RTMIN-1": 15, "RTMIN+x": 15, "TERM+1": 15, "99999999999999999999": 15,
	} {
		if got := StopSignal(name); got != want {
			t.Errorf("%q is %d, want %d", name, got, want)
		}
	}
}
