package historyapi

import (
	"encoding"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// Paths that are no questions to the history.
const (
	documentPath = "/openapi.json"
	alivePath    = "/livez"
)

// object is one of JSON.
type object = map[string]any

// documentOf is the OpenAPI document of the routes.
func documentOf(routes []route) object {
	s := schemas{byName: object{}, types: map[string]reflect.Type{}}
	problem := content("application/problem+json", s.of(reflect.TypeFor[Problem]()))
	paths := object{
		documentPath: object{"get": object{"operationId": "openapi", "summary": "This document", "responses": object{"200": withContent("The document", content("application/json", object{"type": "object"}))}}},
		alivePath:    object{"get": object{"operationId": "livez", "summary": "Whether the process is alive", "responses": object{"200": withContent("It is", content("text/plain", object{"type": "string"}))}}},
	}
	for i := range routes {
		r := &routes[i]
		list := object{"type": "object", "required": []string{"items"}, "properties": object{"items": object{"type": "array", "items": s.of(r.answer.item)}}}
		responses := object{"200": withContent(r.summary, content("application/json", list))}
		for _, status := range r.failures() {
			responses[strconv.Itoa(status)] = withContent(http.StatusText(status), problem)
		}
		paths[r.path] = object{"get": object{"operationId": r.id, "summary": r.summary, "parameters": r.parameters(), "responses": responses}}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title": "riskstream history", "version": "1",
			"description": "What riskstream has seen and decided. Times are RFC 3339 in UTC, scores and points are of 100. Errors are RFC 9457 problems.",
		},
		"paths":      paths,
		"components": object{"schemas": s.byName},
	}
}

// failures are the statuses of the problems that a route may answer.
func (r *route) failures() []int {
	all := []int{http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusGatewayTimeout}
	if r.wildcard() != "" || r.takes("user") {
		all = append(all, http.StatusNotFound)
	}
	return all
}

func (r *route) parameters() []object {
	all := []object{}
	if name := r.wildcard(); name != "" {
		all = append(all, object{"name": name, "in": "path", "required": true, "description": r.about, "schema": object{"type": "string"}})
	}
	for _, p := range r.query {
		all = append(all, object{"name": p.name, "in": "query", "description": p.about, "schema": p.schema})
	}
	return all
}

func withContent(description string, content object) object {
	return object{"description": description, "content": content}
}

func content(mediaType string, schema object) object {
	return object{mediaType: object{"schema": schema}}
}

// schemas are the JSON schemas of structs, by the names of their types.
type schemas struct {
	byName object
	types  map[string]reflect.Type
}

// of is the schema of what encoding/json makes of a type.
func (s schemas) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[event.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[event.Level]():
		return object{"enum": []event.Level{event.None, event.Low, event.Medium, event.High}}
	case reflect.TypeFor[event.Decision]():
		return object{"enum": []event.Decision{event.Allow, event.StepUp, event.Revoke}}
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return object{"type": "string"}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return object{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return object{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.named(t)
	}
	panic(fmt.Sprintf("historyapi: no schema for %v", t))
}

// named puts a struct among the schemas, and refers to it there.
func (s schemas) named(t reflect.Type) object {
	name := t.Name()
	switch s.types[name] {
	case t:
	case nil:
		s.types[name] = t // before its fields, which may be of its type
		properties, required := object{}, []string{}
		s.fields(t, properties, &required)
		s.byName[name] = object{"type": "object", "properties": properties, "required": required}
	default:
		panic(fmt.Sprintf("historyapi: %v and %v have one name in the document", t, s.types[name]))
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s schemas) fields(t reflect.Type, properties object, required *[]string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			s.fields(f.Type, properties, required)
			continue
		}
		schema := s.of(f.Type)
		mayLack := strings.Contains(options, "omit")
		if kind := f.Type.Kind(); !mayLack && (kind == reflect.Slice || kind == reflect.Map || kind == reflect.Pointer) {
			schema = object{"anyOf": []object{schema, {"type": "null"}}}
		}
		properties[name] = schema
		if !mayLack {
			*required = append(*required, name)
		}
	}
}
