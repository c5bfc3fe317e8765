package image_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/artel-network/artel/image"
)

func testContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Minute)
}

func TestLookupUser(t *testing.T) {
	root := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	// Without /etc/passwd numbers work.
	if ids, home, err := image.LookupUser(in, "12"); ids != "12:0" || home != "" || err != nil {
		t.Errorf("%s, %s, %v", ids, home, err)
	}
	if err := os.MkdirAll(filepath.Join(root, "usr/etc"), 0o700); err != nil {
		t.Fatal(err)
	}
	// A link that is absolute means the image's root, as it would in the box.
	if err := os.Symlink("/usr/etc", filepath.Join(root, "etc")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	put("usr/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nbroken\napp:x:1000:1001::/home/app:/bin/sh\nbig:x:99999999999:1:::\nneg:x:-1:0:::\nlast:x:7:8::/l:")
	put("usr/etc/group", "root:x:0:\nstaff:x:50:app\nbad:x:y:\n")
	for user, want := range map[string]string{
		"": "0:0 /root", "0": "0:0 /root", "root": "0:0 /root", "app": "1000:1001 /home/app", "1000": "1000:1001 /home/app", "1000:": "1000:1001 /home/app",
		"app:staff": "1000:50 /home/app", "app:7": "1000:7 /home/app", "5:6": "5:6 ", "last": "7:8 /l", "5:staff": "5:50 ", ":staff": "0:50 /root",
	} {
		ids, home, err := image.LookupUser(in, user)
		if err != nil || ids+" "+home != want {
			t.Errorf("%q: %s %s, %v, want %s", user, ids, home, err, want)
		}
	}
	for _, user := range []string{"nobody", "big", "neg", "-1", "app:wheel", "app:bad", "app:-1", "2147483648", "0x0", "1 000", "app:staff:x"} {
		if ids, _, err := image.LookupUser(in, user); err == nil {
			t.Errorf("%q is %s", user, ids)
		} else {
			wantErr(t, err, image.ErrMalformed)
		}
	}
	// The host's files are not the image's.
	outside := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(outside, []byte("host:x:77:77::/:\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(root, "usr/etc/passwd")); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{outside, "../../../../../../../../.." + outside, "passwd"} {
		if err := os.Symlink(to, filepath.Join(root, "usr/etc/passwd")); err != nil {
			t.Fatal(err)
		}
		if ids, _, err := image.LookupUser(in, "host"); err == nil {
			t.Errorf("a link to %s led to the host's file: %s", to, ids)
		}
		os.Remove(filepath.Join(root, "usr/etc/passwd"))
	}
}
