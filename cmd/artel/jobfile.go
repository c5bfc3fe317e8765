package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/artel-network/artel/internal/yamlfile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// jobFile is a job file or a service file on its way into the flags of its verb.
type jobFile struct {
	*yamlfile.File
	form    form
	Command []string
	dir     string                      // its paths are relative to this; empty: to the working directory
	applied map[string][]yamlfile.Value // by flag
}

// split takes the file off the arguments of its verb. dash is how many of them stood
// before --, or -1.
func (x form) split(args []string, dash int) (file string, rest []string, err error) {
	before := args
	if dash >= 0 {
		before = args[:dash]
	}
	if len(before) == 0 || before[0] != "-" && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(before[0])) {
		return "", args, nil
	}
	if len(before) > 1 {
		return "", nil, usage("what the program gets comes after --", "artel %s %s does not take %q", x.verb, clean(before[0]), clean(before[1]))
	}
	return before[0], args[1:], nil
}

// readFile reads such a file, or stdin for "-".
func (a *app) readFile(x form, file string, cmd *cobra.Command) (*jobFile, error) {
	in, name, dir := io.Reader(a.in), "stdin", ""
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", x.noun, err)
		}
		defer f.Close()
		in, name, dir = f, file, filepath.Dir(file)
	}
	b, err := io.ReadAll(io.LimitReader(in, yamlfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", x.noun, name, err)
	}
	return x.parse(name, dir, b, cmd.Flags())
}

func (x form) parse(name, dir string, b []byte, fs *pflag.FlagSet) (*jobFile, error) {
	f, err := yamlfile.Parse(x.format(fs), name, b)
	if err != nil {
		return nil, err
	}
	j := &jobFile{File: f, form: x, dir: dir}
	f.Fields = slices.DeleteFunc(f.Fields, func(s yamlfile.Set) bool {
		if s.Name != commandField {
			return false
		}
		j.Command = []string{}
		for _, v := range s.Values {
			j.Command = append(j.Command, v.Text)
		}
		return true
	})
	return j, nil
}

// apply sets the flags that the command line has not set. Of the environment,
// the variables that it has not set.
func (j *jobFile) apply(fs *pflag.FlagSet) error {
	changed := map[string]bool{}
	fs.Visit(func(f *pflag.Flag) { changed[f.Name] = true })
	program := changed["image"] || changed["wasm"]
	var given []string
	if changed["env"] {
		given, _ = fs.GetStringArray("env")
	}
	j.applied = map[string][]yamlfile.Value{}
	for _, f := range j.Fields {
		if changed[f.Name] && f.Name != "env" || program && (f.Name == "image" || f.Name == "wasm") {
			continue
		}
		for _, v := range f.Values {
			name, _, _ := strings.Cut(v.Text, "=")
			if f.Name == "env" && slices.ContainsFunc(given, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
				continue
			}
			if err := fs.Set(f.Name, j.resolve(f.Name, v.Text)); err != nil {
				return j.Mistake(v, "", "%s: %v", f.Name, err)
			}
			j.applied[f.Name] = append(j.applied[f.Name], v)
		}
	}
	if image, _ := fs.GetString("image"); image == "" && j.form.either != ([2]string{}) {
		if wasm, _ := fs.GetString("wasm"); wasm == "" {
			return usage("add a line image: NAME, or wasm: FILE", "%s names no program to run", clean(j.Name))
		}
	}
	return nil
}

// fill sets flags from such a file, if the arguments begin with one, and returns what the
// program gets; j is nil where there is none.
func (a *app) fill(x form, cmd *cobra.Command, args []string) (j *jobFile, rest []string, err error) {
	file, rest, err := x.split(args, cmd.ArgsLenAtDash())
	if file == "" || err != nil {
		return nil, rest, err
	}
	if j, err = a.readFile(x, file, cmd); err != nil {
		return nil, nil, err
	}
	if err := j.apply(cmd.Flags()); err != nil {
		return nil, nil, err
	}
	if cmd.ArgsLenAtDash() < 0 {
		rest = j.Command
	}
	return j, rest, nil
}

// resolve makes the paths of a file relative to it.
func (j *jobFile) resolve(field, s string) string {
	switch field {
	case "in", "out", "wasm", "image":
	default:
		return s
	}
	p := filepath.Join(j.dir, s)
	if j.dir == "" || s == "" || filepath.IsAbs(s) || field == "image" && !isImagePath(s) && !isImageFile(p) {
		return s
	}
	if field == "image" && !strings.HasPrefix(p, "..") && !filepath.IsAbs(p) {
		p = "./" + p
	}
	return p
}

// locate says where in the file the value stands that err complains about. No file has
// no places.
func (j *jobFile) locate(err error) error {
	var u usageError
	if j == nil || !errors.As(err, &u) {
		return err
	}
	rest, isFlag := strings.CutPrefix(u.msg, "--")
	name, _, _ := strings.Cut(rest, " ")
	places := j.applied[strings.TrimSuffix(name, ":")]
	if !isFlag || len(places) == 0 {
		return err
	}
	at := places[0]
	for _, p := range places {
		word, _, _ := strings.Cut(p.Text, "=")
		if strings.Contains(rest, strconv.Quote(clean(p.Text))) || len(places) > 1 && strings.HasPrefix(rest, name+" "+clean(word)+" ") {
			at = p
			break
		}
	}
	return j.Mistake(at, u.hint, "%s", rest)
}
