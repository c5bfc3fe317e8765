// Command guest is the program that sandboxtest runs inside a sandbox: a verb per
// behaviour, honest and hostile. It is built for the sandbox's own platform.
package main

import (
	"bytes"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Println("no verb")
		return
	}
	args := os.Args[2:]
	verb, ok := verbs[os.Args[1]]
	if !ok {
		verb, ok = containerVerbs()[os.Args[1]]
	}
	if !ok {
		fmt.Println("unknown verb", os.Args[1])
		os.Exit(64)
	}
	if err := verb(args); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

var verbs = map[string]func(args []string) error{
	"ok":         func([]string) error { return nil },
	"exit":       exit,
	"spin":       spin,
	"block":      block,
	"counts":     counts,
	"log":        log,
	"mixed":      mixed,
	"show":       show,
	"copy":       copyIn,
	"resume":     resume,
	"diary":      diary,
	"random":     random,
	"clock":      clock,
	"sleep":      sleep,
	"eat":        eat,
	"recurse":    func([]string) error { fmt.Println(recurse(1)); return nil },
	"panic":      func([]string) error { panic("on purpose") },
	"fill":       fill,
	"rewrite":    rewrite,
	"hole":       hole,
	"truncate":   truncate,
	"files":      files,
	"dirs":       dirs,
	"deep":       deep,
	"deeper":     deeper,
	"unlinked":   unlinked,
	"links":      links,
	"writein":    writeIn,
	"escape":     escape,
	"peek":       peek,
	"reach":      reach,
	"exchange":   exchange,
	"tree":       tree,
	"ignore":     ignore,
	"descriptor": descriptors,
}

func number(args []string, i int) int64 {
	n, err := strconv.ParseInt(args[i], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func exit(args []string) error { os.Exit(int(number(args, 0))); return nil }

func spin([]string) error {
	fmt.Println("spinning")
	x := uint32(1)
	for x != 0 {
		x = x*1664525 + 1013904223 | 1
	}
	return nil
}

// block says that it runs and does so until it is killed.
func block([]string) error {
	fmt.Println("running")
	return spin(nil)
}

// counts computes, and counts aloud, to n; 0: until it is killed.
func counts(args []string) error {
	x := uint32(1)
	for i, n := int64(1), number(args, 0); n == 0 || i <= n; i++ {
		for range 1 << 22 {
			x = x*1664525 + 1013904223 | 1
		}
		fmt.Println("count", i, x&1)
	}
	return nil
}

// log writes n lines of 64 bytes.
func log(args []string) error {
	for i := range number(args, 0) {
		fmt.Printf("%-63d\n", i)
	}
	return nil
}

func mixed([]string) error {
	for i := range 4 {
		fmt.Fprintln(os.Stdout, "out", i)
		fmt.Fprintln(os.Stderr, "err", i)
	}
	return nil
}

func show([]string) error {
	fmt.Println("args", len(os.Args), strings.Join(os.Args[1:], "|"))
	env := os.Environ()
	slices.Sort(env)
	for _, e := range env {
		fmt.Println("env", e)
	}
	b, err := io.ReadAll(os.Stdin)
	fmt.Println("stdin", len(b), err == nil)
	return nil
}

func copyIn([]string) error {
	return filepath.WalkDir("/in", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := strings.Replace(path, "/in", "/out", 1)
		if d.IsDir() {
			if path == "/in" {
				return nil
			}
			return os.Mkdir(to, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
}

// resume counts up in /checkpoint.
func resume([]string) error {
	b, err := os.ReadFile("/checkpoint/count")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	n, _ := strconv.Atoi(string(b))
	if err := os.WriteFile("/checkpoint/new", []byte(strconv.Itoa(n+1)), 0o644); err != nil {
		return err
	}
	if err := os.Rename("/checkpoint/new", "/checkpoint/count"); err != nil {
		return err
	}
	fmt.Println("count", n+1)
	return nil
}

// diary hashes a hash so many times, and leaves it in /out. Every so many times (0: never)
// it writes to /checkpoint how far it is, and it begins where that says.
func diary(args []string) error {
	most, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	every, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	n, sum := 0, make([]byte, 32)
	if b, err := os.ReadFile("/checkpoint/diary"); err == nil {
		if _, err := fmt.Sscanf(string(b), "%d %x", &n, &sum); err != nil {
			return err
		}
		fmt.Println("begins at", n)
	}
	for ; n < most; n++ {
		if n%5000 == 0 {
			fmt.Println("at", n)
			time.Sleep(time.Millisecond)
		}
		if every > 0 && n%every == 0 {
			if err := os.WriteFile("/checkpoint/new", fmt.Appendf(nil, "%d %x", n, sum), 0o644); err != nil {
				return err
			}
			if err := os.Rename("/checkpoint/new", "/checkpoint/diary"); err != nil {
				return err
			}
		}
		next := sha256.Sum256(sum)
		copy(sum, next[:])
	}
	return os.WriteFile("/out/sum", fmt.Appendf(nil, "%x\n", sum), 0o644)
}

// random uses every source of non-determinism that Go has.
func random([]string) error {
	b := make([]byte, 32)
	if _, err := crand.Read(b); err != nil {
		return err
	}
	m := map[int]int{}
	for i := range 100 {
		m[i] = i
	}
	var order []string
	for k := range m {
		order = append(order, strconv.Itoa(k))
	}
	c := make(chan int)
	for i := range 8 {
		go func() { time.Sleep(time.Duration(i%3) * time.Millisecond); c <- i }()
	}
	for range 8 {
		order = append(order, "g"+strconv.Itoa(<-c))
	}
	text := fmt.Sprintf("%s %s %d\n", hex.EncodeToString(b), strings.Join(order, ","), time.Now().UnixNano())
	fmt.Print(text)
	if err := os.WriteFile("/out/random", []byte(text), 0o644); err != nil {
		return err
	}
	info, err := os.Stat("/out/random")
	if err != nil {
		return err
	}
	return os.WriteFile("/out/stat", fmt.Appendf(nil, "%v %v\n", info.ModTime().UnixNano(), info.Mode()), 0o644)
}

func clock([]string) error {
	a := time.Now()
	b := time.Now()
	fmt.Println("start", a.UnixNano()/int64(time.Second))
	fmt.Println("forward", b.After(a))
	return nil
}

func sleep(args []string) error {
	d := time.Duration(number(args, 0)) * time.Second
	a := time.Now()
	time.Sleep(d)
	fmt.Println("slept", time.Since(a) >= d)
	return nil
}

// eat holds n MiB, touched, for so many milliseconds.
func eat(args []string) error {
	var held [][]byte
	for range number(args, 0) {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		held = append(held, b)
	}
	runtime.KeepAlive(held)
	fmt.Println("ate", len(held))
	if len(args) > 1 {
		time.Sleep(time.Duration(number(args, 1)) * time.Millisecond)
		runtime.KeepAlive(held)
	}
	return nil
}

//go:noinline
func recurse(n int) int {
	var pad [64]int
	pad[n%64] = n
	return recurse(n+1) + pad[(n+1)%64]
}

func fill(args []string) error {
	f, err := os.Create(filepath.Join(args[0], "fill"))
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, 1<<16)
	for left := number(args, 1); left > 0; {
		n := min(left, int64(len(b)))
		if _, err := f.Write(b[:n]); err != nil {
			return err
		}
		left -= n
	}
	return nil
}

// rewrite writes n bytes, times over, to one file: never more than n at once.
func rewrite(args []string) error {
	for range number(args, 1) {
		if err := os.WriteFile("/out/again", make([]byte, number(args, 0)), 0o644); err != nil {
			return err
		}
		if err := os.Remove("/out/again"); err != nil {
			return err
		}
	}
	return os.WriteFile("/out/last", make([]byte, number(args, 0)), 0o644)
}

func hole(args []string) error {
	f, err := os.Create("/out/hole")
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte{1}, number(args, 0)-1)
	return err
}

func truncate(args []string) error {
	f, err := os.Create("/out/truncated")
	if err != nil {
		return err
	}
	return f.Truncate(number(args, 0))
}

func files(args []string) error {
	for i := range number(args, 0) {
		f, err := os.Create("/out/" + strconv.FormatInt(i, 10))
		if err != nil {
			return err
		}
		f.Close()
	}
	return nil
}

func dirs(args []string) error {
	for i := range number(args, 0) {
		if err := os.Mkdir("/out/"+strconv.FormatInt(i, 10), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func deep(args []string) error {
	path := "/out"
	for i := range number(args, 0) {
		path += "/d"
		if err := os.Mkdir(path, 0o755); err != nil {
			fmt.Println("stopped at depth", i, err)
			return err
		}
	}
	return nil
}

// deeper puts a tree at the bottom of another, again and again.
func deeper(args []string) error {
	if err := os.Mkdir("/out/tree", 0o755); err != nil {
		return err
	}
	for i := range number(args, 0) {
		bottom := "/out/next" + strings.Repeat("/d", 30)
		if err := os.MkdirAll(bottom, 0o755); err != nil {
			return err
		}
		if err := os.Rename("/out/tree", bottom+"/tree"); err != nil {
			fmt.Println("stopped at round", i, err)
			return err
		}
		if err := os.Rename("/out/next", "/out/tree"); err != nil {
			return err
		}
	}
	return nil
}

// unlinked holds the bytes of files that have no name any more.
func unlinked(args []string) error {
	var held []*os.File
	for range number(args, 0) {
		f, err := os.Create("/out/held")
		if err != nil {
			return err
		}
		if _, err := f.Write(make([]byte, number(args, 1))); err != nil {
			return err
		}
		if err := os.Remove("/out/held"); err != nil {
			return err
		}
		held = append(held, f)
	}
	fmt.Println("held", len(held))
	return nil
}

func links([]string) error {
	if err := os.WriteFile("/out/file", []byte("x"), 0o644); err != nil {
		return err
	}
	fmt.Println("symlink refused", os.Symlink("/etc/passwd", "/out/sym") != nil)
	fmt.Println("symlink up refused", os.Symlink("../../..", "/out/up") != nil)
	fmt.Println("hard link refused", os.Link("/out/file", "/out/hard") != nil)
	return nil
}

func writeIn([]string) error {
	fmt.Println("create refused", os.WriteFile("/in/new", []byte("x"), 0o644) != nil)
	fmt.Println("change refused", os.WriteFile("/in/file", []byte("x"), 0o644) != nil)
	fmt.Println("remove refused", os.Remove("/in/file") != nil)
	fmt.Println("mkdir refused", os.Mkdir("/in/dir", 0o755) != nil)
	fmt.Println("rename refused", os.Rename("/in/file", "/in/other") != nil)
	fmt.Println("move refused", os.Rename("/in/file", "/out/file") != nil)
	fmt.Println("times refused", os.Chtimes("/in/file", time.Unix(1, 0), time.Unix(1, 0)) != nil)
	fmt.Println("truncate refused", os.Truncate("/in/file", 0) != nil)
	return nil
}

// escape tries to read each path and says only whether it could.
func escape(args []string) error {
	for _, p := range args {
		b, err := os.ReadFile(p)
		if err == nil {
			fmt.Printf("READ %s: %d bytes\n", p, len(b))
			continue
		}
		if _, err := os.ReadDir(p); err == nil {
			fmt.Printf("LISTED %s\n", p)
			continue
		}
		if err := os.WriteFile(p, []byte("x"), 0o644); err == nil {
			fmt.Printf("WROTE %s\n", p)
			continue
		}
		fmt.Println("refused", p)
	}
	return nil
}

// peek prints what can be read at each path.
func peek(args []string) error {
	for _, p := range args {
		b, err := os.ReadFile(p)
		fmt.Printf("%s %q %v\n", p, b, err == nil)
	}
	return nil
}

func reach(args []string) error {
	for _, addr := range args {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		fmt.Println("dial refused", err != nil)
		if err == nil {
			c.Close()
		}
	}
	return nil
}

// exchange sends bytes to an address that echoes them and compares what comes back, and
// asks for a name that there is not.
func exchange(args []string) error {
	c, err := net.DialTimeout("tcp", args[0], time.Minute)
	if err != nil {
		return err
	}
	defer c.Close()
	n := number(args, 1)
	sent := rand.New(rand.NewSource(1))
	go func() {
		_, _ = io.CopyN(c, sent, n)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	want, got := sha256.New(), sha256.New()
	_, _ = io.CopyN(want, rand.New(rand.NewSource(1)), n)
	m, err := io.Copy(got, c)
	fmt.Println("exchanged", m, bytes.Equal(want.Sum(nil), got.Sum(nil)), err)
	var dns *net.DNSError
	_, err = net.LookupHost("nothing.invalid")
	fmt.Println("no such name", errors.As(err, &dns) && dns.IsNotFound)
	return nil
}

// tree works a directory the way programs do, and checks what it sees.
func tree([]string) error {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(os.MkdirAll("/out/a/b/c", 0o755))
	must(os.WriteFile("/out/a/b/c/f", []byte("hello"), 0o600))
	must(os.Rename("/out/a/b", "/out/moved"))
	b, err := os.ReadFile("/out/moved/c/f")
	must(err)
	f, err := os.OpenFile("/out/moved/c/f", os.O_APPEND|os.O_RDWR, 0)
	must(err)
	_, err = f.WriteString(" world")
	must(err)
	must(f.Truncate(8))
	_, err = f.Seek(0, io.SeekStart)
	must(err)
	b2, err := io.ReadAll(f)
	must(err)
	must(f.Close())
	fmt.Printf("%s|%s\n", b, b2)
	fmt.Println("full dir stays", os.Remove("/out/moved") != nil)
	fmt.Println("into itself refused", os.Rename("/out/moved", "/out/moved/c/x") != nil)
	must(os.WriteFile("/out/g", []byte("g"), 0o644))
	must(os.Rename("/out/g", "/out/moved/c/f"))
	must(os.Chtimes("/out/moved/c/f", time.Unix(1, 0), time.Unix(1, 0)))
	must(os.Remove("/out/a"))
	for i := range 300 {
		must(os.WriteFile(fmt.Sprintf("/out/moved/%03d", i), nil, 0o644))
	}
	entries, err := os.ReadDir("/out/moved")
	must(err)
	fmt.Println("entries", len(entries), entries[0].Name(), entries[300].Name())
	must(os.RemoveAll("/out/moved"))
	must(os.WriteFile("/out/end", []byte("end"), 0o644))
	one, err := os.Stat("/out/end")
	must(err)
	two, err := os.Stat("/out/end")
	must(err)
	fmt.Println("same file", os.SameFile(one, two))
	return nil
}

// ignore goes on writing when it is told that it must not.
func ignore([]string) error {
	for {
		f, err := os.OpenFile("/out/ignore", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err == nil {
			_, _ = f.Write(make([]byte, 1<<16))
			f.Close()
		}
	}
}

// descriptors opens one file again and again.
func descriptors([]string) error {
	var held []*os.File
	for range 100_000 {
		f, err := os.Open("/in/file")
		if err != nil {
			fmt.Println("refused after some", len(held) > 0)
			return nil
		}
		held = append(held, f)
	}
	return errors.New("never refused")
}
