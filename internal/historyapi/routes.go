package historyapi

import (
	"cmp"
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

	"github.com/riskstream/riskstream/event"
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
	user  string // whose; empty is everybody's
	span  history.Span
	usual int // days before the span
	limit int
	now   time.Time
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
			path: "/v1/users/{name}", id: "user", summary: "Who a user is, and what there was of them in a span",
			about: userName, query: []parameter{since("30d"), until(), limit(5)}, answer: items(profiles),
		},
		{
			path: "/v1/users/{name}/timeline", id: "timeline", summary: "What a user did, what was detected, and what followed",
			about: userName, query: []parameter{since("30d"), until(), limit(200)}, answer: items(timelines),
		},
		{
			path: "/v1/users/{name}/compare", id: "compare", summary: "What is new about a user in a span, against the days before it",
			about: userName, query: []parameter{since("1d"), until(), usual(30), limit(10)}, answer: items(comparisons),
		},
		{
			path: "/v1/events/{id}", id: "event", summary: "Why this score: what was detected at an event, and all that counted then",
			about: "the event's id", answer: items(explanations),
		},
		{
			path: "/v1/sessions/{id}", id: "session", summary: "What happened in a session, and what changed within it",
			about: "the session's id", query: []parameter{limit(1000)}, answer: items(sessions),
		},
		{
			path: "/v1/ips/{address}", id: "ip", summary: "Who came from an address, or from any of a prefix",
			about: "an IPv4 or IPv6 address, or a prefix of them, the slash as %2F", query: []parameter{since("30d"), until(), limit(50)}, answer: items(addresses),
		},
		{
			path: "/v1/devices", id: "devices", summary: "Which devices were seen, by whom, managed and compliant or not",
			query: []parameter{user(), since("30d"), until(), limit(50)}, answer: items(devices),
		},
		{
			path: "/v1/apps", id: "apps", summary: "Which apps were seen, by whom, sanctioned or not, and which are new",
			query: []parameter{user(), since("30d"), until(), limit(50)}, answer: items(apps),
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

func profiles(ctx context.Context, store *history.Store, q question) ([]*history.Profile, error) {
	return ofUsers(ctx, store, q.of, func(subject history.Subject) (*history.Profile, error) {
		return store.Profile(ctx, subject, q.span, q.limit)
	})
}

func comparisons(ctx context.Context, store *history.Store, q question) ([]*history.Comparison, error) {
	if q.span.Until == 0 {
		q.span.Until = event.TimeOf(q.now)
	}
	if q.span.Since >= q.span.Until {
		return nil, wrongParameter("since", "must be before until, or now")
	}
	usual := history.Span{Since: q.span.Since - event.Time(q.usual)*event.Day, Until: q.span.Since}
	return ofUsers(ctx, store, q.of, func(subject history.Subject) (*history.Comparison, error) {
		return store.Compare(ctx, subject, usual, q.span, q.limit)
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
	return found, cmp.Or(err, noneOf("event", q.of, len(found)))
}

func sessions(ctx context.Context, store *history.Store, q question) ([]history.Session, error) {
	found, err := store.Sessions(ctx, q.of, q.limit)
	return found, cmp.Or(err, noneOf("session", q.of, len(found)))
}

// noneOf is the error that nothing of an id was found.
func noneOf(what, id string, found int) error {
	if found > 0 {
		return nil
	}
	return problemOf(http.StatusNotFound, fmt.Sprintf("no %s %.100q is in the history", what, id))
}

// addresses are one, unless nothing came from there.
func addresses(ctx context.Context, store *history.Store, q question) ([]*history.Address, error) {
	prefix, err := history.ParseAddress(q.of)
	if err != nil {
		return nil, wrongParameter("address", err.Error())
	}
	found, err := store.Address(ctx, prefix, q.span, q.limit)
	if err != nil || found == nil {
		return nil, err
	}
	return []*history.Address{found}, nil
}

func devices(ctx context.Context, store *history.Store, q question) ([]history.Device, error) {
	return ofUserOrAll(ctx, store, q, store.Devices)
}

func apps(ctx context.Context, store *history.Store, q question) ([]history.App, error) {
	return ofUserOrAll(ctx, store, q, store.Apps)
}

// ofUserOrAll asks of each user that has the name, or of all when there is none.
func ofUserOrAll[T any](ctx context.Context, store *history.Store, q question, ask func(ctx context.Context, of *history.Subject, span history.Span, limit int) ([]T, error)) ([]T, error) {
	if q.user == "" {
		return ask(ctx, nil, q.span, q.limit)
	}
	lists, err := ofUsers(ctx, store, q.user, func(subject history.Subject) ([]T, error) { return ask(ctx, &subject, q.span, q.limit) })
	return slices.Concat(lists...), err
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

// user is whose the items are.
func user() parameter {
	return parameter{
		name: "user", about: "only of this user: " + userName, schema: map[string]any{"type": "string"},
		read: func(text string, _ time.Time, into *question) error {
			into.user = text
			return nil
		},
	}
}

func usual(fallback int) parameter {
	return number("usual", "how many days before since are the usual ones", fallback, 3650, func(q *question) *int { return &q.usual })
}

// maxLimit bounds what one answer holds.
const maxLimit = 1000

func limit(fallback int) parameter {
	return number("limit", "at most so many, of each kind and of each user", fallback, maxLimit, func(q *question) *int { return &q.limit })
}

// number is a parameter from 1 to most.
func number(name, about string, fallback, most int, of func(*question) *int) parameter {
	return parameter{
		name: name, about: about, schema: map[string]any{"type": "integer", "minimum": 1, "maximum": most, "default": fallback}, fallback: strconv.Itoa(fallback),
		read: func(text string, _ time.Time, into *question) error {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > most {
				return fmt.Errorf("%.60q: want 1 to %d", text, most)
			}
			*of(into) = n
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

// takes reports whether the query may have a parameter.
func (r *route) takes(name string) bool {
	return slices.ContainsFunc(r.query, func(p parameter) bool { return p.name == name })
}

// question reads a request. Its error is a *Problem.
func (r *route) question(req *http.Request, now time.Time) (question, error) {
	q := question{now: now}
	if name := r.wildcard(); name != "" {
		q.of = req.PathValue(name)
	}
	given, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return q, problemOf(http.StatusBadRequest, "the query cannot be read: its parameters must be URL-encoded")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !r.takes(name) {
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
