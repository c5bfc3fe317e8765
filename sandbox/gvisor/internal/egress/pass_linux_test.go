//go:build linux && (amd64 || arm64)

package egress

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// sendFile passes f to the process at the other end of conn. f stays the caller's.
func sendFile(conn *net.UnixConn, f *os.File) error {
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
	return sent
}

// receiveFile takes the file that sendFile passed on.
func receiveFile(conn *net.UnixConn) (*os.File, error) {
	data, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	_, oobn, _, _, err := conn.ReadMsgUnix(data, oob) // sets close-on-exec
	if err != nil {
		return nil, fmt.Errorf("receive the box's interface: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, fmt.Errorf("receive the box's interface: %d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return nil, fmt.Errorf("receive the box's interface: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, fmt.Errorf("receive the box's interface: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "box interface"), nil
}
