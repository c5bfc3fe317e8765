//go:build linux && (amd64 || arm64)

package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// journey takes so many steps, each of which changes all that a program can have: memory,
// threads, a child behind pipes, files above the image and in /out, one of them without a
// name. What it leaves and what it says depends on the number of steps alone.
func journey(args []string) error {
	steps, megabytes := number(args, 0), int64(1)
	if len(args) > 1 {
		megabytes = number(args, 1)
	}
	heap := make([]byte, megabytes<<20)
	x := uint32(1)
	for i := 0; i < len(heap); i += 4 { // no page like another
		x = x*1664525 + 1013904223
		*(*uint32)(unsafe.Pointer(&heap[i])) = x
	}
	child := exec.Command("/proc/self/exe", "companion")
	to, err := child.StdinPipe()
	must(err)
	from, err := child.StdoutPipe()
	must(err)
	must(child.Start())
	answers := bufio.NewReader(from)

	must(os.MkdirAll("/out/dir/sub", 0o750))
	must(os.MkdirAll("/tmp/journey", 0o755))
	create := func(name string) *os.File {
		f, err := os.Create(name)
		must(err)
		return f
	}
	half, layer, etc := create("/out/half"), create("/tmp/journey/layer"), create("/etc/journey")
	nameless, mark := create("/out/dir/nameless"), create("/out/dir/hole")
	must(os.Remove("/out/dir/nameless"))
	must(os.Symlink("../half", "/out/dir/link"))
	_, err = mark.WriteAt([]byte("end"), 1<<20)
	must(err)

	const threads = 3
	var sums [threads][32]byte
	turns, done := [threads]chan int64{}, make(chan int)
	for i := range threads {
		turns[i] = make(chan int64)
		go func() {
			runtime.LockOSThread()
			for n := range turns[i] {
				sums[i] = sha256.Sum256(fmt.Appendf(sums[i][:], "%d %d", i, n))
				done <- i
			}
		}()
	}
	fmt.Println("on the way")
	for n := range steps {
		for i := range threads {
			turns[i] <- n
		}
		for range threads {
			<-done
		}
		fmt.Fprintln(to, n)
		line, err := answers.ReadString('\n')
		must(err)
		heap[n*4099%int64(len(heap))]++
		for _, f := range []*os.File{half, layer, etc, nameless} {
			_, err := fmt.Fprintf(f, "%d %x %s", n, sums[n%threads][:4], line)
			must(err)
		}
		if n%100 == 0 {
			fmt.Println("step", n)
		}
		time.Sleep(time.Millisecond)
	}
	sum := sha256.New()
	sum.Write(heap)
	for i := range threads {
		sum.Write(sums[i][:])
	}
	for _, f := range []*os.File{half, layer, etc, nameless, mark} {
		size, err := f.Seek(0, io.SeekEnd)
		must(err)
		_, err = f.Seek(0, io.SeekStart)
		must(err)
		n, err := io.Copy(sum, f)
		must(err)
		fmt.Println(f.Name(), size, n == size)
	}
	for _, name := range []string{"/tmp/journey/layer", "/etc/journey", "/out/dir/link"} {
		b, err := os.ReadFile(name)
		must(err)
		sum.Write(b)
	}
	must(to.Close())
	rest, err := io.ReadAll(answers)
	must(err)
	must(child.Wait())
	fmt.Printf("arrived %s%x\n", rest, sum.Sum(nil))
	return os.WriteFile("/out/result", fmt.Appendf(nil, "%x\n", sum.Sum(nil)), 0o640)
}

// companion adds up what it is told.
func companion([]string) error {
	total := int64(0)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		n, err := strconv.ParseInt(lines.Text(), 10, 64)
		must(err)
		total += n
		fmt.Println(total)
	}
	fmt.Println("goodbye", total)
	return nil
}

// gaps writes down, each time it was longer than before, for how many milliseconds of its
// own clock it did not run, holding so many MiB.
func gaps(args []string) error {
	heap := make([]byte, number(args, 0)<<20)
	x := uint32(1)
	for i := 0; i < len(heap); i += 4 {
		x = x*1664525 + 1013904223
		*(*uint32)(unsafe.Pointer(&heap[i])) = x
	}
	fmt.Println("measuring")
	longest := time.Duration(0)
	for last := time.Now(); ; {
		time.Sleep(time.Millisecond)
		now := time.Now()
		if gap := now.Sub(last); gap > longest+longest/10 {
			longest = gap
			fmt.Println("gap", gap.Milliseconds())
		}
		last = now
		runtime.KeepAlive(heap)
	}
}

// caller connects to an address again and again, and stays until the other side goes.
func caller(args []string) error {
	for {
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			fmt.Println("refused")
			time.Sleep(200 * time.Millisecond)
			continue
		}
		fmt.Println("connected")
		_, _ = io.Copy(io.Discard, c)
		fmt.Println("closed")
		must(c.Close())
		time.Sleep(200 * time.Millisecond)
	}
}

// waiter waits for a file, and fills a directory then.
func waiter(args []string) error {
	fmt.Println("waiting")
	for {
		if _, err := os.Stat(args[0]); err == nil {
			return fill(args[1:])
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// spinners keeps so many threads busy, and says how far they have come.
func spinners(args []string) error {
	var started sync.WaitGroup
	var count atomic.Int64
	for range number(args, 0) {
		started.Add(1)
		go func() {
			runtime.LockOSThread()
			started.Done()
			for x := uint32(1); ; {
				for range 1 << 20 {
					x = x*1664525 + 1013904223
				}
				count.Add(1 + int64(x&1))
			}
		}()
	}
	started.Wait()
	fmt.Println("spinning")
	for {
		time.Sleep(50 * time.Millisecond)
		fmt.Println("count", count.Load())
	}
}
