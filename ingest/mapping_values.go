package ingest

import (
	"fmt"
	"strconv"

	"github.com/valyala/fastjson"
)

// valueText is the text of what an expression gave, cleaned; nil is "".
func valueText(value any) (string, error) {
	switch value := value.(type) {
	case nil:
		return "", nil
	case string:
		return cleanText([]byte(value)), nil
	case bool:
		return strconv.FormatBool(value), nil
	case int:
		return strconv.Itoa(value), nil
	case float64:
		return cleanText(strconv.AppendFloat(nil, value, 'f', -1, 64)), nil
	}
	return "", fmt.Errorf("the result is a list or an object: want one value")
}

// Limits of the raw event as expressions see it. The largest real events have
// some 1,000 values, 10 deep.
const (
	maxMappedValues = 20_000
	maxMappedDepth  = 32
	maxMappedList   = 1000 // items of a list; the rest is not seen
	maxMappedText   = 8192 // bytes of a text; the rest is not seen
)

// plainValue is a JSON value as expressions see it: objects are maps, whole
// numbers are int, others float64.
func plainValue(v *fastjson.Value, depth int, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, fmt.Errorf("the event has more than %d values: too many for a mapping", maxMappedValues)
	}
	if depth > maxMappedDepth {
		return nil, fmt.Errorf("the event is nested more than %d deep: too deep for a mapping", maxMappedDepth)
	}
	switch v.Type() {
	case fastjson.TypeObject:
		return plainObject(v, depth, left)
	case fastjson.TypeArray:
		items := v.GetArray()
		items = items[:min(len(items), maxMappedList)]
		list := make([]any, len(items))
		for i, item := range items {
			var err error
			if list[i], err = plainValue(item, depth+1, left); err != nil {
				return nil, err
			}
		}
		return list, nil
	case fastjson.TypeString:
		b := v.GetStringBytes()
		return string(b[:min(len(b), maxMappedText)]), nil
	case fastjson.TypeNumber:
		if n, err := v.Int(); err == nil {
			return n, nil
		}
		return v.GetFloat64(), nil
	case fastjson.TypeTrue:
		return true, nil
	case fastjson.TypeFalse:
		return false, nil
	}
	return nil, nil
}

func plainObject(v *fastjson.Value, depth int, left *int) (map[string]any, error) {
	object := v.GetObject()
	m := make(map[string]any, object.Len())
	var failed error
	object.Visit(func(key []byte, member *fastjson.Value) {
		if failed != nil {
			return
		}
		var value any
		if value, failed = plainValue(member, depth+1, left); failed == nil {
			m[string(key)] = value
		}
	})
	return m, failed
}
