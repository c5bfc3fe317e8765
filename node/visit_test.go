package node

import (
	"net"
	"testing"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/wire"
)

// piped is one end of a stream.
type piped struct{ net.Conn }

func (p piped) CloseWrite() error { return nil }
func (p piped) Reset() error      { return p.Close() }

// A machine that has no place for a check says nothing of the program: the host is to
// blame, or three busy ones would end a service as one that cannot run.
func TestBusyIsNotTheProgramsFault(t *testing.T) {
	for text, want := range map[string]api.Code{wire.VisitBusy: api.CodeUnavailable, "nothing listens on that port": api.CodeRefused} {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			if _, _, err := wire.ReadFrame(there, nil); err == nil {
				_ = wire.WriteFrame(there, wire.FrameError, []byte(text))
			}
		}()
		if err := openTo(piped{here}, wire.Visit{Kind: wire.VisitCheck, Port: 80}); api.AsError(err).Code != want {
			t.Errorf("%q: %v", text, err)
		}
		here.Close()
	}
}
