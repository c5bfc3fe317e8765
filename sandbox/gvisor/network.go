//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor/internal/egress"
)

// network is the network namespace of a box, and its way out, if it has one.
type network struct {
	ns     *os.File
	resolv string // the host path of the box's /etc/resolv.conf, or empty
	out    *egress.Egress
	cancel context.CancelFunc
	done   chan struct{}
}

func policy(n sandbox.Network, owner Egress) egress.Policy {
	return egress.Policy{Network: n, Owner: egress.Owner{Permit: owner.Permit, Deny: owner.Deny, Mail: owner.Mail}}
}

// tun says what keeps this user from making a TAP. (A veth would do for a kernel, but
// what comes in by one does not arrive in gVisor.)
func tun() error {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("%w; hint: modprobe tun, and let this user read and write /dev/net/tun", err)
	}
	return f.Close()
}

// connect makes the namespace, and starts the way out where the program may have one.
func connect(dir string, want *sandbox.Network, owner Egress) (*network, error) {
	ns, err := egress.NewNetNS()
	if err != nil {
		return nil, err
	}
	n := &network{ns: ns}
	if want == nil {
		return n, nil
	}
	link := egress.DefaultLink()
	var tap *os.File
	if err := egress.In(ns, func() (err error) { tap, err = egress.CreateTAP(link); return err }); err != nil {
		_ = ns.Close()
		return nil, err
	}
	if n.out, err = egress.New(tap, link, policy(*want, owner)); err != nil {
		_ = tap.Close()
		_ = ns.Close()
		return nil, err
	}
	n.resolv = filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(n.resolv, []byte(link.ResolvConf()), 0o644); err != nil {
		_ = tap.Close()
		_ = ns.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.done = cancel, make(chan struct{})
	go func() {
		defer close(n.done)
		_ = n.out.Run(ctx) // an end before its time shows to the program, as any broken network
	}()
	return n, nil
}

// path names the namespace to the processes of the box.
func (n *network) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.ns.Fd()) }

// counts are the bytes that went out and came in.
func (n *network) counts() (sent, got int64) {
	if n == nil || n.out == nil {
		return 0, 0
	}
	u := n.out.Usage()
	return u.Sent, u.Got
}

func (n *network) close() {
	if n.cancel != nil {
		n.cancel()
		<-n.done
	}
	_ = n.ns.Close()
}
