package main

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseJobFile reads YAML, of which JSON is a part. It is strict: a field that is
// not known, or has another type than its flag, is a mistake.
func parseJobFile(name string, b []byte, fields []jobField) (*jobFile, error) {
	j := &jobFile{name: clean(name), lines: strings.Split(string(b), "\n")}
	if len(b) > maxJobFile {
		return nil, usage("put long lists into an input file, and read them from /in", "%s is longer than any job file: %d bytes", j.name, maxJobFile)
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
			return nil, j.mistake(where(d.Body), "a file for each job", "a second document")
		}
		body = d.Body
	}
	if body == nil {
		return nil, usage("at least a line image: NAME, or wasm: FILE", "%s is empty", j.name)
	}
	pairs, ok := mapping(body)
	if !ok {
		return nil, j.mistake(where(body), "lines like image: python:3.12", "a job file wants fields, and this is %s", kindOf(body))
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
func (j *jobFile) shallow(b []byte) error {
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
			return j.mistake(place{line: i + 1, col: 1}, "a job file is fields, lists and one map", "nested too deep")
		}
	}
	return nil
}

// syntax makes a sentence of what the YAML parser says.
func (j *jobFile) syntax(err error) error {
	var s *yaml.SyntaxError
	if !errors.As(err, &s) || s.GetToken() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return usage("", "%s is not YAML: %s", j.name, first)
	}
	msg, hint := s.GetMessage(), ""
	switch {
	case strings.Contains(msg, "already defined"):
		hint = "keep one of them"
	case strings.Contains(msg, `'\t'`) || strings.Contains(msg, "'\t'"):
		msg, hint = "a tab where YAML wants spaces", "indent with spaces"
	}
	return j.mistake(at(s.GetToken()), hint, "%s", clean(msg))
}

// field reads one field of the file.
func (j *jobFile) field(kv *ast.MappingValueNode, fields []jobField) error {
	name, ok := scalar(kv.Key)
	p := where(kv.Key)
	if !ok {
		return j.mistake(p, "", "a field's name is a word, and this is %s", kindOf(kv.Key))
	}
	i := slices.IndexFunc(fields, func(f jobField) bool { return f.name == name })
	if i < 0 {
		hint := "artel run --schema lists the fields"
		if near := nearField(name, fields); near != "" {
			hint = "did you mean " + near + "?"
		}
		return j.mistake(p, hint, "unknown field %q", clean(name))
	}
	if slices.ContainsFunc(j.fields, func(f setField) bool { return f.name == name }) {
		return j.mistake(p, "keep one of them", "%s is set twice", name)
	}
	if other := map[string]string{"image": "wasm", "wasm": "image"}[name]; other != "" && slices.ContainsFunc(j.fields, func(f setField) bool { return f.name == other }) {
		return j.mistake(p, "keep one of them", "image and wasm contradict each other")
	}
	vs, err := j.values(fields[i], kv.Value)
	if err != nil {
		return err
	}
	switch name {
	case "version":
	case "command":
		j.command = []string{}
		for _, v := range vs {
			j.command = append(j.command, v.text)
		}
	default:
		j.fields = append(j.fields, setField{name, vs})
	}
	return nil
}

// values reads what a field is set to, as its flag would be given it.
func (j *jobFile) values(f jobField, n ast.Node) ([]place, error) {
	p := where(n)
	text, isScalar := scalar(n)
	p.text = text
	wrong := func(hint string) error {
		return j.mistake(p, hint, "%s wants %s, and this is %s", f.name, f.kind, kindOf(n))
	}
	switch f.kind {
	case kindVersion:
		if n.Type() != ast.IntegerType || text != "1" {
			return nil, j.mistake(p, "version: 1; a later artel may know others", "version %s is not one that this artel reads", clean(n.String()))
		}
		return nil, nil
	case kindNumber:
		v, err := strconv.ParseUint(text, 10, 64)
		if n.Type() != ast.IntegerType || err != nil || v > math.MaxUint32 {
			return nil, wrong("like " + f.name + ": 2")
		}
		return []place{p}, nil
	case kindText:
		if !isScalar || n.Type() == ast.BoolType {
			return nil, wrong(f.hint())
		}
		return []place{p}, nil
	case kindEnv:
		if pairs, ok := mapping(n); ok {
			return j.env(pairs)
		}
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		return nil, wrong(f.hint())
	}
	var out []place
	for _, item := range list.Values {
		text, ok := scalar(item)
		if !ok || item.Type() == ast.BoolType && f.name != "command" {
			return nil, j.mistake(where(item), "put it in quotes if it is meant as text", "%s wants texts, and this is %s", f.name, kindOf(item))
		}
		v := where(item)
		v.text = text
		out = append(out, v)
	}
	return out, nil
}

// env reads variables that are written as a map.
func (j *jobFile) env(pairs []*ast.MappingValueNode) ([]place, error) {
	var out []place
	for _, kv := range pairs {
		name, ok := scalar(kv.Key)
		if !ok || name == "" || strings.Contains(name, "=") {
			return nil, j.mistake(where(kv.Key), "like SEED: 7", "this is not a variable's name")
		}
		value, ok := scalar(kv.Value)
		if !ok {
			return nil, j.mistake(where(kv.Value), `a text, a number, or "" for an empty one`, "the variable %s wants a value, and this is %s", clean(name), kindOf(kv.Value))
		}
		p := where(kv.Value)
		p.text = name + "=" + value
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

func where(n ast.Node) place {
	if n == nil {
		return place{line: 1, col: 1}
	}
	return at(n.GetToken())
}

func at(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{line: 1, col: 1}
	}
	return place{line: max(t.Position.Line, 1), col: max(t.Position.Column, 1)}
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
func nearField(name string, fields []jobField) string {
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
		if f.name == s {
			return s
		}
		names = append(names, f.name)
	}
	if len(s) > 40 {
		return ""
	}
	return nearest(s, names)
}
