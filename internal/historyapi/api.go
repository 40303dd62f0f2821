// Package historyapi answers questions to the history over HTTP, for programs
// on the same machine: read only, as JSON, described by an OpenAPI document.
//
// What there is to ask is a table (routes): the handlers, their parameters and
// the document follow from it, the document's schemas from the Go types that are
// answered. So it says what is answered without being kept up by hand.
package historyapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/riskstream/riskstream/internal/history"
)

// Bounds of a request.
const (
	atOnce    = 8                // questions that are answered at a time
	patience  = 2 * time.Second  // that others wait for their turn
	timeLimit = 30 * time.Second // to answer, waiting included
)

// API answers questions to a history. It is an http.Handler.
type API struct {
	engine   engine
	log      *slog.Logger
	now      func() time.Time
	mux      *http.ServeMux
	document []byte
	slots    chan struct{}

	patience, timeLimit time.Duration
}

// New makes an API that answers from the history that open opens: now, and again
// when its engine has gone.
func New(ctx context.Context, open func(context.Context) (*history.Store, error), now func() time.Time, log *slog.Logger) (*API, error) {
	return newAPI(ctx, routes(), open, now, log)
}

func newAPI(ctx context.Context, routes []route, open func(context.Context) (*history.Store, error), now func() time.Time, log *slog.Logger) (*API, error) {
	document, err := json.MarshalIndent(documentOf(routes), "", "  ")
	if err != nil {
		return nil, err
	}
	a := &API{
		engine: engine{open: open}, log: log, now: now, document: append(document, '\n'), mux: http.NewServeMux(), slots: make(chan struct{}, atOnce),
		patience: patience, timeLimit: timeLimit,
	}
	for i := range routes {
		a.mux.HandleFunc(routes[i].path, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, &routes[i]) })
	}
	a.mux.HandleFunc(documentPath, func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, "application/json", a.document) })
	a.mux.HandleFunc(alivePath, func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, "text/plain", []byte("ok\n")) })
	a.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, problemOf(http.StatusNotFound, "nothing is at this path; "+documentPath+" says what there is"))
	})
	if err := a.engine.ask(ctx, func(*history.Store) error { return nil }); err != nil {
		return nil, err
	}
	return a, nil
}

// Close closes the history.
func (a *API) Close() error { return a.engine.close() }

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !isLoopback(hostOf(r.Host)):
		// A web page whose name was made to point here would be let in otherwise.
		fail(w, problemOf(http.StatusForbidden, "the Host header names no loopback address: ask localhost, 127.0.0.1 or [::1]"))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		fail(w, problemOf(http.StatusMethodNotAllowed, "the history is only read: use GET"))
	default:
		a.mux.ServeHTTP(w, r)
	}
}

// answer answers a question, in its turn and in bounded time.
func (a *API) answer(w http.ResponseWriter, r *http.Request, route *route) {
	q, err := route.question(r, a.now())
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), a.timeLimit)
		defer cancel()
		var items any
		if items, err = a.ask(ctx, route, q); err == nil {
			var body bytes.Buffer
			if err = writeJSON(&body, map[string]any{"items": items}); err == nil {
				send(w, http.StatusOK, "application/json", body.Bytes())
				return
			}
		}
	}
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	p := problemFor(err, a.timeLimit)
	if p.Status >= http.StatusInternalServerError && !errors.As(err, new(*Problem)) {
		a.log.Error("a question was not answered", "path", route.path, "status", p.Status, "error", err)
	}
	fail(w, p)
}

func (a *API) ask(ctx context.Context, route *route, q question) (items any, err error) {
	turn := time.NewTimer(a.patience)
	defer turn.Stop()
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-turn.C:
		return nil, problemOf(http.StatusServiceUnavailable, "too many questions are being answered: ask again")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	err = a.engine.ask(ctx, func(store *history.Store) (err error) {
		items, err = route.answer.ask(ctx, store, q)
		return err
	})
	return items, err
}

func writeJSON(body *bytes.Buffer, v any) error {
	encoder := json.NewEncoder(body)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body) // who has gone does not read it
}

// hostOf is a host without its port.
func hostOf(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
