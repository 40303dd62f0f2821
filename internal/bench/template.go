package bench

import (
	_ "embed"
	"fmt"
	"strings"
)

// template is a text with named gaps, cut apart once so that filling it is a
// row of appends: a workload of a million users cannot afford an encoder.
type template struct {
	texts []string // one more than gaps
	gaps  []gap
}

// gap is what stands between two texts of a template.
type gap uint8

const (
	gapOkta gap = iota
	gapEmail
	gapName
	gapAgent
	gapOS
	gapBrowser
	gapKind
	gapIP
	gapPlace
	gapDevice
	gapCredential
	gapSession
	gapMessage
	gapCode
	gapResult
	gapReason
	gapTime
	gapAS
	gapSeverity
	gapRandom
	gapFingerprint
	gapRisk
	gapRequest
	gapURI
	gapLegacy
	gapUUID
	gapTarget
)

var gapNames = map[string]gap{
	"okta": gapOkta, "email": gapEmail, "name": gapName, "agent": gapAgent, "os": gapOS, "browser": gapBrowser,
	"kind": gapKind, "ip": gapIP, "place": gapPlace, "device": gapDevice, "credential": gapCredential,
	"session": gapSession, "message": gapMessage, "code": gapCode, "result": gapResult, "reason": gapReason,
	"time": gapTime, "as": gapAS, "severity": gapSeverity, "random16": gapRandom, "fingerprint": gapFingerprint,
	"risk": gapRisk, "request": gapRequest, "uri": gapURI, "legacy": gapLegacy, "uuid": gapUUID, "target": gapTarget,
}

// oktaTemplate is a System Log event as Okta's API gives it, about 2.4 KB.
//
//go:embed okta.json
var oktaTemplate string

func parseTemplate(text string) (*template, error) {
	t := &template{}
	for {
		before, rest, found := strings.Cut(text, "${")
		t.texts = append(t.texts, before)
		if !found {
			return t, nil
		}
		name, after, closed := strings.Cut(rest, "}")
		g, known := gapNames[name]
		if !closed || !known {
			return nil, fmt.Errorf("template: ${%.20s is no gap", rest)
		}
		t.gaps, text = append(t.gaps, g), after
	}
}

// fill appends the text with its gaps filled.
func (t *template) fill(b []byte, gap func([]byte, gap) []byte) []byte {
	for i, g := range t.gaps {
		b = append(b, t.texts[i]...)
		b = gap(b, g)
	}
	return append(b, t.texts[len(t.gaps)]...)
}
