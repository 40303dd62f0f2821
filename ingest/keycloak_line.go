package ingest

import (
	"bytes"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// keycloakLine is the server's log line of an event, which v is or holds as
// its message, or nil.
func keycloakLine(v *fastjson.Value) []byte {
	if v.Type() == fastjson.TypeString {
		return asKeycloakLine(v.GetStringBytes())
	}
	for _, name := range [...]string{"message", "log"} {
		if line := asKeycloakLine(v.GetStringBytes(name)); line != nil {
			return line
		}
	}
	return asKeycloakLine(v.GetStringBytes("event", "original"))
}

// asKeycloakLine is b if it looks like a log line of an event.
func asKeycloakLine(b []byte) []byte {
	at := keycloakStart(b)
	if at < 0 || !bytes.Contains(b[at:], []byte("realmId=")) {
		return nil
	}
	return b
}

// keycloakStart is where the event begins in a log line, or −1.
func keycloakStart(b []byte) int {
	for from := 0; ; {
		at := bytes.Index(b[from:], []byte("type="))
		if at < 0 {
			return -1
		}
		at += from
		value := bytes.TrimPrefix(b[at+len("type="):], []byte{'"'})
		if (at == 0 || b[at-1] == ' ') && len(value) > 0 && value[0] >= 'A' && value[0] <= 'Z' {
			return at
		}
		from = at + 1
	}
}

// maxPairs bounds the fields of a log line.
const maxPairs = 64

// keycloakText is a log line, taken apart.
type keycloakText struct {
	prefix []byte // time, level, logger
	pairs  [][2][]byte
}

// get is the first field of that name. The event's own fields stand before its
// details, and among these is what the user typed: it must not be able to
// replace them by containing ", userId=…".
func (k *keycloakText) get(name string) string {
	for _, pair := range k.pairs {
		if string(pair[0]) == name {
			return cleanText(pair[1])
		}
	}
	return ""
}

// parseKeycloakLine takes key=value pairs apart that ", " separates; a value
// may be in double quotes and then hold anything but a quote that a pair or
// the end follows.
func parseKeycloakLine(b []byte) keycloakText {
	at := max(keycloakStart(b), 0)
	k := keycloakText{prefix: b[:at]}
	for rest := b[at:]; len(rest) > 0 && len(k.pairs) < maxPairs; {
		key, value, ok := bytes.Cut(rest, []byte{'='})
		if !ok {
			break
		}
		if len(value) > 0 && value[0] == '"' {
			value, rest = cutValue(value[1:], []byte(`", `))
			value = bytes.TrimSuffix(value, []byte{'"'})
		} else {
			value, rest = cutValue(value, []byte(", "))
		}
		k.pairs = append(k.pairs, [2][]byte{bytes.TrimSpace(key), value})
	}
	return k
}

func cutValue(b, end []byte) (value, rest []byte) {
	value, rest, _ = bytes.Cut(b, end)
	return value, rest
}

// keycloakTime is the time of a log line: the first date and time before the
// event, which are taken for UTC unless they name a zone, else the time of the
// JSON log around it. A time without a date is no time: guessing the day would
// make the same line mean another moment tomorrow.
func keycloakTime(v *fastjson.Value, line keycloakText) (event.Time, error) {
	words := bytes.Fields(line.prefix[:min(len(line.prefix), maxText)])
	for i := range min(len(words), 8) {
		for _, n := range [...]int{2, 1} { // words of a time
			t := bytes.Join(words[i:min(i+n, len(words))], []byte{' '})
			if at, ok := isoInstant(t); ok && at != 0 {
				return at, nil
			}
		}
	}
	if v.Type() == fastjson.TypeObject {
		if at := firstInstant(v, "@timestamp", "timestamp", "time", "ts"); at != 0 {
			return at, nil
		}
	}
	return 0, reject(NoTime, "the log line has no date: have Keycloak log %%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}, or JSON")
}
