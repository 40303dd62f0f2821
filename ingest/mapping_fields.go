package ingest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// mappingField is one field that a mapping may fill. set cleans the value that
// the expression gave and puts it into the event; nil is absent.
type mappingField struct {
	name string
	set  func(e *event.Event, value any) error
}

// mappingFields lists the fields in the order in which they are evaluated.
var mappingFields = []mappingField{
	{"id", setText(func(e *event.Event) *string { return &e.ID })},
	{"time", setTime},
	{"action", setAction},
	{"outcome", setWord(func(e *event.Event) *event.Outcome { return &e.Outcome }, event.Outcomes[:])},
	{"reason", setWord(func(e *event.Event) *event.Reason { return &e.Reason }, event.Reasons[:])},
	{"code", setText(func(e *event.Event) *string { return &e.Code })},
	{"user.id", setText(func(e *event.Event) *string { return &e.User.ID })},
	{"user.name", setText(func(e *event.Event) *string { return &e.User.Name })},
	{"user.email", setText(func(e *event.Event) *string { return &e.User.Email })},
	{"user.full_name", setText(func(e *event.Event) *string { return &e.User.FullName })},
	{"user.kind", setWord(func(e *event.Event) *event.UserKind { return &e.User.Kind }, userKinds[:])},
	{"source.ip", setAddress},
	{"source.geo.country_iso_code", setCountry},
	{"source.geo.city_name", setText(func(e *event.Event) *string { return &e.Source.Geo.City })},
	{"source.geo.lat", setNumber(func(e *event.Event) *float64 { return &e.Source.Geo.Lat })},
	{"source.geo.lon", setNumber(func(e *event.Event) *float64 { return &e.Source.Geo.Lon })},
	{"source.as.number", setASNumber},
	{"source.as.organization.name", setText(func(e *event.Event) *string { return &e.Source.AS.Organization })},
	{"user_agent", setText(func(e *event.Event) *string { return &e.UserAgent.Original })},
	{"user_agent.id", setText(func(e *event.Event) *string { return &e.UserAgent.ID })},
	{"device.id", setText(func(e *event.Event) *string { return &e.Device.ID })},
	{"device.managed", setFlag(func(e *event.Event) *event.Flag { return &e.Device.Managed })},
	{"device.compliant", setFlag(func(e *event.Event) *event.Flag { return &e.Device.Compliant })},
	{"session.id", setText(func(e *event.Event) *string { return &e.Session.ID })},
	{"app.id", setText(func(e *event.Event) *string { return &e.App.ID })},
	{"app.name", setText(func(e *event.Event) *string { return &e.App.Name })},
	{"resource.id", setText(func(e *event.Event) *string { return &e.Resource.ID })},
	{"resource.name", setText(func(e *event.Event) *string { return &e.Resource.Name })},
	{"auth.method", setMethod},
	{"auth.factor", setWord(func(e *event.Event) *event.Factor { return &e.Auth.Factor }, event.Factors[:])},
	{"auth.protocol", setText(func(e *event.Event) *string { return &e.Auth.Protocol })},
	{"idp_risk.level", setWord(func(e *event.Event) *string { return &e.IDPRisk.Level }, riskLevels[:])},
	{"idp_risk.reasons", setText(func(e *event.Event) *string { return &e.IDPRisk.Reasons })},
}

var (
	userKinds  = [...]event.UserKind{event.Human, event.Service, event.UserUnknown}
	riskLevels = [...]string{"low", "medium", "high"}
)

// isMappingKey reports whether a mapping may have the key.
func isMappingKey(name string) bool {
	return name == "when" || name == "skip" ||
		slices.ContainsFunc(mappingFields, func(f mappingField) bool { return f.name == name })
}

// isMappingGroup reports whether fields lie below the name.
func isMappingGroup(name string) bool {
	return slices.ContainsFunc(mappingFields, func(f mappingField) bool { return strings.HasPrefix(f.name, name+".") })
}

// mappingKeys lists the keys that could stand where the unknown key name does:
// those of its group or, outside of any, the groups and the other keys.
func mappingKeys(name string) string {
	group := name
	for group != "" && !isMappingGroup(group) {
		group = group[:max(strings.LastIndexByte(group, '.'), 0)]
	}
	if group == "" {
		names := []string{"when", "skip"}
		for _, f := range mappingFields {
			first, _, grouped := strings.Cut(f.name, ".")
			if grouped {
				first += ".…"
			}
			names = append(names, first)
		}
		return strings.Join(slices.Compact(names), ", ")
	}
	var names []string
	for _, f := range mappingFields {
		if strings.HasPrefix(f.name, group+".") {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// mappingWords is an environment for a mapping's expressions: raw, which is
// empty, and each of the contract's words under its own name.
func mappingWords() map[string]any {
	env := map[string]any{"raw": map[string]any(nil)}
	addWords(env, event.Actions[:])
	addWords(env, event.Outcomes[:])
	addWords(env, event.Reasons[:])
	addWords(env, event.Factors[:])
	addWords(env, userKinds[:])
	addWords(env, riskLevels[:])
	return env
}

func addWords[S ~string](env map[string]any, words []S) {
	for _, w := range words {
		env[string(w)] = string(w)
	}
}

// setText sets a text field.
func setText(field func(*event.Event) *string) func(*event.Event, any) error {
	return func(e *event.Event, value any) (err error) {
		*field(e), err = valueText(value)
		return err
	}
}

// setWord sets a field with a closed list of values. Absent leaves it as it is.
func setWord[S ~string](field func(*event.Event) *S, words []S) func(*event.Event, any) error {
	return func(e *event.Event, value any) error {
		s, err := valueText(value)
		switch {
		case err != nil || s == "":
			return err
		case !slices.Contains(words, S(s)):
			return fmt.Errorf("%.40q is not one of %v", s, words)
		}
		*field(e) = S(s)
		return nil
	}
}

// setAction sets the action, which every event must have.
func setAction(e *event.Event, value any) error {
	if err := setWord(func(e *event.Event) *event.Action { return &e.Action }, event.Actions[:])(e, value); err != nil {
		return err
	}
	if e.Action == "" {
		return fmt.Errorf("the event has no action: end the expression with one, such as ?? other")
	}
	return nil
}

// setTime sets the time. A missing one is the parser's to report.
func setTime(e *event.Event, value any) error {
	s, err := valueText(value)
	if err != nil || s == "" {
		return err
	}
	if e.Time = parseInstant(s); e.Time == 0 {
		return fmt.Errorf("%.40q is no time of the years 1990 to 2200", s)
	}
	return nil
}

// setAddress sets the source address. What is no address is absent: logs put
// names and dashes there.
func setAddress(e *event.Event, value any) error {
	s, err := valueText(value)
	e.Source.IP = parseAddress(s)
	return err
}

func setCountry(e *event.Event, value any) error {
	s, err := valueText(value)
	e.Source.Geo.Country = country(s)
	return err
}

// setMethod sets the authentication method, in lower case like all others.
func setMethod(e *event.Event, value any) error {
	s, err := valueText(value)
	e.Auth.Method = lower(s)
	return err
}

func setNumber(field func(*event.Event) *float64) func(*event.Event, any) error {
	return func(e *event.Event, value any) error {
		s, err := valueText(value)
		if err != nil || s == "" {
			return err
		}
		if *field(e), err = strconv.ParseFloat(s, 64); err != nil {
			return fmt.Errorf("%.40q is not a number", s)
		}
		return nil
	}
}

func setASNumber(e *event.Event, value any) error {
	s, err := valueText(value)
	if err != nil || s == "" {
		return err
	}
	if len(s) > 2 && strings.EqualFold(s[:2], "as") {
		s = s[2:]
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return fmt.Errorf("%.40q is not the number of an autonomous system", s)
	}
	e.Source.AS.Number = uint32(n)
	return nil
}

// setFlag sets a flag from true or false, also in words. Absent is not false.
func setFlag(field func(*event.Event) *event.Flag) func(*event.Event, any) error {
	return func(e *event.Event, value any) error {
		s, err := valueText(value)
		switch {
		case err != nil:
			return err
		case s == "":
		case strings.EqualFold(s, "true"):
			*field(e) = event.True
		case strings.EqualFold(s, "false"):
			*field(e) = event.False
		default:
			return fmt.Errorf("%.40q is neither true nor false", s)
		}
		return nil
	}
}
