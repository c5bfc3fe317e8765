// Command box is the part of artel that containers are made of: their supervisor and
// gVisor. It is artel's own code without the rest, whose packages take longer to begin
// than a container should; make build puts it into artel (see boxfile).
package main

import (
	"fmt"
	"os"

	"github.com/artel-network/artel/sandbox/gvisor"
)

func main() {
	if !gvisor.Main() {
		fmt.Fprintln(os.Stderr, "this program is a part of artel, which starts it")
		os.Exit(2)
	}
}
