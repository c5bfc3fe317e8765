package sqlite

import (
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/artel-network/artel"
	"github.com/artel-network/artel/provider"
	"github.com/artel-network/artel/renter"
)

// A field of an embedded struct whose JSON name another field has is not stored, and
// nobody is told: it comes back as zero.
func TestNoStoredFieldIsHidden(t *testing.T) {
	seen := map[reflect.Type]bool{}
	marshaler := reflect.TypeFor[json.Marshaler]()
	var look func(reflect.Type)
	var names func(x reflect.Type, as map[string]string)
	names = func(x reflect.Type, as map[string]string) {
		for f := range x.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous && tag == "" && f.Type.Kind() == reflect.Struct && !f.Type.Implements(marshaler) {
				names(f.Type, as)
				continue
			}
			if !f.IsExported() || tag == "-" {
				continue
			}
			tag = cmp.Or(tag, f.Name)
			if other := as[tag]; other != "" {
				t.Errorf("%s: %q is %s.%s and %s", x, tag, x.Name(), f.Name, other)
			}
			as[tag] = x.Name() + "." + f.Name
			look(f.Type)
		}
	}
	look = func(x reflect.Type) {
		if seen[x] {
			return
		}
		seen[x] = true
		switch x.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(x.Elem())
		case reflect.Map:
			look(x.Key())
			look(x.Elem())
		case reflect.Struct:
			if !x.Implements(marshaler) {
				names(x, map[string]string{})
			}
		}
	}
	look(reflect.TypeFor[provider.State]())
	look(reflect.TypeFor[renter.State]())
	if !seen[reflect.TypeFor[artel.Keeping]()] {
		t.Error("the walk does not come to artel.Keeping")
	}
}
