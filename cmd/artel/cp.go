package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

type cpOptions struct {
	follow bool
	limit  string
}

func (a *app) cpCmd() *cobra.Command {
	var o cpOptions
	c := &cobra.Command{
		Use: "cp {JOB[/TASK]:PATH LOCAL | LOCAL JOB[/TASK]:PATH}", Short: "Copy files from or into a running task",
		Long: `Copy a file or a directory from or into the container of a running task, by the tar of
its image. Into a directory that is there it keeps its name.

What comes from a task is a stranger's: files and directories are made, owned by
you; links, devices and the like are left out. A directory that is there is never
written into; a file is replaced, once all of the new one is there.`,
		Example: `  artel cp 3fa9:/out/model.pt .
  artel cp 3fa9/2:/work/checkpoints ckpt --follow-links
  artel cp config.json 3fa9:/work/`,
		Args:              exactly("FROM", "TO"),
		ValidArgsFunction: a.cpCompletion(),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.cp(cmd.Context(), o, args[0], args[1])
		},
	}
	c.Flags().BoolVarP(&o.follow, "follow-links", "L", false, "copy what links of the task point to")
	c.Flags().StringVar(&o.limit, "limit", "10GiB", "most to take from a task")
	return c
}

func (a *app) cpCompletion() cobra.CompletionFunc {
	jobs := a.jobCompletion(":/")
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 1 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out, _ := jobs(cmd, args, typed)
		return out, cobra.ShellCompDirectiveDefault
	}
}

// remoteForm is JOB:PATH or JOB/TASK:PATH; a letter alone is a disk of Windows.
var remoteForm = regexp.MustCompile(`^([0-9A-Za-z]{2,}(?:/[0-9]+)?):(.*)$`)

func (a *app) cp(ctx context.Context, o cpOptions, from, to string) error {
	limit, err := parseSize("--limit", o.limit)
	if err != nil {
		return err
	}
	src, dst := remoteForm.FindStringSubmatch(from), remoteForm.FindStringSubmatch(to)
	if (src == nil) == (dst == nil) {
		return usage("like artel cp 3fa9:/out/model.pt . ; a local name with a colon begins with ./", "one of the two is JOB:PATH, and the other one is here")
	}
	remote := src
	if src == nil {
		remote = dst
	}
	if !path.IsAbs(remote[2]) {
		return usage("like "+clean(remote[1])+":/out/file", "%q in the task is not an absolute path", clean(remote[2]))
	}
	if src == nil {
		if _, err := os.Lstat(filepath.Clean(from)); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	c, t, err := a.visit(ctx, remote[1])
	if err != nil {
		return err
	}
	defer c.Close()
	if src != nil {
		return a.cpOut(ctx, c, t, src[2], to, o.follow, int64(min(limit, 1<<60)))
	}
	return a.cpIn(ctx, c, t, from, dst[2])
}

// cpOut copies name of a task to the local to, all of it or nothing.
func (a *app) cpOut(ctx context.Context, c *api.Client, t target, name, to string, follow bool, limit int64) error {
	base := path.Base(path.Clean(name))
	if base == "/" {
		return usage("name a directory below /", "the whole of a task's / cannot be copied")
	}
	if !filepath.IsLocal(base) {
		return usage("copy it as JOB:/dir and rename it there", "%q is no name for a file here", clean(base))
	}
	dest := filepath.Clean(to)
	if fi, err := os.Stat(dest); err == nil && fi.IsDir() {
		dest = filepath.Join(dest, base)
	} else if os.IsPathSeparator(to[len(to)-1]) {
		return usage("mkdir it, or leave the / out", "%s is no directory", clean(to))
	}
	if fi, err := os.Lstat(dest); err == nil && !fi.Mode().IsRegular() {
		return usage("name another", "%s is there already", clean(dest))
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dest), ".artel-cp-*")
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	defer os.RemoveAll(tmp)

	args := []string{"tar", "-cf", "-", "-C", path.Dir(path.Clean(name)), "./" + base}
	if follow {
		args[1] = "-chf"
	}
	r, w := io.Pipe()
	said := &tail{}
	p := program{VisitRequest: api.VisitRequest{Args: args}, stdout: w, stderr: said}
	exit, ran := 0, make(chan error, 1)
	go func() {
		var err error
		exit, err = a.runIn(ctx, c, t, p)
		w.CloseWithError(err)
		ran <- err
	}()
	got, err := untar(r, tmp, base, limit)
	r.CloseWithError(err)
	runErr := <-ran
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e := (*api.Error)(nil); errors.As(runErr, &e) {
		return noTool(e, "tar")
	}
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		if e := tarFailed(exit, said.String()); e != nil {
			return e
		}
	}
	if err != nil {
		return fmt.Errorf("copy %s: %w", clean(name), err)
	}
	if _, err := os.Lstat(filepath.Join(tmp, base)); err != nil {
		return api.Errorf(api.CodeInvalid, "%s is neither a file nor a directory", clean(name)).WithHint("--follow-links copies what a link points to")
	}
	if err := os.Rename(filepath.Join(tmp, base), dest); err != nil {
		if fi, e := os.Stat(filepath.Join(tmp, base)); e == nil && fi.IsDir() && !errors.Is(err, fs.ErrNotExist) {
			return usage("name another", "%s is there already", clean(dest))
		}
		return fmt.Errorf("copy %s: %w", clean(name), err)
	}
	if got.left > 0 {
		a.say("left out %d links or special files%s", got.left, map[bool]string{false: "; hint: --follow-links copies what links point to"}[follow])
	}
	if exit == 1 {
		a.say("note: the task wrote while it was copied: %s", clean(said.String()))
	}
	return a.copied(got, dest)
}

// cpIn copies the local from into a task.
func (a *app) cpIn(ctx context.Context, c *api.Client, t target, from, to string) error {
	from = filepath.Clean(from)
	abs, err := filepath.Abs(from)
	if err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	dir, base := path.Dir(path.Clean(to)), path.Base(path.Clean(to))
	said := &tail{}
	isDir, err := a.runIn(ctx, c, t, program{
		VisitRequest: api.VisitRequest{Args: []string{"/bin/sh", "-c", `[ -d "$1" ]`, "sh", path.Clean(to)}}, stdout: io.Discard, stderr: said,
	})
	switch {
	case err != nil:
		return noTool(err, "a shell")
	case isDir == 0:
		dir, base = path.Clean(to), filepath.Base(abs)
	case isDir != 1:
		return noTool(api.Errorf(api.CodeRefused, "sh in the task: exit code %d: %s", isDir, clean(said.String())), "a shell")
	case strings.HasSuffix(to, "/"):
		return api.Errorf(api.CodeInvalid, "%s is no directory of the task", clean(to)).WithHint("artel exec %s -- mkdir -p %s", t, clean(to))
	}
	r, w := io.Pipe()
	defer r.Close()
	var got copied
	sent := make(chan error, 1)
	go func() {
		var err error
		got, err = sendTree(w, abs, base)
		w.CloseWithError(err)
		sent <- err
	}()
	code, err := a.runIn(ctx, c, t, program{VisitRequest: api.VisitRequest{Args: []string{"tar", "-xf", "-", "-C", dir}}, stdin: r, stdout: io.Discard, stderr: said})
	r.CloseWithError(io.ErrClosedPipe)
	sendErr := <-sent
	switch {
	case err != nil:
		return noTool(err, "tar")
	case code != 0:
		return tarFailed(max(code, 2), said.String())
	case sendErr != nil:
		return fmt.Errorf("copy %s: %w", from, sendErr)
	}
	if got.left > 0 {
		a.say("left out %d special files", got.left)
	}
	return a.copied(got, t.String()+":"+path.Join(dir, base))
}

func (a *app) copied(got copied, to string) error {
	return a.print(map[string]any{"files": got.files, "bytes": got.bytes, "leftOut": got.left, "to": to}, func() {
		a.say("copied %d files, %s, to %s", got.files, size(uint64(got.bytes)), clean(to))
	})
}

// tarFailed makes an error of how tar ended. GNU tar's 1 says that files changed
// meanwhile, which a running task's do.
func tarFailed(code int, said string) error {
	switch {
	case code == 0 || code == 1 && strings.Contains(said, "changed as we read it"):
		return nil
	case code == 126 || code == 127:
		return noTool(api.Errorf(api.CodeUnsupported, "there is no tar in the task's image"), "tar")
	}
	return api.Errorf(api.CodeRefused, "tar in the task: %s", or(clean(strings.TrimSpace(said)), fmt.Sprintf("exit code %d", code)))
}

// noTool adds to a refusal that the image may lack what copying takes.
func noTool(err error, tool string) error {
	var e *api.Error
	if !errors.As(err, &e) || e.Hint != "" || e.Code != api.CodeRefused && e.Code != api.CodeUnsupported {
		return err
	}
	return e.WithHint("copying takes %s in the image; without it, a task gives files by /out (artel fetch) or its log, and takes them by --in", tool)
}

// tail keeps the last of what is written to it.
type tail struct{ b bytes.Buffer }

func (t *tail) Write(b []byte) (int, error) {
	t.b.Write(b)
	if over := t.b.Len() - 2048; over > 0 {
		t.b.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string { return t.b.String() }
