package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func runFlags(t testing.TB) *pflag.FlagSet {
	t.Helper()
	return (&app{getenv: func(string) string { return "" }}).runCmd().Flags()
}

// Every flag that describes a job is a field of job files, and no other.
func TestJobFileHasEveryFlag(t *testing.T) {
	not := []string{"detach", "dry-run", "no-fetch", "schema", "secrets-to-strangers", "steward"}
	var flags []string
	runFlags(t).VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
	for _, f := range flags {
		if slices.Contains(fieldNames(), f) == slices.Contains(not, f) {
			t.Errorf("--%s: either a field of job files or what they must not say", f)
		}
	}
	for _, f := range fieldNames() {
		if f != "version" && f != "command" && !slices.Contains(flags, f) {
			t.Errorf("%s is a field and no flag", f)
		}
	}
}

// The published schema is the one of the flags.
func TestSchemaIsPublished(t *testing.T) {
	want, err := json.MarshalIndent(jobSchema(runFlags(t)), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/job.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(got), want) {
		t.Error("docs/job.schema.json is out of date; hint: artel run --schema > docs/job.schema.json")
	}
}

// What the schema's forms let through is what the flags' parsers read.
func TestSchemaForms(t *testing.T) {
	size := func(s string) error { _, err := parseSize("", s); return err }
	duration := func(s string) error { _, err := parseDuration("", s); return err }
	deadline := func(s string) error { _, err := parseDeadline("", s, time.Now()); return err }
	array := func(s string) error { _, _, err := parseArray(s); return err }
	for _, r := range []struct {
		form      string
		parse     func(string) error
		good, bad []string
	}{
		{formSize, size, []string{"1", "512MiB", "1.5GiB", "200MB", "4g", "10 kb", "7B"}, []string{"", "lots", "-1", "4XiB", "1e3", "MiB"}},
		{formDuration, duration, []string{"90s", "10m", "2h30m", "1d", "1d12h", "1.5h"}, []string{"soon", "10", "-5m", "1w"}},
		{formDeadline, deadline, []string{"2h", "1d12h", "18:30", "2127-01-31T18:30", "2127-01-31 18:30:05", "2127-01-31T18:30:00+02:00", "2127-01-31T18:30Z"}, []string{"soon", "10", "18", "2127-01-31", "18:3"}},
		{formArray, array, []string{"1-16", "0-0"}, []string{"16", "a-b", "1-", "-1", "1-2-3"}},
	} {
		re := regexp.MustCompile(r.form)
		for _, s := range r.good {
			if err := r.parse(s); err != nil || !re.MatchString(s) {
				t.Errorf("%q: parser says %v, %s matches: %v", s, err, r.form, re.MatchString(s))
			}
		}
		for _, s := range r.bad {
			if err := r.parse(s); err == nil || re.MatchString(s) {
				t.Errorf("%q: parser says %v, %s matches: %v", s, err, r.form, re.MatchString(s))
			}
		}
	}
}

func TestExamplesAreJobFiles(t *testing.T) {
	files, err := filepath.Glob("../../examples/jobs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fs := runFlags(t)
		j, err := parseJobFile(f, filepath.Dir(f), b, fs)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := j.apply(fs); err != nil {
			t.Error(err)
		}
		if in, _ := fs.GetString("in"); in != "" {
			if _, err := os.Stat(in); err != nil {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
}

// A file of which each value is what the flag would be given.
func TestJobFileValues(t *testing.T) {
	text := `{"version": 1, "image": "python", "name": 2024, "command": ["sh", "-c", 1, 2.50, true],
	"env": {"A": 1, "B": "x=y", "C": true, "D": "", "E": 0x10}, "mem": 1073741824, "max-price": 500, "net": ["a.org", "b.org:1"], "cpu": 2}`
	fs := runFlags(t)
	j, err := parseJobFile("f", "", []byte(text), fs)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.apply(fs); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"name": "2024", "mem": "1073741824", "max-price": "500", "cpu": "2", "env": "[A=1,B=x=y,C=true,D=,E=0x10]", "net": "[a.org,b.org:1]", "image": "python",
	} {
		if got := fs.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if want := []string{"sh", "-c", "1", "2.50", "true"}; !slices.Equal(j.Command, want) {
		t.Errorf("command is %q, want %q", j.Command, want)
	}
}

func TestJobFilePathsAreOfTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "layout"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "layout", "oci-layout"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	j := &jobFile{dir: dir}
	for _, r := range []struct{ field, in, want string }{
		{"in", "data", filepath.Join(dir, "data")}, {"in", "/data", "/data"}, {"wasm", "../p.wasm", filepath.Join(filepath.Dir(dir), "p.wasm")},
		{"image", "python:3.12", "python:3.12"}, {"image", "./image.tar", filepath.Join(dir, "image.tar")}, {"image", "image.tar", filepath.Join(dir, "image.tar")},
		{"image", "layout", filepath.Join(dir, "layout")}, {"image", "docker.io/library/python", "docker.io/library/python"}, {"workdir", "work", "work"},
	} {
		if got := j.resolve(r.field, r.in); got != r.want {
			t.Errorf("%s %s is %s, want %s", r.field, r.in, got, r.want)
		}
	}
	here := &jobFile{dir: "sub"}
	if got := here.resolve("image", "./image.tar"); got != "./sub/image.tar" || !isImagePath(got) {
		t.Errorf("./image.tar of sub/job.yaml is %s", got)
	}
}
