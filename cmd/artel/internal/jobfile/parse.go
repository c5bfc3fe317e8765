package jobfile

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/artel-network/artel/cmd/artel/internal/near"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Parse reads YAML, of which JSON is a part. It is strict: a field that is
// not known, or has another type than its flag, is a mistake.
func Parse(name string, b []byte, fields []Field) (*File, error) {
	j := &File{Name: name, lines: strings.Split(string(b), "\n")}
	if len(b) > MaxBytes {
		return nil, usage("put long lists into an input file, and read them from /in", "%s is longer than any job file: %d bytes", j.Name, MaxBytes)
	}
	if err := j.shallow(b); err != nil {
		return nil, err
	}
	file, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, j.syntax(err)
	}
	var body ast.Node
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		if body != nil {
			return nil, j.Mistake(where(d.Body), "a file for each job", "a second document")
		}
		body = d.Body
	}
	if body == nil {
		return nil, usage("at least a line image: NAME, or wasm: FILE", "%s is empty", j.Name)
	}
	pairs, ok := mapping(body)
	if !ok {
		return nil, j.Mistake(where(body), "lines like image: python:3.12", "a job file wants fields, and this is %s", kindOf(body))
	}
	for _, kv := range pairs {
		if err := j.field(kv, fields); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// maxDepth of brackets; a job file needs two.
const maxDepth = 64

// shallow refuses what nests deeper than a parser's stack may grow.
func (j *File) shallow(b []byte) error {
	depth, deepest := 0, 0
	for _, c := range b {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		deepest = max(deepest, depth)
	}
	for i, line := range j.lines {
		indent := len(line) - len(strings.TrimLeft(line, " -?"))
		if deepest > maxDepth || indent > 4*maxDepth {
			return j.Mistake(Value{Line: i + 1, Col: 1}, "a job file is fields, lists and one map", "nested too deep")
		}
	}
	return nil
}

// syntax makes a sentence of what the YAML parser says.
func (j *File) syntax(err error) error {
	var s *yaml.SyntaxError
	if !errors.As(err, &s) || s.GetToken() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return usage("", "%s is not YAML: %s", j.Name, first)
	}
	msg, hint := s.GetMessage(), ""
	switch {
	case strings.Contains(msg, "already defined"):
		hint = "keep one of them"
	case strings.Contains(msg, `'\t'`) || strings.Contains(msg, "'\t'"):
		msg, hint = "a tab where YAML wants spaces", "indent with spaces"
	}
	return j.Mistake(at(s.GetToken()), hint, "%s", msg)
}

// field reads one field of the file.
func (j *File) field(kv *ast.MappingValueNode, fields []Field) error {
	name, ok := scalar(kv.Key)
	p := where(kv.Key)
	if !ok {
		return j.Mistake(p, "", "a field's name is a word, and this is %s", kindOf(kv.Key))
	}
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		hint := "artel run --schema lists the fields"
		if near := nearField(name, fields); near != "" {
			hint = "did you mean " + near + "?"
		}
		return j.Mistake(p, hint, "unknown field %q", name)
	}
	if slices.ContainsFunc(j.Fields, func(f Set) bool { return f.Name == name }) {
		return j.Mistake(p, "keep one of them", "%s is set twice", name)
	}
	if other := map[string]string{"image": "wasm", "wasm": "image"}[name]; other != "" && slices.ContainsFunc(j.Fields, func(f Set) bool { return f.Name == other }) {
		return j.Mistake(p, "keep one of them", "image and wasm contradict each other")
	}
	vs, err := j.values(fields[i], kv.Value)
	if err != nil {
		return err
	}
	switch name {
	case "version":
	case "command":
		j.Command = []string{}
		for _, v := range vs {
			j.Command = append(j.Command, v.Text)
		}
	default:
		j.Fields = append(j.Fields, Set{name, vs})
	}
	return nil
}

// values reads what a field is set to, as its flag would be given it.
func (j *File) values(f Field, n ast.Node) ([]Value, error) {
	p := where(n)
	text, isScalar := scalar(n)
	p.Text = text
	wrong := func(hint string) error {
		return j.Mistake(p, hint, "%s wants %s, and this is %s", f.Name, f.Kind, kindOf(n))
	}
	switch f.Kind {
	case KindVersion:
		if n.Type() != ast.IntegerType || text != "1" {
			return nil, j.Mistake(p, "version: 1; a later artel may know others", "version %s is not one that this artel reads", n.String())
		}
		return nil, nil
	case KindNumber:
		v, err := strconv.ParseUint(text, 10, 64)
		if n.Type() != ast.IntegerType || err != nil || v > math.MaxUint32 {
			return nil, wrong("like " + f.Name + ": 2")
		}
		return []Value{p}, nil
	case KindText:
		if !isScalar || n.Type() == ast.BoolType {
			return nil, wrong(f.hint())
		}
		return []Value{p}, nil
	case KindEnv:
		if pairs, ok := mapping(n); ok {
			return j.env(pairs)
		}
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, wrong(f.hint())
	}
	var out []Value
	for _, item := range list.Values {
		text, ok := scalar(item)
		if !ok || item.Type() == ast.BoolType && f.Name != "command" {
			return nil, j.Mistake(where(item), "put it in quotes if it is meant as text", "%s wants texts, and this is %s", f.Name, kindOf(item))
		}
		v := where(item)
		v.Text = text
		out = append(out, v)
	}
	return out, nil
}

// env reads variables that are written as a map.
func (j *File) env(pairs []*ast.MappingValueNode) ([]Value, error) {
	var out []Value
	for _, kv := range pairs {
		name, ok := scalar(kv.Key)
		if !ok || name == "" || strings.Contains(name, "=") {
			return nil, j.Mistake(where(kv.Key), "like SEED: 7", "this is not a variable's name")
		}
		value, ok := scalar(kv.Value)
		if !ok {
			return nil, j.Mistake(where(kv.Value), `a text, a number, or "" for an empty one`, "the variable %s wants a value, and this is %s", name, kindOf(kv.Value))
		}
		p := where(kv.Value)
		p.Text = name + "=" + value
		out = append(out, p)
	}
	return out, nil
}

func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// scalar returns a value as it is written.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		if v.Value == nil {
			return "", true
		}
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		if t := v.GetToken(); t != nil {
			return t.Value, true
		}
	}
	return "", false
}

func where(n ast.Node) Value {
	if n == nil {
		return Value{Line: 1, Col: 1}
	}
	return at(n.GetToken())
}

func at(t *token.Token) Value {
	if t == nil || t.Position == nil {
		return Value{Line: 1, Col: 1}
	}
	return Value{Line: max(t.Position.Line, 1), Col: max(t.Position.Column, 1)}
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a map"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode, *ast.LiteralNode:
		return "a text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias, which job files do not have"
	case *ast.TagNode:
		return "a tagged value, which job files do not have"
	}
	return "something else"
}

// nearField guesses the field that was meant: as other tools call it, in another
// spelling, or with a typing error.
func nearField(name string, fields []Field) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_' || r == ' ':
			r = '-'
		case unicode.IsUpper(r) && i > 0:
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	s := b.String()
	if known := map[string]string{
		"args": "command", "cmd": "command", "entrypoint": "command", "run": "command", "memory": "mem", "ram": "mem", "cpus": "cpu", "cores": "cpu",
		"gpus": "gpu", "environment": "env", "variables": "env", "network": "net", "allow": "net", "hosts": "net", "input": "in", "inputs": "in", "output": "out",
		"outputs": "out", "cwd": "workdir", "working-dir": "workdir", "dir": "workdir", "providers": "provider", "secrets": "secret", "retries": "tries",
		"tasks": "array", "count": "array", "price": "max-price", "program": "wasm", "parallelism": "parallel", "time": "timeout", "storage": "disk",
	}[s]; known != "" {
		return known
	}
	var names []string
	for _, f := range fields {
		if f.Name == s {
			return s
		}
		names = append(names, f.Name)
	}
	if len(s) > 40 {
		return ""
	}
	return near.Nearest(s, names)
}
