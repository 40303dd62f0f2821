package engine

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// appendEntry appends an entry of the state as one line of JSON.
func appendEntry(b []byte, key string, value []byte) ([]byte, error) {
	b = append(b, `{"key":`...)
	b = event.AppendString(b, key)
	switch {
	case strings.HasPrefix(key, subjectPrefix):
		var sub subject
		if err := sub.read(value); err != nil {
			return nil, err
		}
		b = append(b, `,"verified":`...)
		b = strconv.AppendBool(b, sub.verified)
		b = appendField(b, "score", sub.score)
		b = appendField(b, "memory", sub.memory)
		b = appendField(b, "seen", sub.seen)
		b = append(b, `,"open":[`...)
		for i := range sub.open {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, reflect.ValueOf(sub.open[i]))
		}
		b = append(b, ']')
	case strings.HasPrefix(key, sourcePrefix):
		kind, known := kindOf(strings.TrimPrefix(key, sourcePrefix))
		if !known {
			return nil, unknownKey([]byte(key))
		}
		memory := new(SourceLane).memoryOf(kind)
		if err := readSource(memory, value); err != nil {
			return nil, err
		}
		b = appendField(b, "memory", reflect.ValueOf(memory).Elem().Interface())
	case strings.HasPrefix(key, fallPrefix):
		b = append(b, `,"record":`...)
		b = append(b, value[8:]...)
	}
	return append(b, "}\n"...), nil
}

func appendField(b []byte, name string, value any) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	return appendCanonical(b, reflect.ValueOf(value))
}

// appendCanonical appends a pointer-free value as JSON: every field of a
// struct in its order, zero values left out, so that two states can be
// compared byte by byte and read by a person. Byte arrays are written as
// strings, those that know how they read as that.
func appendCanonical(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Struct:
		b = append(b, '{')
		first := true
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = append(b, '"')
			b = append(b, v.Type().Field(i).Name...)
			b = append(b, '"', ':')
			b = appendCanonical(b, v.Field(i))
		}
		return append(b, '}')
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			if v.CanInterface() {
				if text, ok := v.Interface().(fmt.Stringer); ok {
					return event.AppendString(b, text.String())
				}
			}
			text := make([]byte, v.Len())
			for i := range text {
				text[i] = byte(v.Index(i).Uint())
			}
			return event.AppendString(b, string(trimZeros(text)))
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, v.Index(i))
		}
		return append(b, ']')
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.AppendUint(b, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	default:
		panic(fmt.Sprintf("state holds a %s; it must be pointer-free", v.Kind()))
	}
}

func trimZeros(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
