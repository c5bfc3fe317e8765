package egress

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// SendFile passes f to the process at the other end of conn. f stays the caller's.
func SendFile(conn *net.UnixConn, f *os.File) error {
	raw, err := f.SyscallConn() // f.Fd would make the description blocking for both
	if err != nil {
		return fmt.Errorf("pass %s on: %w", f.Name(), err)
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		_, _, sent = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(fd)), nil)
	}); err != nil {
		sent = err
	}
	if sent != nil {
		return fmt.Errorf("pass %s on: %w", f.Name(), sent)
	}
	return nil
}

// ReceiveFile takes the file that SendFile passed on. What came must be one file, a
// TAP or a packet socket.
func ReceiveFile(conn *net.UnixConn) (*os.File, error) {
	data, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4*4))
	n, oobn, _, _, err := conn.ReadMsgUnix(data, oob) // sets close-on-exec
	if err != nil {
		return nil, fmt.Errorf("receive the box's interface: %w", err)
	}
	var fds []int
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	for i := range messages {
		if got, e := unix.ParseUnixRights(&messages[i]); e == nil {
			fds = append(fds, got...)
		}
	}
	if err == nil && (n != 1 || len(fds) != 1) {
		err = fmt.Errorf("%d files came with %d bytes; one of each is due", len(fds), n)
	}
	if err == nil && !isTAP(fds[0]) && !isPacketSocket(fds[0]) {
		err = errors.New("the file is neither a TAP nor a packet socket")
	}
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	if err != nil {
		for _, fd := range fds {
			unix.Close(fd)
		}
		return nil, fmt.Errorf("receive the box's interface: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "box interface"), nil
}

// isTAP reports whether fd is a TAP as CreateTAP makes it.
func isTAP(fd int) bool {
	ifr, err := unix.NewIfreq("x")
	if err != nil {
		return false
	}
	if err := unix.IoctlIfreq(fd, unix.TUNGETIFF, ifr); err != nil {
		return false
	}
	return ifr.Uint16()&(unix.IFF_TAP|unix.IFF_NO_PI|unix.IFF_VNET_HDR) == unix.IFF_TAP|unix.IFF_NO_PI
}

func isPacketSocket(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_PACKET
}
