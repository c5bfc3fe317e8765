package yamlfile

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/artel-network/artel/internal/near"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Parse reads YAML, of which JSON is a part. It is strict: a field that is
// not known, or has another type than its flag, is a mistake.
func Parse(f Format, name string, b []byte) (*File, error) {
	j := &File{Name: name, format: f, lines: strings.Split(string(b), "\n")}
	if len(b) > MaxBytes {
		return nil, usage(f.Long, "%s is longer than any %s: %d bytes", j.Name, f.Noun, MaxBytes)
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
			return nil, j.Mistake(where(d.Body), "one is all there is", "a second document")
		}
		body = d.Body
	}
	if body == nil {
		return nil, usage("at least a line like "+f.Example, "%s is empty", j.Name)
	}
	pairs, ok := mapping(body)
	if !ok {
		return nil, j.Mistake(where(body), "lines like "+f.Example, "a %s wants fields, and this is %s", f.Noun, j.kindOf(body))
	}
	for _, kv := range pairs {
		if err := j.field(kv, f.Fields); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// maxDepth of brackets; a file needs two.
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
			return j.Mistake(Value{Line: i + 1, Col: 1}, "a "+j.format.Noun+" is fields and lists", "nested too deep")
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
		return j.Mistake(p, "", "a field's name is a word, and this is %s", j.kindOf(kv.Key))
	}
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		hint := j.format.List
		if near := nearField(name, j.format); near != "" {
			hint = "did you mean " + near + "?"
		}
		return j.Mistake(p, hint, "unknown field %q", name)
	}
	if j.sets(name) {
		return j.Mistake(p, "keep one of them", "%s is set twice", name)
	}
	if e := j.format.Either; name == e[0] && j.sets(e[1]) || name == e[1] && j.sets(e[0]) {
		return j.Mistake(p, "keep one of them", "%s and %s contradict each other", e[0], e[1])
	}
	vs, err := j.values(fields[i], kv.Value)
	if err != nil {
		return err
	}
	if fields[i].Kind != KindVersion {
		j.Fields = append(j.Fields, Set{name, vs})
	}
	return nil
}

func (j *File) sets(name string) bool {
	return slices.ContainsFunc(j.Fields, func(f Set) bool { return f.Name == name })
}

// values reads what a field is set to, as its flag would be given it.
func (j *File) values(f Field, n ast.Node) ([]Value, error) {
	p := where(n)
	text, isScalar := scalar(n)
	p.Text = text
	wrong := func(hint string) error {
		return j.Mistake(p, hint, "%s wants %s, and this is %s", f.Name, f.Kind, j.kindOf(n))
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
			return nil, wrong(cmp.Or(f.Hint, "like "+f.Name+": 2"))
		}
		return []Value{p}, nil
	case KindText:
		if !isScalar || n.Type() == ast.BoolType {
			return nil, wrong(f.hint())
		}
		return []Value{p}, nil
	case KindChoice:
		if n.Type() == ast.BoolType {
			p.Text = map[string]string{"true": "yes", "false": "no"}[strings.ToLower(text)]
		}
		if !isScalar {
			return nil, wrong(f.hint())
		}
		return []Value{p}, nil
	case KindTexts:
		if isScalar && n.Type() != ast.BoolType {
			return []Value{p}, nil
		}
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
		if !ok || item.Type() == ast.BoolType && !f.Bools {
			return nil, j.Mistake(where(item), "put it in quotes if it is meant as text", "%s wants texts, and this is %s", f.Name, j.kindOf(item))
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
			return nil, j.Mistake(where(kv.Value), `a text, a number, or "" for an empty one`, "the variable %s wants a value, and this is %s", name, j.kindOf(kv.Value))
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

func (j *File) kindOf(n ast.Node) string {
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
		return "an anchor or alias, which a " + j.format.Noun + " does not have"
	case *ast.TagNode:
		return "a tagged value, which a " + j.format.Noun + " does not have"
	}
	return "something else"
}

// nearField guesses the field that was meant: as other tools call it, in another
// spelling, or with a typing error.
func nearField(name string, f Format) string {
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
	if known := f.Known[s]; known != "" {
		return known
	}
	var names []string
	for _, f := range f.Fields {
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
