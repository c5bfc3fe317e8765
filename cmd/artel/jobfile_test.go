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

	"github.com/spf13/pflag"
)

func runFlags(t testing.TB) *pflag.FlagSet {
	t.Helper()
	return (&app{getenv: func(string) string { return "" }}).runCmd().Flags()
}

// Every flag that describes a job is a field of job files, and no other.
func TestJobFileHasEveryFlag(t *testing.T) {
	not := []string{"detach", "dry-run", "no-fetch", "schema", "secrets-to-strangers"}
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
	array := func(s string) error { _, _, err := parseArray(s); return err }
	for _, r := range []struct {
		form      string
		parse     func(string) error
		good, bad []string
	}{
		{formSize, size, []string{"1", "512MiB", "1.5GiB", "200MB", "4g", "10 kb", "7B"}, []string{"", "lots", "-1", "4XiB", "1e3", "MiB"}},
		{formDuration, duration, []string{"90s", "10m", "2h30m", "1d", "1d12h", "1.5h"}, []string{"soon", "10", "-5m", "1w"}},
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
		j, err := parseJobFile(f, b, jobFields(fs))
		if err != nil {
			t.Error(err)
			continue
		}
		j.dir = filepath.Dir(f)
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

func TestJobFileRefuses(t *testing.T) {
	const image = "image: python\n"
	for _, r := range []struct{ name, text, want, hint string }{
		{"nothing", "", "f is empty", ""},
		{"comment", "# later\n", "f is empty", ""},
		{"list", "- image\n", "f:1:1: a job file wants fields, and this is a list", ""},
		{"two documents", image + "---\n" + image, "f:3:6: a second document", ""},
		{"unknown", image + "max_price: 1/h\n", `f:2:1: unknown field "max_price"`, "did you mean max-price?"},
		{"typing error", image + "timout: 1m\n", `f:2:1: unknown field "timout"`, "did you mean timeout?"},
		{"camel case", image + "maxPrice: 1/h\n", `unknown field "maxPrice"`, "did you mean max-price?"},
		{"another tool's word", image + "environment: {A: 1}\n", `unknown field "environment"`, "did you mean env?"},
		{"far off", image + "zzzzzzzz: 1\n", `unknown field "zzzzzzzz"`, "--schema lists"},
		{"consent", image + "secrets-to-strangers: true\n", `unknown field "secrets-to-strangers"`, ""},
		{"detach", image + "detach: true\n", `unknown field "detach"`, ""},
		{"twice", image + image, "f:2:1: ", "keep one"},
		{"twice in env", image + "env:\n  A: 1\n  A: 2\n", "f:4:3: ", "keep one"},
		{"number as text", image + "cpu: two\n", "f:2:6: cpu wants a whole number, and this is a text", "like cpu: 2"},
		{"half a core", image + "cpu: 0.5\n", "f:2:6: cpu wants a whole number, and this is a number", ""},
		{"minus", image + "cpu: -1\n", "cpu wants a whole number", ""},
		{"many", image + "cpu: 4294967296\n", "cpu wants a whole number", ""},
		{"list as text", image + "mem: [1GiB]\n", "f:2:6: mem wants a text, and this is a list", ""},
		{"yes", image + "name: true\n", "name wants a text, and this is true or false", ""},
		{"nothing as text", image + "mem:\n", "mem wants a text, and this is nothing", ""},
		{"text as list", image + "net: pypi.org\n", "f:2:6: net wants a list, and this is a text", "like [one, two]"},
		{"map in list", image + "net: [{a: 1}]\n", "net wants texts, and this is a map", ""},
		{"env without value", image + "env:\n  A:\n", "the variable A wants a value, and this is nothing", `"" for an empty one`},
		{"env name", image + "env: {A=B: 1}\n", "this is not a variable's name", ""},
		{"version", "version: 2\n" + image, "f:1:10: version 2 is not one that this artel reads", ""},
		{"version as text", "version: \"1\"\n" + image, "version \"1\" is not one", ""},
		{"alias", "name: &n x\nimage: *n\n", "which job files do not have", ""},
		{"merge", image + "env:\n  <<: {A: 1}\n", "not a variable's name", ""},
		{"tag", image + "mem: !!str 5\n", "a tagged value", ""},
		{"tab", image + "env:\n\tA: 1\n", "f:3:1: a tab where YAML wants spaces", "indent with spaces"},
		{"open bracket", image + "net: [a\n", "f:2:6: ", ""},
		{"deep", image + "net: " + strings.Repeat("[", 100_000), "nested too deep", ""},
		{"deep by lines", image + strings.Repeat(" ", 1000) + "- a\n", "nested too deep", ""},
		{"long", image + strings.Repeat("# comment\n", 30_000), "longer than any job file", "input file"},
		{"no text", "\xff\xfe\x00\x01", "f", ""},
		{"both", image + "wasm: a.wasm\n", "f:2:1: image and wasm contradict", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, err := parseJobFile("f", []byte(r.text), jobFields(runFlags(t)))
			var u usageError
			if err == nil {
				t.Fatal("it was taken")
			}
			if e, ok := err.(usageError); ok {
				u = e
			}
			if !strings.Contains(u.msg, r.want) || !strings.Contains(u.hint, r.hint) {
				t.Errorf("got %q, hint %q\nwant %q, hint %q", u.msg, u.hint, r.want, r.hint)
			}
		})
	}
}

// A file of which each value is what the flag would be given.
func TestJobFileValues(t *testing.T) {
	text := `{"version": 1, "image": "python", "name": 2024, "command": ["sh", "-c", 1, 2.50, true],
	"env": {"A": 1, "B": "x=y", "C": true, "D": "", "E": 0x10}, "mem": 1073741824, "max-price": 500, "net": ["a.org", "b.org:1"], "cpu": 2}`
	fs := runFlags(t)
	j, err := parseJobFile("f", []byte(text), jobFields(fs))
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
	if want := []string{"sh", "-c", "1", "2.50", "true"}; !slices.Equal(j.command, want) {
		t.Errorf("command is %q, want %q", j.command, want)
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

// Whatever bytes a job file holds, it is read or refused with a sentence.
func FuzzJobFile(f *testing.F) {
	for _, s := range []string{
		"image: python:3.12\ncommand: [python, /in/train.py]\nenv: {A: 1}\n", "{\n\t\"wasm\": \"a\"\n}", "a: &x [*x]\n", "? a\n: b\n", "image: |\n  a\n  b\n",
		"!!map {image: a}", "%YAML 1.2\n---\nimage: a\n...\n", "env:\n- A=1\n- <<: x\n", "image: \"\\ud800\"\n", "\ufeffimage: a\n", "net: [[[[[[[", "- - - - -\n",
	} {
		f.Add([]byte(s))
	}
	fs := runFlags(f)
	fields := jobFields(fs)
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := parseJobFile("f", b, fields)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("refused without a sentence")
			}
			return
		}
		for _, s := range j.fields {
			if !slices.Contains(fieldNames(), s.name) {
				t.Fatalf("field %q", s.name)
			}
			for _, v := range s.values {
				if v.line < 1 || v.col < 1 {
					t.Fatalf("%s stands at %d:%d", s.name, v.line, v.col)
				}
				_ = j.mistake(v, "", "x")
			}
		}
		_ = j.apply(runFlags(t))
	})
}
