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

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxJobFile bounds a job file; what is longer belongs into an input file.
const maxJobFile = 256 << 10

// jobFile is what a job file says, with the place of each value for the messages
// about it.
type jobFile struct {
	name    string // for messages
	dir     string // its paths are relative to this; empty: to the working directory
	lines   []string
	fields  []setField
	command []string
	applied map[string][]place // by flag
}

// setField is a field that the file sets, which is the flag of that name.
type setField struct {
	name   string
	values []place
}

// place is a value and where it stands, from 1.
type place struct {
	text      string
	line, col int
}

// splitJobFile takes the job file off the arguments of run. dash is how many of
// them stood before --, or -1.
func splitJobFile(args []string, dash int) (file string, rest []string, err error) {
	before := args
	if dash >= 0 {
		before = args[:dash]
	}
	if len(before) == 0 || before[0] != "-" && !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(before[0])) {
		return "", args, nil
	}
	if len(before) > 1 {
		return "", nil, usage("what the program gets comes after --", "artel run %s does not take %q", clean(before[0]), clean(before[1]))
	}
	return before[0], args[1:], nil
}

// readJobFile reads a job file, or stdin for "-".
func (a *app) readJobFile(file string, cmd *cobra.Command) (*jobFile, error) {
	in, name, dir := io.Reader(a.in), "stdin", ""
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("open job file: %w", err)
		}
		defer f.Close()
		in, name, dir = f, file, filepath.Dir(file)
	}
	b, err := io.ReadAll(io.LimitReader(in, maxJobFile+1))
	if err != nil {
		return nil, fmt.Errorf("read job file %s: %w", name, err)
	}
	j, err := parseJobFile(name, b, jobFields(cmd.Flags()))
	if err != nil {
		return nil, err
	}
	j.dir = dir
	return j, nil
}

// mistake is a usage error that shows where it is.
func (j *jobFile) mistake(p place, hint, format string, args ...any) error {
	e := usageError{msg: fmt.Sprintf("%s:%d:%d: %s", j.name, p.line, p.col, fmt.Sprintf(format, args...)), hint: hint}
	if p.line >= 1 && p.line <= len(j.lines) {
		line, col := []rune(clean(j.lines[p.line-1])), max(p.col-1, 0)
		const wide = 100
		if start := min(max(0, col-wide/2), len(line)); len(line) > wide { // far to the right in a long line
			line, col = line[start:min(len(line), start+wide)], col-start
		}
		n := strconv.Itoa(p.line)
		e.quote = fmt.Sprintf("  %s | %s\n  %s | %s^", n, string(line), strings.Repeat(" ", len(n)), strings.Repeat(" ", min(col, len(line))))
	}
	return e
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
	j.applied = map[string][]place{}
	for _, f := range j.fields {
		if changed[f.name] && f.name != "env" || program && (f.name == "image" || f.name == "wasm") {
			continue
		}
		for _, v := range f.values {
			name, _, _ := strings.Cut(v.text, "=")
			if f.name == "env" && slices.ContainsFunc(given, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
				continue
			}
			if err := fs.Set(f.name, j.resolve(f.name, v.text)); err != nil {
				return j.mistake(v, "", "%s: %v", f.name, err)
			}
			j.applied[f.name] = append(j.applied[f.name], v)
		}
	}
	if image, _ := fs.GetString("image"); image == "" {
		if wasm, _ := fs.GetString("wasm"); wasm == "" {
			return usage("add a line image: NAME, or wasm: FILE", "%s names no program to run", j.name)
		}
	}
	return nil
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

// locate says where in the file the value stands that err complains about.
func (j *jobFile) locate(err error) error {
	var u usageError
	if !errors.As(err, &u) {
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
		word, _, _ := strings.Cut(p.text, "=")
		if strings.Contains(rest, strconv.Quote(clean(p.text))) || len(places) > 1 && strings.HasPrefix(rest, name+" "+clean(word)+" ") {
			at = p
			break
		}
	}
	return j.mistake(at, u.hint, "%s", rest)
}
