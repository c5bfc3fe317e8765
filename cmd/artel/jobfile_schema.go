package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/internal/yamlfile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// form is a kind of file whose fields are the flags of a verb.
type form struct {
	verb, noun, example string
	other               string   // where another kind of file goes
	fields              []string // in the order in which people read them
	either              [2]string
	title, about        string // of its schema
	required            []member
}

// What run and serve do with a job (detach, dry-run, update) is not the job's, and that
// secrets may be seen by strangers is said by who starts it, never by a file.

func required(names ...string) object { return object{{"required", names}} }

// jobForm is that of job files.
func jobForm() form {
	return form{
		verb: "run", noun: "job file", example: "image: python:3.12", other: "; what a service's file says is for artel serve", either: [2]string{"image", "wasm"},
		title: "artel job file, version 1", about: "A job for `artel run JOB.yaml`. Paths are relative to the file. Flags on the command line go before it.",
		required: []member{{"oneOf", []object{required("image"), required("wasm")}}},
		fields: []string{
			"version", "name", "image", "wasm", "command", "workdir", "in", "out", "env", "secret", "cpu", "mem", "disk", "gpu", "gpu-memory", "net", "traffic",
			"array", "timeout", "tries", "failover", "checkpoint", "checkpoint-every", "keepers", "parallel", "max-price", "budget", "deadline", "stop-after", "copies", "provider", "log-limit", "label", "sandbox",
		},
	}
}

// serviceForm is that of service files.
func serviceForm() form {
	return form{
		verb: "serve", noun: "service file", example: "image: ./web.tar", other: "; what a job's file says is for artel run",
		title: "artel service file, version 1", about: "A service for `artel serve SERVICE.yaml`. Paths are relative to the file. Flags on the command line go before it.",
		required: required("name", "image", "port"),
		fields: []string{
			"version", "name", "image", "command", "workdir", "env", "secret", "replicas", "port", "health", "cpu", "mem", "disk", "gpu", "gpu-memory", "net", "traffic",
			"check-every", "check-timeout", "check-fails", "start-within", "away", "drain", "tries", "failover", "max-price", "budget", "provider", "log-limit", "label", "sandbox",
		},
	}
}

// commandField is the one field that is not a flag's.
const commandField = "command"

// format is what such files are.
func (x form) format(fs *pflag.FlagSet) yamlfile.Format {
	f := yamlfile.Format{
		Noun: x.noun, Example: x.example, List: "artel " + x.verb + " --schema lists the fields" + x.other, Long: "put long lists into an input file, and read them from /in",
		Either: x.either, Fields: x.parts(fs),
		Known: map[string]string{
			"args": "command", "cmd": "command", "entrypoint": "command", "run": "command", "memory": "mem", "ram": "mem", "cpus": "cpu", "cores": "cpu",
			"gpus": "gpu", "environment": "env", "variables": "env", "network": "net", "allow": "net", "hosts": "net", "input": "in", "inputs": "in", "output": "out",
			"outputs": "out", "cwd": "workdir", "working-dir": "workdir", "dir": "workdir", "providers": "provider", "secrets": "secret", "retries": "tries",
			"tasks": "array", "count": "array", "price": "max-price", "program": "wasm", "parallelism": "parallel", "time": "timeout", "storage": "disk",
			"ports": "port", "scale": "replicas", "instances": "replicas", "healthcheck": "health", "health-check": "health", "interval": "check-every",
		},
	}
	for other, name := range f.Known {
		if !slices.Contains(x.fields, name) {
			delete(f.Known, other)
		}
	}
	return f
}

// parts returns the fields, with their types and descriptions from the verb's flags.
func (x form) parts(fs *pflag.FlagSet) []yamlfile.Field {
	var out []yamlfile.Field
	for _, name := range x.fields {
		f := yamlfile.Field{Name: name, Kind: yamlfile.KindText}
		switch name {
		case "version":
			f.Kind, f.Doc = yamlfile.KindVersion, "version of this format"
		case commandField:
			f.Bools, f.Hint = true, `like [python, train.py]; a shell's line is [sh, -c, "..."]`
			f.Kind, f.Doc = yamlfile.KindList, "the program's arguments, as after -- on the command line: for an image they take the place of its own command"
		default:
			flag := fs.Lookup(name)
			if flag == nil {
				continue
			}
			f.Doc = flag.Usage
			switch {
			case name == "env":
				f.Kind, f.Doc = yamlfile.KindEnv, "variables for the program"
			case flag.Value.Type() == "uint32", flag.Value.Type() == "uint16":
				f.Kind = yamlfile.KindNumber
			case flag.Value.Type() == "stringArray":
				f.Kind = yamlfile.KindList
			}
		}
		out = append(out, f)
	}
	return out
}

// The forms of texts, as ECMA-262 and Go both read them. What they let through
// may still be refused.
const (
	formSize     = `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtT]([iI]?[bB])?|[bB])?\s*$`
	formDuration = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$`
	formDrain    = `^0$|` + formDuration
	formDeadline = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*$|^[0-9]{2}:[0-9]{2}$|^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$`
	formEvery    = `^([0-9]+d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*(-([0-9]+d)?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))*)?$`
	formArray    = `^[0-9]+-[0-9]+$`
	formPrice    = `^\s*[0-9][0-9_]*(\.[0-9]+)?\s*([A-Za-z][A-Za-z0-9]*)?\s*(/h)?\s*$`
	formAmount   = `^\s*[0-9][0-9_]*(\.[0-9]+)?\s*([A-Za-z][A-Za-z0-9]*)?\s*$`
	formEnv      = `^[^=]+=`
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		k, err := json.Marshal(m.key)
		if err != nil {
			return nil, err
		}
		b.Write(append(k, ':'))
		v, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// schema is the JSON Schema of such files.
func (x form) schema(fs *pflag.FlagSet) object {
	var properties object
	for _, f := range x.parts(fs) {
		properties = append(properties, member{f.Name, append(fieldSchema(f), member{"description", f.Doc})})
	}
	return slices.Concat(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", x.title},
		{"description", x.about},
		{"type", "object"},
		{"properties", properties},
	}, x.required, object{{"additionalProperties", false}})
}

func fieldSchema(f yamlfile.Field) object {
	text := func(form string) object { return object{{"type", []string{"string", "number"}}, {"pattern", form}} }
	texts := object{{"type", "array"}, {"items", object{{"type", []string{"string", "number"}}}}}
	switch f.Name {
	case "mem", "disk", "gpu-memory", "traffic", "log-limit":
		return text(formSize)
	case "timeout", "check-every", "check-timeout", "start-within", "away":
		return object{{"type", "string"}, {"pattern", formDuration}}
	case "drain":
		return object{{"type", []string{"string", "number"}}, {"pattern", formDrain}}
	case "health":
		return object{{"type", "string"}, {"pattern", "^/"}}
	case "port":
		return object{{"type", "integer"}, {"minimum", 1}, {"maximum", 65535}}
	case "array":
		return object{{"type", "string"}, {"pattern", formArray}}
	case "max-price":
		return text(formPrice)
	case "budget":
		return text(formAmount)
	case "workdir":
		return object{{"type", "string"}, {"pattern", "^/"}}
	case "failover":
		return object{{"enum", []string{"normal", "fast"}}}
	case "copies":
		return object{{"enum", []string{"auto", "never"}}}
	case "deadline":
		return object{{"type", "string"}, {"pattern", formDeadline}}
	case "checkpoint":
		return object{{"enum", []string{checkpointAuto, checkpointWhole, checkpointFiles, checkpointNone}}}
	case "checkpoint-every":
		return object{{"type", "string"}, {"pattern", formEvery}}
	case "keepers":
		return object{{"type", "integer"}, {"minimum", 1}, {"maximum", artel.MaxKeepers}}
	case "label":
		return object{{"enum", []string{"public", "private-at-rest"}}}
	case "version":
		return object{{"const", 1}}
	case "env":
		value := object{{"type", []string{"string", "number", "boolean"}}}
		return object{{"oneOf", []object{
			{{"type", "object"}, {"additionalProperties", value}},
			{{"type", "array"}, {"items", object{{"type", "string"}, {"pattern", formEnv}}}},
		}}}
	case "command":
		return object{{"type", "array"}, {"items", object{{"type", []string{"string", "number", "boolean"}}}}}
	case "cpu", "tries", "replicas", "check-fails":
		return object{{"type", "integer"}, {"minimum", 1}}
	}
	switch f.Kind {
	case yamlfile.KindNumber:
		return object{{"type", "integer"}, {"minimum", 0}}
	case yamlfile.KindList:
		return texts
	}
	return object{{"type", []string{"string", "number"}}}
}

// printSchema writes the JSON Schema, which is docs/job.schema.json or docs/service.schema.json.
func (a *app) printSchema(x form, cmd *cobra.Command) error {
	b, err := json.MarshalIndent(x.schema(cmd.Flags()), "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s\n", b)
	return err
}
