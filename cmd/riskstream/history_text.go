package main

import (
	"fmt"
	"strings"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/history"
)

// The words that tables of several questions share. Who writes them cleans them
// of what is from outside.

// traitText names a trait, with what explains it.
func traitText(t history.Trait) string {
	if t.Note == "" || t.Note == t.Name {
		return t.Name
	}
	if t.Kind == "app" {
		return t.Note + " (" + t.Name + ")" // an id says nothing to people
	}
	return t.Name + " " + t.Note
}

func eventsText(s history.Seen) string {
	text := plural(s.Events, "event")
	if s.Failures > 0 {
		text += fmt.Sprintf(" (%d failed)", s.Failures)
	}
	return text
}

// seenText is from when to when.
func seenText(first, last event.Time) string {
	switch {
	case first == 0:
		return "never"
	case first == last:
		return first.Std().Format(shortTime)
	}
	return first.Std().Format(shortTime) + " to " + last.Std().Format(shortTime)
}

// spanText says of when an answer is.
func spanText(s history.Span) string {
	switch {
	case s.Since == 0 && s.Until == 0:
		return "of all that is kept"
	case s.Until == 0:
		return "since " + s.Since.Std().Format(shortTime)
	case s.Since == 0:
		return "until " + s.Until.Std().Format(shortTime)
	}
	return s.Since.Std().Format(shortTime) + " to " + s.Until.Std().Format(shortTime)
}

// usersText names the most active users and how many more there are.
func usersText(tenant string, s history.Shared) string {
	names := make([]string, len(s.By))
	for i, name := range s.By {
		names[i] = history.Subject{Tenant: tenant, Name: name}.String()
	}
	text := strings.Join(names, ", ")
	if more := s.Users - min(uint64(len(names)), s.Users); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// flagText is what is known of a flag, and that it was the other before.
func flagText(flag *bool, changed bool) string {
	switch {
	case flag == nil:
		return "-"
	case *flag && changed:
		return "yes, was no"
	case *flag:
		return "yes"
	case changed:
		return "no, was yes"
	}
	return "no"
}
