// Command artel rents machines out, rents machines, and looks after the money
// in between.
//
// Data goes to stdout and talk to stderr. Exit codes:
//
//	0    done
//	1    it did not work; the message says why and what to do
//	2    the command line is wrong
//	3    no daemon is running
//	4    the job ended, and not all of its tasks succeeded
//	5    the job's deadline came before all of its tasks were done
//	130  interrupted; a job that was being watched goes on
//
// artel exec and artel shell end with the code of the program that they ran, and
// otherwise as docker does:
//
//	125  it was not started: what is 1, 2 or 3 elsewhere
//	126  it cannot be executed
//	127  it is not in the image
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/artel-network/artel/sandbox/gvisor"
	"github.com/artel-network/artel/sandbox/wasm"
)

func main() {
	if gvisor.Main() { // a part of a sandbox
		return
	}
	if len(os.Args) == 2 && os.Args[1] == wasm.WorkerArg { // before anything is opened: it confines itself
		os.Exit(wasm.WorkerMain(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	os.Exit(a.main(ctx, os.Args[1:]))
}
