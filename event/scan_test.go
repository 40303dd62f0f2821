package event

import (
	"net/netip"
	"reflect"
	"testing"
)

// Every field that AppendJSON writes must be read by the quick way, alone as
// among others; else it would be of no use without anybody noticing.
func TestScanReadsEveryField(t *testing.T) {
	all := Event{Time: 1767225600123, ID: "a", Kind: KindSignal}
	check := func(e Event) {
		t.Helper()
		var got Event
		if raw := e.AppendJSON(nil); !scan(raw, new(Arena), &got) {
			t.Errorf("left to the general way: %s", raw)
		} else if got != e {
			t.Errorf("read otherwise: %s", raw)
		}
	}
	all.Origin.Topic, all.Source.Geo.Located = "t", true // else what is inside is not written
	one := all
	each(reflect.ValueOf(&one).Elem(), func(field reflect.Value) {
		before := one
		fill(field)
		check(one)
		one = before
	})
	each(reflect.ValueOf(&all).Elem(), func(field reflect.Value) {
		fill(field)
		check(all)
	})
}

// each visits the leaves of a struct.
func each(v reflect.Value, visit func(reflect.Value)) {
	if _, isAddress := v.Interface().(netip.Addr); isAddress || v.Kind() != reflect.Struct {
		visit(v)
		return
	}
	for i := range v.NumField() {
		each(v.Field(i), visit)
	}
}

func fill(field reflect.Value) {
	switch to := field.Addr().Interface().(type) {
	case *Kind:
		*to = KindEvent
	case *Action:
		*to = SessionRevoke
	case *Outcome:
		*to = Failure
	case *Reason:
		*to = MFADenied
	case *UserKind:
		*to = Service
	case *AccessWindow:
		*to = OutsideWindow
	case *Factor:
		*to = FactorStrong
	case *Flag:
		*to = False
	case *Time:
		*to = 1767225600999
	case *netip.Addr:
		*to = netip.MustParseAddr("2001:db8::7")
	case *string:
		*to = "Ä {x}, [y]: z"
	case *float64:
		*to = 12.0625
	case *bool:
		*to = true
	case *uint32:
		*to = 4_294_967_295
	case *int32:
		*to = 2_147_483_647
	case *int64:
		*to = 999_999_999_999_999_999
	default:
		panic("the event has a field of a new type: " + field.Type().String())
	}
}
