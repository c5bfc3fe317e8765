//go:build linux && (amd64 || arm64)

package gvisor

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/artel-network/artel/sandbox"
)

// The socket of a supervisor: one request a connection. A frame is its length (4 bytes)
// and JSON; descriptors travel with the length.
//
//	hold     → answers when the attempt has ended: Exit. While one is open, somebody holds the attempt.
//	kill     → answers at once
//	follow   → the log, as bytes, until the end
//	usage    → Usage
//	exec     (stdin, stdout, stderr, or none with TTY) → PID (terminal with TTY), then Code;
//	         closing the connection kills the process
//	signal   → answers when done
//	terminate → answers when the signal is sent
//	dial     → a stream
//	freeze, thaw → answer when done
//	checkpoint (a directory) → Checkpoint when the program goes on; closing the writing half gives up
type request struct {
	Op     string
	Exec   *execRequest `json:",omitempty"`
	PID    int32        `json:",omitempty"`
	Signal int          `json:",omitempty"`
	TTY    bool         `json:",omitempty"`
	Port   uint16       `json:",omitempty"`
	Stop   bool         `json:",omitempty"`
}

type execRequest struct {
	Args       []string
	Env        []string
	Dir        string
	TTY        bool
	Rows, Cols uint16
}

type response struct {
	Err    string         `json:",omitempty"`
	Ended  bool           `json:",omitempty"`
	Frozen bool           `json:",omitempty"`
	Errno  syscall.Errno  `json:",omitempty"`
	Exit   *sandbox.Exit  `json:",omitempty"`
	Usage  *sandbox.Usage `json:",omitempty"`
	PID    int32          `json:",omitempty"`
	Code   *int           `json:",omitempty"`
	// NotMovable is why ErrNotMovable.
	NotMovable string              `json:",omitempty"`
	Checkpoint *sandbox.Checkpoint `json:",omitempty"`
}

func (r response) err() error {
	switch {
	case r.Ended:
		return sandbox.ErrEnded
	case r.Frozen:
		return sandbox.ErrFrozen
	case r.NotMovable != "":
		return fmt.Errorf("%w: %s", sandbox.ErrNotMovable, r.NotMovable)
	case r.Errno != 0:
		return r.Errno
	case r.Err != "":
		return errors.New(r.Err)
	}
	return nil
}

const maxFrame = 2 << 20

func send(c *net.UnixConn, v any, files ...*os.File) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxFrame {
		return fmt.Errorf("a message of %d bytes; at most %d fit", len(b), maxFrame)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := c.WriteMsgUnix(binary.BigEndian.AppendUint32(nil, uint32(len(b))), rights, nil); err != nil {
		return err
	}
	_, err = c.Write(b)
	return err
}

// receive returns the descriptors that came with the frame; the caller closes them.
func receive(c *net.UnixConn, v any) (files []*os.File, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
			files = nil
		}
	}()
	head, oob := make([]byte, 4), make([]byte, unix.CmsgSpace(3*4))
	n, oobn, _, _, err := c.ReadMsgUnix(head, oob)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return nil, err
	}
	for _, m := range msgs {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	if _, err := io.ReadFull(c, head[n:]); err != nil {
		return files, err
	}
	size := binary.BigEndian.Uint32(head)
	if size > maxFrame {
		return files, fmt.Errorf("a message of %d bytes; at most %d fit", size, maxFrame)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(c, b); err != nil {
		return files, err
	}
	return files, json.Unmarshal(b, v)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// inDir calls f with a short path of name in dir: the path of a unix socket has room for
// 107 bytes only.
func inDir(dir, name string, f func(path string) error) error {
	d, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: dir, Err: err}
	}
	defer unix.Close(d)
	return f(fmt.Sprintf("/proc/self/fd/%d/%s", d, name))
}
