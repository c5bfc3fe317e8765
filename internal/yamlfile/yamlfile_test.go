package yamlfile

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func format() Format {
	f := Format{
		Noun: "job file", Example: "image: python:3.12", List: "artel run --schema lists the fields", Long: "put long lists into an input file",
		Known: map[string]string{"environment": "env"}, Either: [2]string{"image", "wasm"},
	}
	for name, k := range map[string]Kind{
		"version": KindVersion, "command": KindList, "name": KindText, "image": KindText, "wasm": KindText, "mem": KindText,
		"timeout": KindText, "max-price": KindText, "cpu": KindNumber, "net": KindList, "env": KindEnv, "battery": KindChoice, "hours": KindTexts,
	} {
		f.Fields = append(f.Fields, Field{Name: name, Kind: k, Bools: name == "command"})
	}
	return f
}

func TestReads(t *testing.T) {
	for text, want := range map[string][]string{
		"battery: no": {"no"}, "battery: false": {"no"}, "battery: True": {"yes"}, "battery: 50%": {"50%"}, "hours: 22:00-07:00": {"22:00-07:00"}, "hours: [Sat-Sun, 22:00-07:00]": {"Sat-Sun", "22:00-07:00"},
		"command: [echo, true, 1]": {"echo", "true", "1"}, "env: {A: 1}": {"A=1"}, "cpu: 3": {"3"},
	} {
		f, err := Parse(format(), "f", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, v := range f.Fields[0].Values {
			got = append(got, v.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
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
		{"alias", "name: &n x\nimage: *n\n", "which a job file does not have", ""},
		{"merge", image + "env:\n  <<: {A: 1}\n", "not a variable's name", ""},
		{"tag", image + "mem: !!str 5\n", "a tagged value", ""},
		{"tab", image + "env:\n\tA: 1\n", "f:3:1: a tab where YAML wants spaces", "indent with spaces"},
		{"open bracket", image + "net: [a\n", "f:2:6: ", ""},
		{"deep", image + "net: " + strings.Repeat("[", 100_000), "nested too deep", ""},
		{"deep by lines", image + strings.Repeat(" ", 1000) + "- a\n", "nested too deep", ""},
		{"long", image + strings.Repeat("# comment\n", 30_000), "longer than any job file", "input file"},
		{"no text", "\xff\xfe\x00\x01", "f", ""},
		{"choice", image + "battery: [1]\n", "f:2:10: battery wants yes, no or a text, and this is a list", ""},
		{"texts", image + "hours: true\n", "f:2:8: hours wants a text or a list, and this is true or false", "like [one, two]"},
		{"both", image + "wasm: a.wasm\n", "f:2:1: image and wasm contradict", ""},
	} {
		t.Run(r.name, func(t *testing.T) {
			_, err := Parse(format(), "f", []byte(r.text))
			var m *Mistake
			if !errors.As(err, &m) {
				t.Fatalf("got %v, want a mistake", err)
			}
			if !strings.Contains(m.Msg, r.want) || !strings.Contains(m.Hint, r.hint) {
				t.Errorf("got %q, hint %q\nwant %q, hint %q", m.Msg, m.Hint, r.want, r.hint)
			}
		})
	}
}

// Whatever bytes a job file holds, it is read or refused with a sentence.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"image: python:3.12\ncommand: [python, /in/train.py]\nenv: {A: 1}\n", "{\n\t\"wasm\": \"a\"\n}", "a: &x [*x]\n", "? a\n: b\n", "image: |\n  a\n  b\n",
		"!!map {image: a}", "%YAML 1.2\n---\nimage: a\n...\n", "env:\n- A=1\n- <<: x\n", "image: \"\\ud800\"\n", "\ufeffimage: a\n", "net: [[[[[[[", "- - - - -\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := Parse(format(), "f", b)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("refused without a sentence")
			}
			return
		}
		for _, s := range j.Fields {
			if !slices.ContainsFunc(format().Fields, func(f Field) bool { return f.Name == s.Name }) {
				t.Fatalf("field %q", s.Name)
			}
			for _, v := range s.Values {
				if v.Line < 1 || v.Col < 1 {
					t.Fatalf("%s stands at %d:%d", s.Name, v.Line, v.Col)
				}
				_ = j.Mistake(v, "", "x")
			}
		}
	})
}
