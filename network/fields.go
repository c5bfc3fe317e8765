package network

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// checkFields refuses fields that File does not have, fields given twice, and
// anything after the file's end. encoding/json alone would take the last of two
// and would match names without regard to case.
func checkFields(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if err := checkValue(d, "", reflect.TypeFor[File]()); err != nil {
		return err
	}
	if d.More() {
		return invalid("something follows the file's closing brace")
	}
	return nil
}

func checkValue(d *json.Decoder, path string, t reflect.Type) error {
	tok, err := d.Token()
	if err != nil {
		return fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	switch tok {
	case json.Delim('{'):
		return checkObject(d, path, t)
	case json.Delim('['):
		for d.More() {
			if err := checkValue(d, path, nil); err != nil {
				return err
			}
		}
		_, err = d.Token()
	}
	return err
}

func checkObject(d *json.Decoder, path string, t reflect.Type) error {
	known := fieldsOf(t)
	var seen []string
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return fmt.Errorf("%w: %v", ErrInvalid, err)
		}
		name, _ := tok.(string)
		ft, ok := known[name]
		if !ok {
			return invalid("unknown field %q%s", clip(path+name), didYouMean(name, known))
		}
		if slices.Contains(seen, name) {
			return invalid("field %q is given twice", path+name)
		}
		seen = append(seen, name)
		if err := checkValue(d, path+name+".", ft); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func fieldsOf(t reflect.Type) map[string]reflect.Type {
	m := map[string]reflect.Type{}
	if t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return m
	}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" {
			m[name] = f.Type
		}
	}
	return m
}

func didYouMean(name string, known map[string]reflect.Type) string {
	var names []string
	for k := range known {
		if strings.EqualFold(k, name) {
			return fmt.Sprintf("; hint: did you mean %q?", k)
		}
		names = append(names, k)
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "; hint: the fields here are " + strings.Join(names, ", ")
}
