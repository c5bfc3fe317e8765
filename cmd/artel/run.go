package main

import (
	"archive/tar"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

type runOptions struct {
	job            jobFlags
	wasm, in, out  string
	detach, dryRun bool
	noFetch        bool
}

func (a *app) runCmd() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run --wasm FILE [flags] [-- args…]",
		Short: "Run a program on somebody else's machine",
		Long: `Run a WASM program (GOOS=wasip1, WASI preview 1) on rented machines.

The program sees its input under /in, keeps what it leaves in /out, and its
index in $ARTEL_TASK. The job lives in the daemon: closing the terminal does not
end it, Ctrl-C only stops watching.`,
		Example: `  artel run --wasm prog.wasm --in data/ --array 1-16 --max-price 0.5/h -- --rate 0.1
  artel run --wasm prog.wasm --dry-run
  artel run --wasm prog.wasm --budget 2ART --detach`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), o, args) },
	}
	o.job.register(c)
	f := c.Flags()
	f.StringVar(&o.wasm, "wasm", "", "the program")
	f.StringVar(&o.in, "in", "", "file or directory to give it under /in")
	f.StringVar(&o.out, "out", "", "directory for what it leaves in /out (default ./out-JOB)")
	f.BoolVarP(&o.detach, "detach", "d", false, "print the job's id and return")
	f.BoolVar(&o.dryRun, "dry-run", false, "show what it would cost and start nothing")
	f.BoolVar(&o.noFetch, "no-fetch", false, "leave the output with the daemon")
	c.MarkFlagFilename("wasm", "wasm")
	return c
}

func (a *app) run(ctx context.Context, o runOptions, args []string) error {
	if o.wasm == "" {
		return usage("artel run --wasm prog.wasm", "there is no program to run")
	}
	if err := checkWASM(o.wasm); err != nil {
		return err
	}
	if o.out != "" && !o.detach {
		if err := checkFree(o.out); err != nil { // now, and not after hours
			return err
		}
	}
	c, err := a.client()
	if err != nil {
		return err
	}
	defer c.Close()
	spec, err := o.job.spec(ctx, a, c, args)
	if err != nil {
		return err
	}
	if spec.Name == "" {
		spec.Name = strings.TrimSuffix(filepath.Base(o.wasm), ".wasm")
	}
	if o.dryRun {
		return a.quote(ctx, c, spec)
	}
	if spec.Program, err = a.add(ctx, c, "program", o.wasm); err != nil {
		return err
	}
	if o.in != "" {
		if spec.Input, err = a.add(ctx, c, "input", o.in); err != nil {
			return err
		}
	}
	key, err := jobKey()
	if err != nil {
		return err
	}
	j, err := c.Submit(ctx, api.SubmitRequest{Key: key, Spec: spec})
	if err != nil {
		if ctx.Err() != nil {
			a.say("artel: the job may have been submitted; hint: artel ps")
		}
		return err
	}
	if o.detach {
		a.say("job %s is submitted; hint: artel logs -f %s, artel fetch %s", j.ID, j.ID, j.ID)
		return a.print(j, func() { fmt.Fprintln(a.out, j.ID) })
	}
	return a.follow(ctx, c, j, o)
}

// jobKey draws what makes a job one job, however often it is submitted.
func jobKey() (string, error) {
	var key [16]byte
	if _, err := rand.Read(key[:]); err != nil {
		return "", fmt.Errorf("draw job key: %w", err)
	}
	return hex.EncodeToString(key[:]), nil
}

// follow watches a job to its end and fetches what it left.
func (a *app) follow(ctx context.Context, c *api.Client, j api.Job, o runOptions) error {
	end, err := a.watch(ctx, c, j)
	if ctx.Err() != nil {
		a.say("artel: job %s goes on without this terminal\nhint: artel logs -f %s to watch, artel cancel %s to end it", j.ID, j.ID, j.ID)
		return exitError(exitInterrupted)
	}
	if err != nil {
		return err
	}
	if !o.noFetch && end.Done > 0 {
		out := o.out
		if out == "" {
			out = "out-" + j.ID
		}
		if err := a.fetch(ctx, c, end.ID, nil, out); err != nil {
			return err
		}
	}
	if a.json {
		if err := a.line(end); err != nil {
			return err
		}
	}
	if end.State != api.StateDone {
		a.say("artel: job %s %s: %s", end.ID, end.State, clean(end.Message))
		a.say("hint: artel ps %s shows its tasks, artel logs %s what they printed", end.ID, end.ID)
		return exitError(exitJobFailed)
	}
	return nil
}

// checkWASM finds the commonest mistakes before anything is sent.
func checkWASM(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	var magic [4]byte
	if _, err := io.ReadFull(f, magic[:]); err != nil || string(magic[:]) != "\x00asm" {
		return usage("build it for WASI: GOOS=wasip1 GOARCH=wasm go build -o prog.wasm", "%s is not a WASM module", clean(path))
	}
	return nil
}

// add puts a file or directory into the daemon's blob store.
func (a *app) add(ctx context.Context, c *api.Client, what, path string) (artel.Ref, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add %s: %w", what, err)
	}
	fi, err := os.Stat(abs)
	if err != nil {
		return artel.Ref{}, fmt.Errorf("add %s: %w", what, err)
	}
	var b api.Blob
	switch {
	case c.Local():
		b, err = c.AddPath(ctx, abs)
	case fi.IsDir():
		b, err = sendDir(ctx, c, abs)
	default:
		var f *os.File
		if f, err = os.Open(abs); err == nil {
			b, err = c.AddBytes(ctx, f, false)
			f.Close()
		}
	}
	if err != nil {
		return artel.Ref{}, err
	}
	a.say("added %s: %s, %s", what, size(b.Bytes), b.Ref)
	return b.Ref, nil
}

// sendDir sends a directory's regular files as a tar.
func sendDir(ctx context.Context, c *api.Client, dir string) (api.Blob, error) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(writeTar(w, dir)) }()
	return c.AddBytes(ctx, r, true)
}

func writeTar(w io.Writer, dir string) error {
	t := tar.NewWriter(w)
	root := os.DirFS(dir)
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if !d.Type().IsRegular() {
			return fmt.Errorf("add %s: neither a file nor a directory; hint: copy what it points to", p)
		}
		f, err := root.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		fi, err := f.Stat()
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p, Size: fi.Size(), Mode: 0o644, Format: tar.FormatPAX}); err != nil {
			return err
		}
		_, err = io.Copy(t, f)
		return err
	})
	return errors.Join(err, t.Close())
}
