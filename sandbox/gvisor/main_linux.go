//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/subcommands"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/runsc/cli"
	"gvisor.dev/gvisor/runsc/cmd"
	"gvisor.dev/gvisor/runsc/cmd/sentry/sentrycmd"
	"gvisor.dev/gvisor/runsc/cmd/util"
	"gvisor.dev/gvisor/runsc/flag"
	"gvisor.dev/gvisor/runsc/fsgofer/extension"
	"gvisor.dev/gvisor/runsc/specutils"

	"github.com/artel-network/artel/sandbox/gvisor/internal/outfs"
)

// Main takes over when this process was started as a supervisor or as a part of gVisor;
// then it does not return, or returns true. Call it before anything else in main.
func Main() bool {
	switch {
	case len(os.Args) == 3 && os.Args[1] == SuperviseArg:
		os.Exit(supervise(os.Args[2]))
	case len(os.Args) == 2 && os.Args[1] == netTrialArg:
		if err := netTrial(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	// gVisor executes "/proc/self/exe umount" to drop its view of /proc.
	case strings.HasPrefix(os.Args[0], "runsc"), len(os.Args) > 1 && os.Args[0] == "/proc/self/exe" && os.Args[1] == "umount":
	default:
		return false
	}
	if os.Args[0] == "runsc-gofer" {
		if err := limitGofer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	// Its own list: the commands that people type, and the checkpoint gofer (an
	// embedded binary of 47 MB), are left out.
	cli.Run(nil, map[util.SubCommand]string{&bootCommand{Boot: new(sentrycmd.Boot)}: "", new(cmd.Gofer): "", new(sentrycmd.Umount): ""}, nil)
	return true
}

// boxFile, in a bundle, tells the processes of gVisor what its flags cannot say.
const boxFile = "box.json"

// boxConfig is the content of boxFile.
type boxConfig struct {
	CPUs       int64
	Memory     int64
	LayerFiles int64
	Mounts     map[string]outfs.Limits
}

func readBox(bundle string) (boxConfig, error) {
	var c boxConfig
	b, err := os.ReadFile(filepath.Join(bundle, boxFile))
	if err != nil {
		return c, fmt.Errorf("read the limits of a box: %w", err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("read the limits of a box: %w", err)
	}
	return c, nil
}

// bootCommand is gVisor's, with the machine that the program sees made as small as its
// limits. (gVisor takes these figures from a cgroup of its own making; ours are made by
// the supervisor.)
type bootCommand struct{ *sentrycmd.Boot }

// Execute implements subcommands.Command.
func (b *bootCommand) Execute(ctx context.Context, f *flag.FlagSet, args ...any) subcommands.ExitStatus {
	c, err := readBox(f.Lookup("bundle").Value.String())
	if err != nil {
		util.Fatalf("%v", err)
	}
	_ = f.Set("cpu-num", strconv.FormatInt(c.CPUs, 10))
	_ = f.Set("total-memory", strconv.FormatInt(c.Memory, 10))
	// The size of the layer goes to its tmpfs as it is, so another option fits behind.
	if confs, ok := f.Lookup("gofer-mount-confs").Value.(*specutils.GoferMountConfFlags); ok && len(*confs) > 0 && (*confs)[0].Size != "" {
		(*confs)[0].Size += ",nr_inodes=" + strconv.FormatInt(c.LayerFiles, 10)
	} else {
		util.Fatalf("the layer has no limit")
	}
	return b.Boot.Execute(ctx, f, args...)
}

// overFifo, in a bundle, is where the gofer tells of a limit that was hit.
const overFifo = "over"

// deepMark begins a line there about a directory that was refused.
const deepMark = "deep "

// limitGofer puts outfs before gVisor's own file server. It is called before the gofer
// leaves for its chroot.
func limitGofer() error {
	bundle := ""
	for i, a := range os.Args {
		if a == "--bundle" && i+1 < len(os.Args) {
			bundle = os.Args[i+1]
		}
	}
	c, err := readBox(bundle)
	if err != nil {
		return err
	}
	// A bare descriptor: no poller, which seccomp would have to know, and no finalizer.
	fd, err := unix.Open(filepath.Join(bundle, overFifo), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open the way to the supervisor: %w", err)
	}
	extension.Register(&outfs.Extension{
		Limits: c.Mounts, Over: func(name string) { _, _ = writeFD(fd, name+"\n") }, Deep: func(name string) { _, _ = writeFD(fd, deepMark+name+"\n") },
	})
	return nil
}
