package ingest

import (
	"strings"

	"github.com/valyala/fastjson"
)

// fieldOf finds a field by its dotted name, however the dots are spread over
// nested objects and flat keys: {"source":{"ip":…}}, {"source.ip":…} and
// {"source":{"geo.location":{…}}} all occur. It is nil when there is none.
func fieldOf(v *fastjson.Value, name string) *fastjson.Value {
	if v == nil {
		return nil
	}
	if m := v.Get(name); m != nil {
		return m
	}
	for i := 0; i < len(name); i++ {
		if name[i] != '.' {
			continue
		}
		if m := v.Get(name[:i]); m != nil && m.Type() == fastjson.TypeObject {
			if found := fieldOf(m, name[i+1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

// field is fieldOf, and the first value where the field is an array, which in
// Elasticsearch every field may be.
func field(v *fastjson.Value, name string) *fastjson.Value {
	m := fieldOf(v, name)
	if values := m.GetArray(); len(values) > 0 {
		return values[0]
	}
	return m
}

// fieldText is the text of a field; see text.
func fieldText(v *fastjson.Value, name string) string { return text(field(v, name)) }

// firstField is the first of several fields that has a text.
func firstField(v *fastjson.Value, names ...string) string {
	for _, name := range names {
		if s := fieldText(v, name); s != "" {
			return s
		}
	}
	return ""
}

// fieldHas reports whether a field is a text, or an array that contains it.
func fieldHas(v *fastjson.Value, name, want string) bool {
	m := fieldOf(v, name)
	if m == nil {
		return false
	}
	values := m.GetArray()
	if values == nil {
		return strings.EqualFold(text(m), want)
	}
	for _, one := range values[:min(len(values), 16)] {
		if strings.EqualFold(text(one), want) {
			return true
		}
	}
	return false
}
