package api

import (
	"net"

	"golang.org/x/sys/windows"
)

// errRefused is what a socket without a listener answers.
const errRefused = windows.WSAECONNREFUSED

// bindPrivate opens a socket (Windows 10 1803 and later). A file's mode says nothing
// here: the socket inherits the access list of its directory, and the data
// directory lies in the user's profile.
func bindPrivate(path string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}
