package main

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/artel-network/artel/api"
	"github.com/spf13/cobra"
)

func (a *app) fetchCmd() *cobra.Command {
	var out string
	var tasks []uint
	var listOnly bool
	c := &cobra.Command{
		Use: "fetch JOB", Short: "Fetch what a job left in /out", Args: exactly("JOB"),
		Long: `Fetch the files that a job's tasks left in /out into a new directory, with a
directory per task where the job has more than one. The directory appears once
everything is there.

Of a job that goes on, what its tasks that are done have left: nobody waits for the
last one.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			defer c.Close()
			id := args[0]
			if listOnly {
				return a.listFiles(cmd.Context(), c, id, uints(tasks))
			}
			if out == "" {
				j, err := c.Job(cmd.Context(), id)
				if err != nil {
					return err
				}
				out = "out-" + j.ID
			}
			return a.fetch(cmd.Context(), c, id, uints(tasks), out)
		},
	}
	c.Flags().StringVar(&out, "out", "", "directory to make (default ./out-JOB)")
	c.Flags().UintSliceVar(&tasks, "task", nil, "only of these tasks")
	c.Flags().BoolVarP(&listOnly, "list", "l", false, "list the files and fetch nothing")
	return c
}

func uints(in []uint) (out []uint64) {
	for _, n := range in {
		out = append(out, uint64(n))
	}
	return out
}

func (a *app) listFiles(ctx context.Context, c *api.Client, id string, tasks []uint64) error {
	files, err := c.Files(ctx, id, tasks)
	if err != nil {
		return err
	}
	return a.print(files, func() {
		rows := [][]string{{"TASK", "SIZE", "FILE"}}
		for _, f := range files {
			rows = append(rows, []string{fmt.Sprint(f.Task), size(uint64(max(f.Size, 0))), clean(f.Path)})
		}
		table(a.out, rows)
	})
}

// checkFree refuses a directory that is there and holds something.
func checkFree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open output directory: %w", err)
	}
	return usage("name another with --out", "%s is there already and not empty", clean(dir))
}

// fetch puts a job's output into dir, all of it or nothing.
func (a *app) fetch(ctx context.Context, c *api.Client, id string, tasks []uint64, dir string) (err error) {
	if err := checkFree(dir); err != nil {
		return err
	}
	j, err := c.Job(ctx, id)
	if err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return fmt.Errorf("make %s: %w", parent, err)
	}
	tmp, err := os.MkdirTemp(parent, ".artel-fetch-*")
	if err != nil {
		return fmt.Errorf("fetch %s: %w", id, err)
	}
	defer os.RemoveAll(tmp)
	var got extracted
	err = c.Output(ctx, id, tasks, func(r io.Reader) error {
		got, err = extract(r, tmp, j.Tasks == 1)
		return err
	})
	if err != nil {
		return fmt.Errorf("fetch %s: %w", id, err)
	}
	if got.files == 0 {
		a.say("job %s has left nothing in /out", id)
		return nil
	}
	os.Remove(dir) // empty, or not there
	if err := errors.Join(os.Chmod(tmp, 0o755), os.Rename(tmp, dir)); err != nil {
		return fmt.Errorf("fetch %s: %w", id, err)
	}
	a.say("fetched %d files, %s, into %s", got.files, size(uint64(got.bytes)), dir)
	if !j.State.Ended() {
		a.say("job %s goes on: %d of %d tasks were done; hint: fetch again later with another --out", j.ID, j.Done, j.Tasks)
	}
	return nil
}

type extracted struct {
	files int
	bytes int64
}

// extract unpacks a tar of TASK/PATH below dir. The names come from strangers:
// os.Root keeps them inside, and only plain files are made.
func extract(r io.Reader, dir string, flat bool) (extracted, error) {
	var got extracted
	root, err := os.OpenRoot(dir)
	if err != nil {
		return got, err
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, fmt.Errorf("read output: %w", err)
		}
		task, name, _ := strings.Cut(path.Clean(h.Name), "/")
		if !flat {
			name = path.Join(task, name)
		}
		name = filepath.FromSlash(name)
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(task) || !filepath.IsLocal(name) {
			return got, fmt.Errorf("read output: %q is no plain file inside the output", clean(h.Name))
		}
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return got, fmt.Errorf("write output: %w", err)
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return got, fmt.Errorf("write output: %w", err)
		}
		n, err := io.Copy(f, t)
		if err := errors.Join(err, f.Close()); err != nil {
			return got, fmt.Errorf("write output: %w", err)
		}
		got.files, got.bytes = got.files+1, got.bytes+n
	}
}
