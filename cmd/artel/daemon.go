package main

import "context"

// openDaemon opens the node that `artel up` runs.
func openDaemon(context.Context, daemonConfig) (daemon, error) { return nil, notInThisBuild("up") }
