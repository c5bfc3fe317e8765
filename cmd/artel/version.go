package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/artel-network/artel/api"
	"github.com/artel-network/artel/datadir"
	"github.com/spf13/cobra"
)

// release is what this program calls itself; the build may set it with
// -ldflags "-X main.release=v1.2.3".
var release = "v0.0.0-dev"

func version() api.Version {
	v := api.Version{Program: "artel", Release: release, Go: runtime.Version(), API: api.Revision, DataDir: datadir.Version}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				v.Commit = s.Value
			}
		}
	}
	return v
}

func (a *app) versionCmd() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print what this program is, and the daemon", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := struct {
				api.Version
				Daemon *api.Version `json:"daemon,omitempty"`
			}{Version: version()}
			if c, err := a.client(); err == nil {
				if d, err := c.Version(cmd.Context()); err == nil {
					out.Daemon = &d
				}
				c.Close()
			}
			return a.print(out, func() {
				fmt.Fprintf(a.out, "artel %s, %s, API %d, data directory %d\n", out.Release, out.Go, out.API, out.DataDir)
				if d := out.Daemon; d != nil && (d.Release != out.Release || d.API != out.API) {
					a.say("note: the daemon is %s, API %d; hint: restart it", clean(d.Release), d.API)
				}
			})
		},
	}
}
