package image

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/artel-network/artel/image/internal/unpack"
)

// maxPasswd bounds /etc/passwd and /etc/group of an image.
const maxPasswd = 1 << 20

// lookupUser resolves "name", "uid", "name:group" or "uid:gid" by the image's own
// /etc/passwd and /etc/group into "uid:gid", and the user's home, if the image
// says. Empty means 0:0. The rules are Docker's: without a group it is the user's
// own, or 0 for a number that the image does not know.
func lookupUser(root *os.Root, spec string) (ids, home string, err error) {
	user, group, hasGroup := strings.Cut(spec, ":")
	if user == "" {
		user = "0"
	}
	uid, gid, home, err := passwd(root, user)
	if err == nil && hasGroup && group != "" {
		gid, err = groupID(root, group)
	}
	if err != nil {
		return "", "", fmt.Errorf("user %.80q of the image: %w", spec, err)
	}
	return fmt.Sprintf("%d:%d", uid, gid), home, nil
}

func passwd(root *os.Root, user string) (uid, gid int64, home string, err error) {
	number, isNumber := id(user)
	text, err := unpack.ReadFile(root, "etc/passwd", maxPasswd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, "", fmt.Errorf("read /etc/passwd: %w", err)
	}
	// name:password:uid:gid:comment:home:shell
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 6 {
			continue
		}
		u, ok1 := id(f[2])
		g, ok2 := id(f[3])
		if ok1 && ok2 && (f[0] == user || isNumber && u == number) {
			return u, g, f[5], nil
		}
	}
	if isNumber {
		return number, 0, "", nil
	}
	return 0, 0, "", fmt.Errorf("%w: its /etc/passwd does not have it; hint: give a number", ErrMalformed)
}

func groupID(root *os.Root, group string) (int64, error) {
	if n, ok := id(group); ok {
		return n, nil
	}
	text, err := unpack.ReadFile(root, "etc/group", maxPasswd)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("read /etc/group: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) < 3 || f[0] != group {
			continue
		}
		if g, ok := id(f[2]); ok {
			return g, nil
		}
	}
	return 0, fmt.Errorf("%w: its /etc/group does not have the group; hint: give a number", ErrMalformed)
}

// id reads a user's or group's number.
func id(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int64(n), err == nil
}
