// Package vm boots a Debian in an emulated machine, for tests that want another kernel
// than the one below: QEMU without KVM, so that any user may, anywhere, slowly. The
// machine has no network, and its disk is memory, gone with it.
//
//	layout (debian.Machine)  ── kernel, initrd ──►  QEMU
//	its files + Config.Files ── one archive, a disk ──►  a tmpfs, the root  ──►  systemd
//	Config.Script            ──►  runs as root beside systemd, speaks on the serial line
//
// The machine's clock counts its instructions: on a host with much to do it is slow with
// all else, and a deadline in it means what it means elsewhere.
package vm

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/artel-network/artel/image/oci"
)

// ErrTool says that machines cannot be emulated here.
var ErrTool = errors.New("no machine can be emulated")

const qemu = "qemu-system-x86_64"

// Check says what is missing, or nil. The error wraps ErrTool.
func Check() error {
	if runtime.GOARCH != "amd64" {
		return fmt.Errorf("%w: only amd64 was tried", ErrTool)
	}
	if _, err := exec.LookPath(qemu); err != nil {
		return fmt.Errorf("%w: %s is missing; hint: apt install qemu-system-x86, as root", ErrTool, qemu)
	}
	return nil
}

// Config is a machine.
type Config struct {
	Layout string            // OCI layout with one layer: systemd, a kernel and its initrd with busybox
	Files  map[string]string // name in the machine → file or directory of the host's, put there
	Script string            // of bash, run as root once systemd is up; the machine ends after it
	Memory int               // MiB
	Dir    string            // for temporary files, some GB
	Line   func(string)      // called with each line that Script writes
}

// Run boots the machine and returns when it has ended.
func Run(ctx context.Context, c Config) error {
	if err := Check(); err != nil {
		return err
	}
	kernel, initrd, disk := filepath.Join(c.Dir, "vmlinuz"), filepath.Join(c.Dir, "initrd"), filepath.Join(c.Dir, "disk.tar")
	if err := c.build(kernel, initrd, disk); err != nil {
		return fmt.Errorf("build a machine: %w", err)
	}
	cmd := exec.CommandContext(ctx, "nice", "-n", "15", qemu,
		"-machine", "q35", "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off", "-cpu", "max", "-m", fmt.Sprint(c.Memory),
		"-nodefaults", "-display", "none", "-nic", "none", "-no-reboot", "-serial", "stdio",
		"-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 "+bootArgs,
		"-drive", "file="+disk+",if=virtio,format=raw,readonly=on")
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", qemu, err)
	}
	for lines := bufio.NewReader(out); ; {
		l, err := lines.ReadString('\n')
		if l = strings.TrimRight(l, "\r\n"); l != "" || err == nil {
			c.Line(l)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w; it said: %s", qemu, err, said.String())
	}
	return nil
}

// unit runs the script.
const unit = `[Unit]
After=systemd-logind.service dbus.service
[Service]
Type=exec
ExecStart=/bin/bash /run.sh
ExecStopPost=/sbin/poweroff -f
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
`

// slow lets everything take its time.
const slow = "[Manager]\nDefaultTimeoutStartSec=infinity\nDefaultDeviceTimeoutSec=infinity\n"

// bootArgs are the kernel's: it reports no progress, and begins what is needed alone.
const bootArgs = "quiet panic=-1 mitigations=off apparmor=0 audit=0 systemd.show_status=0 " +
	"systemd.mask=systemd-udev-trigger.service systemd.mask=systemd-udevd.service systemd.mask=systemd-udevd-control.socket systemd.mask=systemd-udevd-kernel.socket " +
	"systemd.mask=systemd-journal-flush.service systemd.mask=apt-daily.timer systemd.mask=apt-daily-upgrade.timer"

// boot takes the place of the initrd's own /init, which looks for devices first.
const boot = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mkdir -p /dev /proc /sys /root
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
modprobe virtio_pci
modprobe virtio_blk
while [ ! -b /dev/vda ]; do sleep 1; done
mount -t tmpfs -o mode=755,size=75% root /root
tar -x -f /dev/vda -C /root
umount /dev /proc /sys
exec switch_root /root /sbin/init
`

// needless are paths below which a machine's files are left out: its kernel's modules but
// for those of a container's network, and what packages came with.
func needless(name string) bool {
	if _, module, ok := strings.Cut(name, "/kernel/"); ok && strings.Contains(name, "lib/modules/") {
		return strings.HasSuffix(module, ".ko") && module != "drivers/net/veth.ko" && module != "drivers/net/tun.ko"
	}
	return strings.HasPrefix(name, "var/cache/") || strings.HasPrefix(name, "var/lib/apt/lists/") || strings.HasPrefix(name, "usr/share/zoneinfo/") || strings.HasPrefix(name, "usr/share/perl")
}

// build writes the three files that QEMU wants.
func (c Config) build(kernel, initrd, disk string) (err error) {
	blob, err := layer(c.Layout)
	if err != nil {
		return err
	}
	in, err := os.Open(blob)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := zstd.NewReader(in)
	if err != nil {
		return err
	}
	defer z.Close()
	out, err := os.Create(disk)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	w := tar.NewWriter(out)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", blob, err)
		}
		name := path.Clean(h.Name)
		if path.Dir(name) == "boot" && h.Typeflag == tar.TypeReg {
			for prefix, to := range map[string]string{"vmlinuz-": kernel, "initrd.img-": initrd} {
				if strings.HasPrefix(path.Base(name), prefix) {
					if err := save(to, r); err != nil {
						return err
					}
				}
			}
			continue
		}
		if needless(name) {
			continue
		}
		h.Format = tar.FormatUnknown
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	texts := map[string]string{
		"etc/systemd/system/script.service": unit, "run.sh": c.Script, "etc/fstab": "",
		"etc/systemd/system.conf.d/slow.conf": slow, "etc/systemd/user.conf.d/slow.conf": slow,
	}
	for name, text := range texts {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			return err
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	for name, to := range map[string]string{"etc/systemd/system/multi-user.target.wants/script.service": "../script.service", "etc/systemd/system/serial-getty@ttyS0.service": os.DevNull} {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to, Mode: 0o777}); err != nil {
			return err
		}
	}
	for name, from := range c.Files {
		if err := add(w, strings.TrimPrefix(name, "/"), from); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	if st, err := out.Stat(); err != nil {
		return err
	} else if err := out.Truncate((st.Size() + 511) / 512 * 512); err != nil {
		return err
	}
	return extend(initrd, "init", boot)
}

func save(name string, r io.Reader) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// add puts a file or a tree into an archive, as root's.
func add(w *tar.Writer, name, from string) error {
	return filepath.WalkDir(from, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		h.Name, h.Uid, h.Gid, h.Uname, h.Gname = path.Join(name, filepath.ToSlash(rel)), 0, 0, "", ""
		if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	})
}

// extend adds a file to an initrd: the kernel reads archives one after the other, each
// at a multiple of four bytes ("newc" of cpio(5)).
func extend(initrd, name, text string) error {
	f, err := os.OpenFile(initrd, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("%w; hint: the image has no kernel, make it again", err)
	}
	st, err := f.Stat()
	if err == nil {
		b := make([]byte, -st.Size()&3)
		for i, e := range []struct{ name, text string }{{name, text}, {"TRAILER!!!", ""}} {
			head := "070701"
			for _, n := range []int{i + 1, 0o100755, 0, 0, 1, 0, len(e.text), 0, 0, 0, 0, len(e.name) + 1, 0} {
				head += fmt.Sprintf("%08x", n)
			}
			b = append(b, head+e.name+"\x00"...)
			b = append(b, make([]byte, -(len(head)+len(e.name)+1)&3)...)
			b = append(b, e.text...)
			b = append(b, make([]byte, -len(e.text)&3)...)
		}
		_, err = f.Write(b)
	}
	return errors.Join(err, f.Close())
}

// layer is the file of a layout's only layer.
func layer(layout string) (string, error) {
	blob := func(d oci.Digest) string { return filepath.Join(layout, "blobs", "sha256", d.Hex()) }
	b, err := os.ReadFile(filepath.Join(layout, "index.json"))
	if err != nil {
		return "", err
	}
	var x oci.Index
	if err := json.Unmarshal(b, &x); err != nil || len(x.Manifests) != 1 {
		return "", fmt.Errorf("read %s: not an index of one image (%v)", layout, err)
	}
	if b, err = os.ReadFile(blob(x.Manifests[0].Digest)); err != nil {
		return "", err
	}
	var m oci.Manifest
	if err := json.Unmarshal(b, &m); err != nil || len(m.Layers) != 1 {
		return "", fmt.Errorf("read %s: not an image of one layer (%v)", layout, err)
	}
	return blob(m.Layers[0].Digest), nil
}
