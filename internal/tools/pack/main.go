// Command pack builds the program that containers are made of, for the system that artel
// is about to be built for (GOOS, GOARCH), and puts it where that build embeds it. On
// systems without containers it does nothing.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

func main() {
	dir := flag.String("dir", "cmd/artel/internal/boxfile", "where the packed program goes")
	goos := flag.String("os", "", "GOOS; default go env's")
	arch := flag.String("arch", "", "GOARCH; default go env's")
	flag.Parse()
	if err := run(*dir, *goos, *arch); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(dir, goos, arch string) error {
	for name, v := range map[string]*string{"GOOS": &goos, "GOARCH": &arch} {
		if *v == "" {
			b, err := exec.Command("go", "env", name).Output()
			if err != nil {
				return fmt.Errorf("ask go for %s: %w", name, err)
			}
			*v = strings.TrimSpace(string(b))
		}
	}
	if goos != "linux" || arch != "amd64" && arch != "arm64" {
		return nil
	}
	tmp, err := os.MkdirTemp("", "artel-pack-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	program := filepath.Join(tmp, "box")
	c := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./cmd/artel/internal/box")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch)
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("build the box: %w", err)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	// One worker, so that equal programs give equal files.
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "box_linux_"+arch+".zst"), w.EncodeAll(b, nil), 0o644)
}
