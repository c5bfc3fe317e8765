// Command gvisormain is the smallest program that can hold a gvisor.Box: tests start it
// in place of artel.
//
//	gvisormain hold DIR SPEC   starts an attempt "held" and stays, until it is killed
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/artel-network/artel/sandbox"
	"github.com/artel-network/artel/sandbox/gvisor"
)

func main() {
	if gvisor.Main() {
		return
	}
	if len(os.Args) != 4 || os.Args[1] != "hold" {
		os.Exit(2)
	}
	if err := hold(os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hold(dir, spec string) error {
	var s sandbox.Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	box, err := gvisor.New(gvisor.Options{Command: []string{os.Args[0]}, Dir: dir})
	if err != nil {
		return err
	}
	r, err := box.Start(context.Background(), "held", s)
	if err != nil {
		return err
	}
	fmt.Println("started")
	_, err = r.Wait(context.Background())
	return err
}
