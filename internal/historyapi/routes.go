package historyapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/riskstream/riskstream/internal/history"
)

// route is a question that can be asked. Its handler and its part of the OpenAPI
// document follow from it.
type route struct {
	path    string // of http.ServeMux and of OpenAPI, with at most one {wildcard}
	id      string // by which OpenAPI's clients call it
	summary string
	about   string // what stands in the place of the wildcard
	query   []parameter
	answer  answer
}

// question is what a request asks.
type question struct {
	of    string // what stands in the place of the wildcard
	span  history.Span
	limit int
}

// answer makes the items of a response.
type answer struct {
	item reflect.Type
	ask  func(ctx context.Context, store *history.Store, q question) (items any, err error)
}

// items are answered by a function that finds Ts.
func items[T any](find func(ctx context.Context, store *history.Store, q question) ([]T, error)) answer {
	return answer{reflect.TypeFor[T](), func(ctx context.Context, store *history.Store, q question) (any, error) {
		found, err := find(ctx, store, q)
		return notNull(found), err
	}}
}

// notNull makes a list of JSON of one that has nothing.
func notNull[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func routes() []route {
	return []route{
		{
			path: "/v1/users/{name}/timeline", id: "timeline", summary: "What a user did, what was detected, and what followed",
			about: userName, query: []parameter{since("30d"), until(), limit(200)}, answer: items(timelines),
		},
		{
			path: "/v1/events/{id}", id: "event", summary: "Why this score: what was detected at an event, and all that counted then",
			about: "the event's id", answer: items(explanations),
		},
		{
			path: "/v1/top", id: "top", summary: "The riskiest users of a stretch of time",
			query: []parameter{since("7d"), until(), limit(20)}, answer: items(riskiest),
		},
	}
}

const userName = "any name that the user ever had: subject (or tenant/subject, the slash as %2F), user name, e-mail address or id at the provider"

// Timeline is what happened to a user, oldest first.
type Timeline struct {
	Subject history.Subject `json:"subject"`
	Entries []history.Entry `json:"entries"`
}

// timelines are those of everybody who has the name.
func timelines(ctx context.Context, store *history.Store, q question) ([]Timeline, error) {
	return ofUsers(ctx, store, q.of, func(subject history.Subject) (Timeline, error) {
		entries, err := store.Timeline(ctx, subject, q.span, q.limit)
		return Timeline{subject, notNull(entries)}, err
	})
}

// ofUsers asks of each user that has a name.
func ofUsers[T any](ctx context.Context, store *history.Store, name string, ask func(history.Subject) (T, error)) ([]T, error) {
	subjects, err := store.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	var all []T
	for _, subject := range subjects {
		one, err := ask(subject)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func explanations(ctx context.Context, store *history.Store, q question) ([]history.Explanation, error) {
	found, err := store.Explain(ctx, q.of)
	if err == nil && len(found) == 0 {
		err = problemOf(http.StatusNotFound, fmt.Sprintf("no event %.100q is in the history", q.of))
	}
	return found, err
}

func riskiest(ctx context.Context, store *history.Store, q question) ([]history.Riskiest, error) {
	return store.Top(ctx, q.span, q.limit)
}

// parameter is one of a query.
type parameter struct {
	name, about string
	schema      map[string]any
	fallback    string // when it is not given
	read        func(text string, now time.Time, into *question) error
}

func since(fallback string) parameter {
	return parameter{
		name: "since", about: "from this time on: RFC 3339, a day, or how long ago (12h, 30d)", schema: map[string]any{"type": "string", "default": fallback}, fallback: fallback,
		read: func(text string, now time.Time, into *question) (err error) {
			into.span.Since, err = history.ParseMoment(text, now)
			return err
		},
	}
}

func until() parameter {
	return parameter{
		name: "until", about: "up to this time, as since; without it, up to now", schema: map[string]any{"type": "string"},
		read: func(text string, now time.Time, into *question) (err error) {
			into.span.Until, err = history.ParseMoment(text, now)
			return err
		},
	}
}

// maxLimit bounds what one answer holds.
const maxLimit = 1000

func limit(fallback int) parameter {
	return parameter{
		name: "limit", about: "at most so many of each user, or in all", schema: map[string]any{"type": "integer", "minimum": 1, "maximum": maxLimit, "default": fallback}, fallback: strconv.Itoa(fallback),
		read: func(text string, _ time.Time, into *question) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > maxLimit {
				return fmt.Errorf("%.60q: want 1 to %d", text, maxLimit)
			}
			into.limit = n
			return nil
		},
	}
}

// wildcard is the name of the one in the path, "" if there is none.
func (r *route) wildcard() string {
	_, rest, _ := strings.Cut(r.path, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// question reads a request. Its error is a *Problem.
func (r *route) question(req *http.Request, now time.Time) (question, error) {
	var q question
	if name := r.wildcard(); name != "" {
		q.of = req.PathValue(name)
	}
	given, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return q, problemOf(http.StatusBadRequest, "the query cannot be read: its parameters must be URL-encoded")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.ContainsFunc(r.query, func(p parameter) bool { return p.name == name }) {
			return q, wrongParameter(fmt.Sprintf("%.60s", name), "is no parameter here; "+documentPath+" says which there are")
		}
		if len(given[name]) > 1 {
			return q, wrongParameter(name, "is given more than once")
		}
	}
	for _, p := range r.query {
		text := given.Get(p.name)
		if text == "" {
			text = p.fallback
		}
		if err := p.read(text, now, &q); err != nil {
			return q, wrongParameter(p.name, err.Error())
		}
	}
	return q, nil
}
