// Command gvisormain is the smallest program that can hold a gvisor.Box: tests start it
// in place of artel.
package main

import (
	"os"

	"github.com/artel-network/artel/sandbox/gvisor"
)

func main() {
	if gvisor.Main() {
		return
	}
	os.Exit(2)
}
