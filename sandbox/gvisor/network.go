//go:build linux && (amd64 || arm64)

package gvisor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

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

// thrift keeps what this process spends on a box's network to as much processor time as
// the box's program may have itself: nobody else bounds it.
type thrift struct {
	share float64 // processors
	spent func() time.Duration
	now   func() time.Time

	credit time.Duration // of processor time; at most share times saved
	at     time.Time     // of the last look
	had    time.Duration // spent by then
}

// saved is the time whose share may be spent at once.
const saved = 200 * time.Millisecond

// rest is how long to do nothing until what was spent is earned.
func (t *thrift) rest() time.Duration {
	now, spent := t.now(), t.spent()
	most := time.Duration(float64(saved) * t.share)
	if t.at.IsZero() {
		t.credit, t.at, t.had = most, now, spent
	}
	t.credit += time.Duration(float64(now.Sub(t.at))*t.share) - (spent - t.had)
	// What was spent on other work than frames is not held against them for long.
	t.credit, t.at, t.had = min(max(t.credit, -5*most), most), now, spent
	return time.Duration(float64(max(0, -t.credit)) / t.share)
}

func policy(n sandbox.Network, owner Egress) egress.Policy {
	return egress.Policy{Network: n, Owner: egress.Owner{Permit: owner.Permit, Deny: owner.Deny, Mail: owner.Mail}}
}

// netTrialArg is the hidden verb of a process that tries whether networks can be made.
const netTrialArg = "gvisor-net-trial"

// netTrialFor bounds that.
const netTrialFor = 20 * time.Second

// haveNet says what keeps this user from making a box a network: by a TAP or, where the
// system keeps /dev/net/tun to itself, by a pair of interfaces.
func haveNet(command []string) error {
	tun, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err == nil {
		return tun.Close()
	}
	// Whether the kernel has such pairs shows in namespaces alone.
	ctx, cancel := context.WithTimeout(context.Background(), netTrialFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:len(command):len(command)], netTrialArg)...)
	cmd.Env, cmd.SysProcAttr = []string{}, supervisorAttr()
	if out, no := cmd.CombinedOutput(); no != nil {
		return fmt.Errorf("%w; without it: %w: %.500s; hint: modprobe tun, and let this user read and write /dev/net/tun", err, no, bytes.TrimSpace(out))
	}
	return nil
}

// netTrial is the process with that verb.
func netTrial() error {
	ns, err := egress.NewNetNS()
	if err != nil {
		return err
	}
	defer ns.Close()
	return egress.In(ns, func() error {
		f, err := egress.Create(egress.DefaultLink())
		if err != nil {
			return err
		}
		return f.Close()
	})
}

// connect makes the namespace, and starts the way out where the program may have one.
// cpu is the program's limit in thousandths of a processor.
func connect(dir string, want *sandbox.Network, owner Egress, cpu int64) (*network, error) {
	ns, err := egress.NewNetNS()
	if err != nil {
		return nil, err
	}
	n := &network{ns: ns}
	if want == nil {
		return n, nil
	}
	link := egress.DefaultLink()
	var end *os.File
	if err := egress.In(ns, func() (err error) { end, err = egress.Create(link); return err }); err != nil {
		_ = ns.Close()
		return nil, err
	}
	p := policy(*want, owner)
	p.Rest = (&thrift{share: float64(max(cpu, 10)) / 1000, spent: ownTime, now: time.Now}).rest
	if n.out, err = egress.New(end, link, p); err != nil {
		_ = end.Close()
		_ = ns.Close()
		return nil, err
	}
	n.resolv = filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(n.resolv, []byte(link.ResolvConf()), 0o644); err != nil {
		_ = end.Close()
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
