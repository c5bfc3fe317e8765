//go:build amd64 || arm64

package egress

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// endpoint is the gateway's end of the wire: it filters what comes from the box
// before the stack sees it.
type endpoint struct {
	file *os.File
	raw  syscall.RawConn
	link Link

	dropped atomic.Int64

	mu         sync.RWMutex
	dispatcher stack.NetworkDispatcher
}

var _ stack.LinkEndpoint = (*endpoint)(nil)

// between rests so many frames are read, none of which costs more than a few microseconds.
const between = 16

// serve reads frames until the file is closed, and returns nil then. What is not read
// is lost, and TCP waits for it: in both directions, since its acknowledgements come by here.
func (e *endpoint) serve(ctx context.Context, rest func() time.Duration) error {
	frame := make([]byte, 1<<16+etherLen) // more than any MTU: a veth hands over unsplit segments
	for i := 0; ; i++ {
		if rest != nil && i%between == 0 {
			if d := rest(); d > 0 {
				select {
				case <-time.After(d):
				case <-ctx.Done():
				}
			}
		}
		n, err := e.file.Read(frame)
		switch {
		case err == nil:
			e.deliver(frame[:n])
		case errors.Is(err, os.ErrClosed):
			return nil
		case errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			// The box took its interface down; it may come up again.
		default:
			return fmt.Errorf("read from the box's interface %s: %w", e.link.Name, err)
		}
	}
}

// deliver hands a copy of the frame to the stack, or drops it.
func (e *endpoint) deliver(frame []byte) {
	kind, err := e.link.admit(frame)
	e.mu.RLock()
	d := e.dispatcher
	e.mu.RUnlock()
	if err != nil || d == nil {
		e.dropped.Add(1)
		return
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithView(buffer.NewViewWithData(frame))})
	defer pkt.DecRef()
	if e.ParseHeader(pkt) {
		d.DeliverNetworkPacket(tcpip.NetworkProtocolNumber(kind), pkt)
	}
}

// WritePackets sends packets to the box. One that the interface does not take is
// lost, as on any wire.
func (e *endpoint) WritePackets(pkts stack.PacketBufferList) (int, tcpip.Error) {
	n := 0
	for _, pkt := range pkts.AsSlice() {
		var sent error
		parts := pkt.AsSlices()
		err := e.raw.Write(func(fd uintptr) bool {
			_, sent = unix.Writev(int(fd), parts)
			return !errors.Is(sent, unix.EAGAIN)
		})
		if err != nil {
			return n, &tcpip.ErrClosedForSend{}
		}
		n++
	}
	return n, nil
}

// ParseHeader implements stack.LinkEndpoint.
func (*endpoint) ParseHeader(pkt *stack.PacketBuffer) bool {
	_, ok := pkt.LinkHeader().Consume(header.EthernetMinimumSize)
	return ok
}

// AddHeader implements stack.LinkEndpoint.
func (*endpoint) AddHeader(pkt *stack.PacketBuffer) {
	eth := header.Ethernet(pkt.LinkHeader().Push(header.EthernetMinimumSize))
	eth.Encode(&header.EthernetFields{
		SrcAddr: tcpip.LinkAddress(gatewayMAC[:]), DstAddr: pkt.EgressRoute.RemoteLinkAddress, Type: pkt.NetworkProtocolNumber,
	})
}

// Attach implements stack.LinkEndpoint.
func (e *endpoint) Attach(d stack.NetworkDispatcher) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.dispatcher = d
}

// IsAttached implements stack.LinkEndpoint.
func (e *endpoint) IsAttached() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.dispatcher != nil
}

// Capabilities implements stack.LinkEndpoint. Checksums of what comes in are not
// verified: it never left this machine's memory, and a box that sends wrong ones
// deceives itself.
func (*endpoint) Capabilities() stack.LinkEndpointCapabilities {
	return stack.CapabilityResolutionRequired | stack.CapabilityRXChecksumOffload
}

// The rest of stack.LinkEndpoint, all of it constant.

func (e *endpoint) MTU() uint32                           { return uint32(e.link.MTU) }
func (*endpoint) SetMTU(uint32)                           {}
func (*endpoint) MaxHeaderLength() uint16                 { return header.EthernetMinimumSize }
func (*endpoint) LinkAddress() tcpip.LinkAddress          { return tcpip.LinkAddress(gatewayMAC[:]) }
func (*endpoint) SetLinkAddress(tcpip.LinkAddress)        {}
func (*endpoint) ARPHardwareType() header.ARPHardwareType { return header.ARPHardwareEther }
func (*endpoint) Wait()                                   {}
func (*endpoint) Close()                                  {}
func (*endpoint) SetOnCloseAction(func())                 {}
