//go:build linux && (amd64 || arm64)

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// containerVerbs are what only a program in a container can try.
func containerVerbs() map[string]func([]string) error {
	return map[string]func([]string) error{
		"scribble": scribble, "where": where, "who": who, "hunt": hunt, "leavelinks": leaveLinks, "special": special, "attacks": attacks,
		"stubborn": stubborn, "selfcopy": selfCopy, "burn": burn, "cores": cores, "forkbomb": forkBomb, "threads": threads, "inodes": inodes,
		"sit": sit, "trap": trap, "echo": echo, "tty": tty, "listen": listen, "fallocate": fallocate, "arithmetic": arithmetic,
		"journey": journey, "companion": companion, "gaps": gaps, "spinners": spinners, "caller": caller, "waiter": waiter,
	}
}

func scribble(args []string) error {
	for _, p := range args {
		if err := os.WriteFile(p, []byte("scribbled"), 0o644); err != nil {
			fmt.Println("refused", p, err)
		} else {
			fmt.Println("wrote", p)
		}
	}
	return nil
}

func where([]string) error {
	dir, err := os.Getwd()
	fmt.Println("in", dir)
	return err
}

func who([]string) error {
	fmt.Printf("user %d:%d\n", os.Getuid(), os.Getgid())
	fmt.Println("out", os.WriteFile("/out/made", []byte("made"), 0o600) == nil)
	fmt.Println("layer", os.WriteFile("/tmp/made", []byte("made"), 0o600) == nil)
	return nil
}

// hunt looks for a word in all files that it is given.
func hunt(args []string) error {
	found := false
	for _, p := range args[1:] {
		f, err := os.Open(p)
		if err != nil {
			continue
		}
		b := make([]byte, 1<<16)
		n, _ := io.ReadFull(f, b)
		f.Close()
		if bytes.Contains(b[:n], []byte(args[0])) {
			fmt.Println("FOUND in", p)
			found = true
		}
	}
	if !found {
		fmt.Println("nothing found")
	}
	return nil
}

func leaveLinks(args []string) error {
	must(os.MkdirAll("/out/dir/deep", 0o755))
	must(os.WriteFile("/out/file", []byte("x"), 0o644))
	must(os.Symlink("../file", "/out/dir/inside"))
	must(os.Symlink(args[0], "/out/abs"))
	must(os.Symlink("../../../../.."+args[0], "/out/up"))
	must(os.Symlink("nothing", "/out/dangling"))
	must(os.Symlink("loop", "/out/loop"))
	must(os.Symlink("../../file", "/out/dir/deep/swapped"))
	must(os.Rename("/out/dir/deep/swapped", "/out/swapped"))
	return nil
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func special([]string) error {
	tell := func(what string, err error) {
		if err == nil {
			fmt.Println("made", what)
		} else {
			fmt.Println("refused", what)
		}
	}
	tell("a fifo", syscall.Mkfifo("/out/fifo", 0o644))
	tell("a device", syscall.Mknod("/out/dev", syscall.S_IFCHR|0o644, 1<<8|3))
	tell("a block device", syscall.Mknod("/out/disk", syscall.S_IFBLK|0o644, 8<<8))
	l, err := net.Listen("unix", "/out/sock")
	tell("a socket", err)
	if err == nil {
		l.Close()
	}
	must(os.WriteFile("/out/program", []byte("x"), 0o755))
	_ = os.Chmod("/out/program", 0o777|os.ModeSetuid|os.ModeSetgid|os.ModeSticky)
	must(os.Mkdir("/out/dir", 0o755))
	_ = os.Chmod("/out/dir", 0o777|os.ModeSetgid|os.ModeSticky)
	must(os.WriteFile("/out/secret", []byte("x"), 0o600))
	_ = os.Chmod("/out/secret", 0)
	must(os.WriteFile("/out/new\nline", []byte("x"), 0o644))
	tell("a hard link", os.Link("/out/program", "/out/hard"))
	tell("a hard link of the image", os.Link("/program", "/out/image"))
	return nil
}

// attacks tries what a container has no business with, and says what was refused.
func attacks([]string) error {
	try := func(what string, err error) {
		if err == nil {
			fmt.Println("DONE:", what)
		} else {
			fmt.Println("refused", what)
		}
	}
	sys := func(nr, a, b, c uintptr) error {
		_, _, e := syscall.RawSyscall6(nr, a, b, c, 0, 0, 0)
		if e != 0 {
			return e
		}
		return nil
	}
	path := func(s string) uintptr { b := append([]byte(s), 0); return uintptr(unsafe.Pointer(&b[0])) }
	try("mount of a tmpfs", syscall.Mount("x", "/tmp", "tmpfs", 0, ""))
	try("mount of /proc", syscall.Mount("proc", "/tmp", "proc", 0, ""))
	try("remount of /in", syscall.Mount("", "/in", "", syscall.MS_REMOUNT|syscall.MS_BIND, ""))
	try("unmount of /in", syscall.Unmount("/in", 0))
	try("ptrace of pid 1's parent", syscall.PtraceAttach(os.Getppid()))
	try("reboot", syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART))
	try("a kernel module", sys(sysInitModule, path(""), 0, path("")))
	try("a keyring of the session", sys(sysAddKey, path("user"), path("key"), path("secret")))
	try("io_uring", sys(sysIoUringSetup, 8, path(strings.Repeat("\x00", 120)), 0))
	try("bpf", sys(sysBpf, 0, path(strings.Repeat("\x00", 64)), 64))
	try("perf events", sys(sysPerfEventOpen, path(strings.Repeat("\x00", 128)), 0, 0))
	try("the clock", syscall.Settimeofday(&syscall.Timeval{Sec: 1}))
	raw := func(domain, typ, proto int) error {
		fd, err := syscall.Socket(domain, typ, proto)
		if err == nil {
			syscall.Close(fd)
		}
		return err
	}
	try("a raw socket", raw(syscall.AF_INET, syscall.SOCK_RAW, syscall.IPPROTO_ICMP))
	try("a packet socket", raw(syscall.AF_PACKET, syscall.SOCK_RAW, 0))
	for _, p := range []string{"/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/vm/overcommit_memory", "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent"} {
		f, err := os.OpenFile(p, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("1")
			f.Close()
		}
		try("write of "+p, err)
	}
	for _, a := range []string{"169.254.169.254:80", "192.168.0.1:80", "10.0.0.1:80", "172.17.0.1:80", "[fd00:ec2::254]:80", "1.1.1.1:53"} {
		c, err := net.DialTimeout("tcp", a, time.Second)
		if err == nil {
			c.Close()
		}
		try("connection to "+a, err)
	}
	u, err := net.Dial("udp", "8.8.8.8:53")
	if err == nil {
		_, err = u.Write([]byte("x"))
		u.Close()
	}
	try("a datagram to 8.8.8.8", err)
	return nil
}

func stubborn([]string) error {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	for {
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}
}

// selfCopy copies itself to each path and runs it there.
func selfCopy(args []string) error {
	b, err := os.ReadFile("/program")
	must(err)
	for _, p := range args {
		must(os.WriteFile(p, b, 0o755))
		if out, err := exec.Command(p, "ok").CombinedOutput(); err != nil {
			fmt.Printf("%s: %v %s\n", p, err, out)
		} else {
			fmt.Println("ran", p)
		}
	}
	return nil
}

func burn(args []string) error {
	end := time.Now().Add(time.Duration(number(args, 0)) * time.Millisecond)
	runtime.GOMAXPROCS(4)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for x := uint32(1); ; {
				for range 1 << 20 {
					x = x*1664525 + 1013904223
				}
				if time.Now().After(end) {
					return
				}
			}
		})
	}
	all.Wait()
	return nil
}

func cores([]string) error { fmt.Println("cores", runtime.NumCPU()); return nil }

// forkBomb starts itself until it cannot, each child doing the same.
func forkBomb([]string) error {
	for {
		c := exec.Command("/program", "forkbomb")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			fmt.Println("fork refused")
			if os.Getpid() == 1 {
				return errors.New("no more")
			}
			time.Sleep(time.Second)
			return nil
		}
	}
}

func threads(args []string) error {
	n := number(args, 0)
	block := make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread()
			<-block
		}()
	}
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		b, err := os.ReadFile("/proc/self/status")
		must(err)
		for _, l := range strings.Split(string(b), "\n") {
			if v, ok := strings.CutPrefix(l, "Threads:"); ok {
				if k, _ := strconv.ParseInt(strings.TrimSpace(v), 10, 64); k >= n {
					fmt.Println("threads", k)
					return nil
				}
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("too few threads")
}

func inodes(args []string) error {
	for i := range number(args, 1) {
		f, err := os.Create(filepath.Join(args[0], "f"+strconv.FormatInt(i, 10)))
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

// fallocate asks for a terabyte a file until it is stopped.
func fallocate([]string) error {
	for i := 0; ; i++ {
		f, err := os.OpenFile("/out/"+strconv.Itoa(i%8), os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			continue
		}
		_ = syscall.Fallocate(int(f.Fd()), 0, 0, 1<<40)
		_ = syscall.Fallocate(int(f.Fd()), 1, 0, 1<<40)
		f.Close()
	}
}

func sit([]string) error {
	fmt.Println("sitting")
	for {
		time.Sleep(time.Hour)
	}
}

// trap says so when it gets a signal, writes a file, and exits with the code, or goes on where
// that is negative.
func trap(args []string) error {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGTERM, syscall.SIGUSR1)
	fmt.Println("ready")
	for sig := range c {
		fmt.Println("told", int(sig.(syscall.Signal)))
		if code := number(args, 0); code >= 0 {
			must(os.WriteFile("/out/told", []byte("told"), 0o644))
			_ = os.WriteFile("/checkpoint/told", []byte("told"), 0o644) // where there is one
			os.Exit(int(code))
		}
	}
	return nil
}

// echo copies its input, shows its environment on stderr and exits with 3.
func echo([]string) error {
	if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
		return err
	}
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HOME=") {
			fmt.Fprintln(os.Stderr, e)
		}
	}
	os.Exit(3)
	return nil
}

// tty shows the size of its terminal now and whenever it changes, until Ctrl-C.
func tty([]string) error {
	c := make(chan os.Signal, 8)
	signal.Notify(c, syscall.SIGWINCH, syscall.SIGINT)
	for {
		var size struct{ rows, cols, x, y uint16 }
		if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, 0, syscall.TIOCGWINSZ, uintptr(unsafe.Pointer(&size))); e != 0 {
			return e
		}
		fmt.Println("size", size.rows, size.cols)
		if <-c == syscall.SIGINT {
			os.Exit(130)
		}
	}
}

func listen(args []string) error {
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	if err != nil {
		return err
	}
	fmt.Println("listening")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() { _, _ = io.Copy(c, c); c.Close() }()
	}
}

// arithmetic multiplies matrices n times and says how many milliseconds that took.
func arithmetic(args []string) error {
	const size = 256
	a, b, c := make([]float64, size*size), make([]float64, size*size), make([]float64, size*size)
	for i := range a {
		a[i], b[i] = float64(i%7), float64(i%11)
	}
	start := time.Now()
	for range number(args, 0) {
		for i := range size {
			for k := range size {
				x := a[i*size+k]
				for j := range size {
					c[i*size+j] += x * b[k*size+j]
				}
			}
		}
	}
	took := time.Since(start)
	runtime.KeepAlive(c)
	fmt.Println("took", float64(took.Microseconds())/1000)
	return nil
}
