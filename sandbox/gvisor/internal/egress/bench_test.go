//go:build linux && (amd64 || arm64)

package egress

import (
	"io"
	"net"
	"os"
	"testing"

	"github.com/artel-network/artel/sandbox"
)

// BenchmarkDownload and BenchmarkUpload carry 256 MiB per operation between a box
// whose network is the kernel's and a server beyond the egress.
func BenchmarkDownload(b *testing.B) {
	inWorld(b)
	for name, create := range map[string]func(Link) (*os.File, error){"TAP": CreateTAP, "Veth": CreateVeth} {
		for _, mtu := range []int{1500, 9000, maxMTU} {
			b.Run(benchName(name, mtu), func(b *testing.B) {
				port := listen(b, "93.184.215.14", func(c *net.TCPConn) { io.CopyN(c, zeros{}, size) })
				transfer(b, create, mtu, port, io.Discard, func(c net.Conn, _ io.Writer) (int64, error) { return io.Copy(io.Discard, c) })
			})
		}
	}
}

func BenchmarkUpload(b *testing.B) {
	inWorld(b)
	for name, create := range map[string]func(Link) (*os.File, error){"TAP": CreateTAP, "Veth": CreateVeth} {
		for _, mtu := range []int{1500, maxMTU} {
			b.Run(benchName(name, mtu), func(b *testing.B) {
				port := listen(b, "93.184.215.14", func(c *net.TCPConn) { io.Copy(io.Discard, c) })
				transfer(b, create, mtu, port, nil, func(c net.Conn, _ io.Writer) (int64, error) {
					n, err := io.CopyN(c, zeros{}, size)
					if err == nil {
						err = c.(*net.TCPConn).CloseWrite()
					}
					io.Copy(io.Discard, c)
					return n, err
				})
			})
		}
	}
}

// BenchmarkConnect opens a connection, says a byte, hears it, and closes.
func BenchmarkConnect(b *testing.B) {
	inWorld(b)
	port := listen(b, "93.184.215.14", echo)
	ns := benchBox(b, CreateTAP, maxMTU, port)
	err := In(ns, func() error {
		for b.Loop() {
			c, err := net.Dial("tcp", "93.184.215.14:"+port)
			if err != nil {
				return err
			}
			c.Write([]byte{1})
			c.Read(make([]byte, 1))
			c.Close()
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

const size = 256 << 20

func benchName(name string, mtu int) string {
	return name + map[int]string{1500: "/1500", 9000: "/9000", maxMTU: "/65520"}[mtu]
}

func benchBox(b *testing.B, create func(Link) (*os.File, error), mtu int, port string) *os.File {
	b.Helper()
	ns, err := NewNetNS()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { ns.Close() })
	link := DefaultLink()
	link.MTU = mtu
	var f *os.File
	if err := In(ns, func() (err error) { f, err = create(link); return err }); err != nil {
		b.Skip(err)
	}
	e, err := New(f, link, Policy{Network: sandbox.Network{Allow: []string{"93.184.215.14:" + port}}, ConnsPerSecond: 1 << 20, Conns: 4096})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.Run(b.Context()) }() // ends before cleanups run
	b.Cleanup(func() { <-done })
	return ns
}

func transfer(b *testing.B, create func(Link) (*os.File, error), mtu int, port string, w io.Writer, move func(net.Conn, io.Writer) (int64, error)) {
	ns := benchBox(b, create, mtu, port)
	b.SetBytes(size)
	err := In(ns, func() error {
		for b.Loop() {
			c, err := net.Dial("tcp", "93.184.215.14:"+port)
			if err != nil {
				return err
			}
			n, err := move(c, w)
			c.Close()
			if err != nil {
				return err
			}
			if n != size {
				b.Errorf("%d bytes moved, want %d", n, size)
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)*8*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mbit/s")
}
