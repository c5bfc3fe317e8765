package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func runFlags(t testing.TB) *pflag.FlagSet {
	t.Helper()
	return (&app{getenv: func(string) string { return "" }}).runCmd().Flags()
}

func serveFlags(t testing.TB) *pflag.FlagSet {
	t.Helper()
	return (&app{getenv: func(string) string { return "" }}).serveCmd().Flags()
}

// forms are the kinds of files, with the flags of their verbs, those among them that are
// not the files', where examples are, and the published schema.
func forms(t testing.TB) (all []struct {
	form
	fs               *pflag.FlagSet
	not              []string
	examples, schema string
}) {
	t.Helper()
	add := func(x form, fs *pflag.FlagSet, examples, schema string, not ...string) {
		all = append(all, struct {
			form
			fs               *pflag.FlagSet
			not              []string
			examples, schema string
		}{x, fs, not, examples, schema})
	}
	add(jobForm(), runFlags(t), "../../examples/jobs/*.yaml", "../../docs/job.schema.json", "detach", "dry-run", "no-fetch", "schema", "secrets-to-strangers", "steward")
	add(serviceForm(), serveFlags(t), "../../examples/services/*.yaml", "../../docs/service.schema.json", "detach", "schema", "secrets-to-strangers", "steward", "update")
	return all
}

// Every flag that describes a job is a field of its files, and no other.
func TestJobFileHasEveryFlag(t *testing.T) {
	for _, x := range forms(t) {
		var flags []string
		x.fs.VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
		for _, f := range flags {
			if slices.Contains(x.fields, f) == slices.Contains(x.not, f) {
				t.Errorf("--%s: either a field of a %s or what it must not say", f, x.noun)
			}
		}
		for _, f := range x.fields {
			if f != "version" && f != commandField && !slices.Contains(flags, f) {
				t.Errorf("%s is a field of a %s and no flag", f, x.noun)
			}
		}
	}
}

// The published schemas are those of the flags.
func TestSchemaIsPublished(t *testing.T) {
	for _, x := range forms(t) {
		want, err := json.MarshalIndent(x.form.schema(x.fs), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(x.schema)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(bytes.TrimSpace(got), want) {
			t.Errorf("%s is out of date; hint: artel %s --schema > %s", x.schema, x.verb, strings.TrimPrefix(x.schema, "../../"))
		}
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
	for n, x := range forms(t) {
		files, err := filepath.Glob(x.examples)
		if err != nil || len(files) == 0 {
			t.Fatalf("no examples of a %s: %v", x.noun, err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			fs := forms(t)[n].fs // of each file its own
			j, err := x.parse(f, filepath.Dir(f), b, fs)
			if err != nil {
				t.Error(err)
				continue
			}
			if err := j.apply(fs); err != nil {
				t.Error(err)
			}
			if in, err := fs.GetString("in"); err == nil && in != "" {
				if _, err := os.Stat(in); err != nil {
					t.Errorf("%s: %v", f, err)
				}
			}
		}
	}
}

// A service's file says the same of every version, and flags go before it.
func TestServiceFile(t *testing.T) {
	text := "name: web\nimage: ./web.tar\nport: 8080\nreplicas: 2\nhealth: /ok\ndrain: 0\ncommand: [serve, -v]\n"
	fs := serveFlags(t)
	if err := fs.Set("replicas", "5"); err != nil {
		t.Fatal(err)
	}
	j, err := serviceForm().parse("web.yaml", "sub", []byte(text), fs)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.apply(fs); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"name": "web", "image": "./sub/web.tar", "port": "8080", "replicas": "5", "health": "/ok", "drain": "0"} {
		if got := fs.Lookup(name).Value.String(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for text, want := range map[string]string{
		"image: a\nwasm: b\n":        "wasm",
		"image: a\nport: many\n":     "port",
		"image: a\nports: 8080\n":    "port",
		"image: a\nreplicas: -1\n":   "replicas",
		"image: a\ndetach: true\n":   "detach",
		"image: a\nupdate: web\n":    "update",
		"image: a\nport: 99999999\n": "port",
	} {
		fs := serveFlags(t)
		j, err := serviceForm().parse("web.yaml", "", []byte(text), fs)
		if err == nil {
			err = j.apply(fs)
		}
		if err == nil || !strings.Contains(err.Error(), "web.yaml:2") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file of which each value is what the flag would be given.
func TestJobFileValues(t *testing.T) {
	text := `{"version": 1, "image": "python", "name": 2024, "command": ["sh", "-c", 1, 2.50, true],
	"env": {"A": 1, "B": "x=y", "C": true, "D": "", "E": 0x10}, "mem": 1073741824, "max-price": 500, "net": ["a.org", "b.org:1"], "cpu": 2}`
	fs := runFlags(t)
	j, err := jobForm().parse("f", "", []byte(text), fs)
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
