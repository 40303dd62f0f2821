package historyapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/chdb/chdbtest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/publish"
)

var began = event.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))

func anHourLater() time.Time { return (began + event.Hour).Std() }

// examples ask every route, and have the text in their answer.
var examples = map[string][]struct{ ask, want string }{
	"/v1/users/{name}/timeline": {
		{"/v1/users/anna.weber@corp.example/timeline", `"event_id":"e-2"`},
		{"/v1/users/default%2Fanna.weber@corp.example/timeline?since=2026-03-02&until=1m&limit=1", `"detections":[{"name":"new_device"`},
		{"/v1/users/00uanna/timeline?since=1m", `"entries":[]`},
	},
	"/v1/users/{name}": {
		{"/v1/users/anna.weber@corp.example", `"names":[{"kind":"email","name":"anna.weber@corp.example"`},
		{"/v1/users/00uanna?since=1m", `"names":[{"kind":"email"`},
	},
	"/v1/users/{name}/compare": {
		{"/v1/users/anna.weber@corp.example/compare?since=2026-03-02T08:02:00Z", `"name":"203.0.113.9","note":"Example Net","state":"new"`},
		{"/v1/users/00uanna/compare?since=1m&usual=1&limit=1", `"state":"absent"`},
	},
	"/v1/sessions/{id}": {
		{"/v1/sessions/s-1", `"changed":[{"what":"network","from":"198.51.100.7","to":"203.0.113.9"}`},
		{"/v1/sessions/s-1?limit=1", `"more":1`},
	},
	"/v1/ips/{address}": {
		{"/v1/ips/203.0.113.9", `"visitors":[{"subject":{"tenant":"default","subject":"anna.weber@corp.example"}`},
		{"/v1/ips/203.0.113.0%2F24", `"prefix":"203.0.113.0/24"`},
		{"/v1/ips/2001:db8::1", `{"items":[]}`},
	},
	"/v1/devices": {
		{"/v1/devices", `"device_id":"d-1"`},
		{"/v1/devices?user=00uanna", `"of":{"tenant":"default","subject":"anna.weber@corp.example"}`},
		{"/v1/devices?since=1m&user=00uanna", `{"items":[]}`},
	},
	"/v1/apps": {
		{"/v1/apps", `"app":"0oa1","name":"Payroll"`},
		{"/v1/apps?user=anna.weber@corp.example&limit=1", `"new":true`},
	},
	"/v1/events/{id}": {
		{"/v1/events/e-2", `"caused":true`},
		{"/v1/events/e-1", `"caused":false`},
	},
	"/v1/top": {
		{"/v1/top", `"score":42.5`},
		{"/v1/top?since=2026-03-02T08:00:00Z&until=2026-03-03&limit=1000", `"anna.weber@corp.example"`},
		{"/v1/top?since=1m", `{"items":[]}`},
		{"/v1/top?since=0001-01-01&until=9999-12-31", `"score":42.5`},
	},
}

// TestAnswersAreAsDocumented holds the OpenAPI document against the routes and
// against what they answer, in which nothing may be that the document does not
// have.
func TestAnswersAreAsDocumented(t *testing.T) {
	api := filled(t)
	document := documentOfAPI(t, api)
	paths := document["paths"].(object)
	if want := len(routes()) + 2; len(paths) != want {
		t.Errorf("%d paths in the document, want %d", len(paths), want)
	}
	for _, r := range routes() {
		if len(examples[r.path]) == 0 {
			t.Errorf("%s has no example here", r.path)
		}
		for _, example := range examples[r.path] {
			w := get(api, example.ask)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), example.want) {
				t.Errorf("%s: %d %s", example.ask, w.Code, w.Body)
			}
			asDocumented(t, document, r.path, example.ask, w)
		}
		query := url.Values{}
		for _, p := range r.query {
			query.Set(p.name, p.fallback)
		}
		if w := get(api, strings.Split(examples[r.path][0].ask, "?")[0]+"?"+query.Encode()); w.Code != http.StatusOK {
			t.Errorf("%s with the defaults that are documented: %d %s", r.path, w.Code, w.Body)
		}
	}
	for _, path := range []string{documentPath, alivePath} {
		asDocumented(t, document, path, path, get(api, path))
	}
}

func TestProblems(t *testing.T) {
	api := filled(t)
	document := documentOfAPI(t, api)
	for _, c := range []struct {
		method, host, ask string
		path              string // of the route; empty for none
		status            int
		parameter, want   string
	}{
		{ask: "/v1/top?since=tomorrow", path: "/v1/top", status: 400, parameter: "since", want: `since \"tomorrow\": want a time`},
		{ask: "/v1/top?until=-5h", path: "/v1/top", status: 400, parameter: "until"},
		{ask: "/v1/top?limit=0", path: "/v1/top", status: 400, parameter: "limit", want: "want 1 to 1000"},
		{ask: "/v1/top?limit=1001", path: "/v1/top", status: 400, parameter: "limit"},
		{ask: "/v1/top?limit=5&limit=6", path: "/v1/top", status: 400, parameter: "limit", want: "more than once"},
		{ask: "/v1/top?sinse=7d", path: "/v1/top", status: 400, parameter: "sinse", want: "no parameter here"},
		{ask: "/v1/top?%zz", path: "/v1/top", status: 400, want: "URL-encoded"},
		{ask: "/v1/events/e-1?limit=5", path: "/v1/events/{id}", status: 400, parameter: "limit"},
		{ask: "/v1/users/nobody/timeline", path: "/v1/users/{name}/timeline", status: 404, want: `nobody called \"nobody\"`},
		{ask: "/v1/users/%00%27%5C%FF/timeline", path: "/v1/users/{name}/timeline", status: 404},
		{ask: "/v1/events/e-4711", path: "/v1/events/{id}", status: 404, want: `no event \"e-4711\"`},
		{ask: "/v1/events/%27%20OR%201%3D1%20--", path: "/v1/events/{id}", status: 404},
		{ask: "/v1/sessions/s-4711", path: "/v1/sessions/{id}", status: 404, want: `no session \"s-4711\"`},
		{ask: "/v1/devices?user=nobody", path: "/v1/devices", status: 404},
		{ask: "/v1/ips/203.0.113", path: "/v1/ips/{address}", status: 400, parameter: "address", want: "is no address"},
		{ask: "/v1/users/00uanna/compare?since=1m&until=2m", path: "/v1/users/{name}/compare", status: 400, parameter: "since", want: "before until"},
		{ask: "/v1/users/00uanna/compare?usual=0", path: "/v1/users/{name}/compare", status: 400, parameter: "usual"},
		{ask: "/v2/top", status: 404, want: "nothing is at this path"},
		{method: "POST", ask: "/v1/top", path: "/v1/top", status: 405},
		{method: "DELETE", ask: "/v1/users/anna.weber@corp.example/timeline", path: "/v1/users/{name}/timeline", status: 405},
		{host: "evil.example:9465", ask: "/v1/top", path: "/v1/top", status: 403, want: "Host header"},
		{host: "127.0.0.1.evil.example", ask: "/openapi.json", status: 403},
		{host: "192.0.2.1", ask: "/v1/top", path: "/v1/top", status: 403},
		{host: "localhost", ask: "/v1/top", status: 200},
		{host: "LOCALHOST:9465", ask: "/v1/top", status: 200},
		{host: "[::1]:9465", ask: "/v1/top", status: 200},
		{host: "[::1]", ask: "/v1/top", status: 200},
		{method: "HEAD", ask: "/v1/top", status: 200},
	} {
		r := httptest.NewRequest(cmp.Or(c.method, "GET"), c.ask, nil)
		r.Host = cmp.Or(c.host, "127.0.0.1:9465")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
		if c.status == 200 {
			continue
		}
		var p Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != c.status || p.Parameter != c.parameter || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%+v: %+v, %v", c, p, err)
		}
		if c.path != "" {
			asDocumented(t, document, c.path, c.ask, w)
		}
	}
}

// aRoute is a table with one route.
func aRoute(ask func(ctx context.Context) error) []route {
	return []route{{path: "/v1/test", answer: items(func(ctx context.Context, _ *history.Store, _ question) ([]history.Subject, error) {
		return nil, ask(ctx)
	})}}
}

// without is an API whose routes need no history.
func without(t *testing.T, routes []route) *API {
	t.Helper()
	api, err := newAPI(t.Context(), routes, func(context.Context) (*history.Store, error) { return new(history.Store), nil }, anHourLater, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestAnEngineThatFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{
		{errors.New("code: 241, message: the secret table is too large"), 500},
		{fmt.Errorf("top: %w", context.DeadlineExceeded), 504},
	} {
		w := get(without(t, aRoute(func(context.Context) error { return c.err })), "/v1/test")
		if w.Code != c.status || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

func TestAnEngineThatIsTooSlow(t *testing.T) {
	api := without(t, aRoute(func(ctx context.Context) error {
		<-ctx.Done()
		return fmt.Errorf("reading: %w", ctx.Err())
	}))
	api.timeLimit = time.Millisecond
	if w := get(api, "/v1/test"); w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "within 1ms") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestQuestionsTakeTurns(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	api := without(t, aRoute(func(context.Context) error {
		asked <- struct{}{}
		<-answer
		return nil
	}))
	api.patience = time.Millisecond
	answered := make(chan int)
	for range atOnce {
		go func() { answered <- get(api, "/v1/test").Code }()
		<-asked
	}
	if w := get(api, "/v1/test"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one more: %d %s", w.Code, w.Body)
	}
	if w := get(api, alivePath); w.Code != http.StatusOK {
		t.Errorf("alive: %d", w.Code)
	}
	close(answer)
	for range atOnce {
		if code := <-answered; code != http.StatusOK {
			t.Errorf("%d", code)
		}
	}
}

// An embedded engine goes when riskstream run does; whoever asks next is
// answered by the one that is opened then.
func TestAnEngineThatHasGone(t *testing.T) {
	chdbtest.Need(t)
	dir := t.TempDir()
	fill(t, dir)
	gone := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	var opened int
	var openErr error
	open := func(ctx context.Context) (*history.Store, error) {
		opened++
		if openErr != nil {
			return nil, openErr
		}
		return history.Open(ctx, inDir(dir))
	}
	var failures []error
	api, err := newAPI(t.Context(), aRoute(func(context.Context) error {
		if len(failures) == 0 {
			return nil
		}
		err := failures[0]
		failures = failures[1:]
		return err
	}), open, anHourLater, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	failures = []error{gone}
	if w := get(api, "/v1/test"); w.Code != http.StatusOK || opened != 2 {
		t.Errorf("after it was gone: %d %s, opened %d times", w.Code, w.Body, opened)
	}
	failures, openErr = []error{gone}, errors.New("another process has /secret/dir open")
	if w := get(api, "/v1/test"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("while there is none: %d %s", w.Code, w.Body)
	}
	openErr = nil
	if w := get(api, "/v1/test"); w.Code != http.StatusOK {
		t.Errorf("when there is one again: %d %s", w.Code, w.Body)
	}
	if err := api.Close(); err != nil {
		t.Error(err)
	}
}

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	for address, ok := range map[string]bool{
		"127.0.0.1:0": true, "localhost:0": true, "127.0.0.2:0": true,
		":0": false, "0.0.0.0:0": false, "[::]:0": false, "192.0.2.1:0": false, "riskstream.example:0": false, "127.0.0.1": false, "": false,
	} {
		listener, err := Listen(address)
		if (err == nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err == nil {
			listener.Close()
		}
	}
}

func TestWhatWasAskedIsAnsweredAtTheEnd(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	api := without(t, aRoute(func(context.Context) error {
		close(asked)
		<-answer
		return nil
	}))
	listener, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended, answered := make(chan error), make(chan int)
	go func() { ended <- api.Serve(ctx, listener) }()
	go func() {
		response, err := http.Get("http://" + listener.Addr().String() + "/v1/test")
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		response.Body.Close()
		answered <- response.StatusCode
	}()
	<-asked
	cancel()
	for { // until nobody is let in any more
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
	}
	close(answer)
	if code := <-answered; code != http.StatusOK {
		t.Errorf("%d", code)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// FuzzQuestion: whatever is asked, it is a question within its bounds, or the
// asker's mistake.
func FuzzQuestion(f *testing.F) {
	f.Add("since=7d&until=2026-03-02T08:00:00Z&limit=5")
	f.Add("")
	f.Add("since=99999d&limit=%31")
	f.Add("since=9999999h&&=;until=0000-01-01")
	f.Fuzz(func(t *testing.T, query string) {
		for _, r := range routes() {
			q, err := r.question(&http.Request{URL: &url.URL{RawQuery: query}}, anHourLater())
			if err != nil {
				var p *Problem
				if !errors.As(err, &p) || p.Status != http.StatusBadRequest {
					t.Errorf("%v", err)
				}
				continue
			}
			if r.takes("limit") && (q.limit < 1 || q.limit > maxLimit) || r.takes("since") && (q.span.Since < event.MinTime || q.span.Since > event.MaxTime) || q.span.Until > event.MaxTime {
				t.Errorf("%+v", q)
			}
		}
	})
}

func get(api *API, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "127.0.0.1:9465"
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

// documentOfAPI is the document as it is served, with schemas that let nothing
// through that they do not have.
func documentOfAPI(t *testing.T, api *API) object {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(get(api, documentPath).Body)
	if err != nil {
		t.Fatal(err)
	}
	closed(v)
	return v.(object)
}

func closed(v any) {
	switch v := v.(type) {
	case object:
		if _, ok := v["properties"].(object); ok {
			v["additionalProperties"] = false
		}
		for _, inner := range v {
			closed(inner)
		}
	case []any:
		for _, inner := range v {
			closed(inner)
		}
	}
}

// asDocumented validates a response by the schema that the document has for it.
func asDocumented(t *testing.T, document object, path, asked string, w *httptest.ResponseRecorder) {
	t.Helper()
	mediaType := w.Header().Get("Content-Type")
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("mem:openapi", document); err != nil {
		t.Fatal(err)
	}
	pointer := ""
	for _, key := range []string{"paths", path, "get", "responses", strconv.Itoa(w.Code), "content", mediaType, "schema"} {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	schema, err := compiler.Compile("mem:openapi#" + pointer)
	if err != nil {
		t.Errorf("%s: %d as %s is not in the document: %v", asked, w.Code, mediaType, err)
		return
	}
	body := any(w.Body.String())
	if mediaType != "text/plain" {
		if body, err = jsonschema.UnmarshalJSON(bytes.NewReader(w.Body.Bytes())); err != nil {
			t.Errorf("%s: %s: %v", asked, w.Body, err)
		}
	}
	if err := schema.Validate(body); err != nil {
		t.Errorf("%s: %s\nis not as documented: %v", asked, w.Body, err)
	}
}

// TestSchemasFollowTheTypes: what encoding/json may leave out is not required,
// and what may be null may be null.
func TestSchemasFollowTheTypes(t *testing.T) {
	type inner struct {
		A string `json:"a"`
	}
	type outer struct {
		inner
		B *bool             `json:"b,omitempty"`
		C []float64         `json:"c"`
		D map[string]uint32 `json:"d,omitempty"`
		E event.Time        `json:"e,omitzero"`
		F *inner            `json:"f"`
	}
	s := schemas{byName: object{}, types: map[string]reflect.Type{}}
	s.of(reflect.TypeFor[outer]())
	got, err := json.Marshal(s.byName["outer"])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"properties":{"a":{"type":"string"},"b":{"type":"boolean"},"c":{"anyOf":[{"items":{"type":"number"},"type":"array"},{"type":"null"}]},` +
		`"d":{"additionalProperties":{"minimum":0,"type":"integer"},"type":"object"},"e":{"format":"date-time","type":"string"},` +
		`"f":{"anyOf":[{"$ref":"#/components/schemas/inner"},{"type":"null"}]}},"required":["a","c","f"],"type":"object"}`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// filled is the API of a history with a user: a quiet event, and one that led to
// a score.
func filled(t *testing.T) *API {
	t.Helper()
	chdbtest.Need(t)
	dir := t.TempDir()
	fill(t, dir)
	api, err := New(t.Context(), func(ctx context.Context) (*history.Store, error) { return history.Open(ctx, inDir(dir)) }, anHourLater, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	return api
}

func inDir(dir string) config.History { return config.History{DSN: config.Embedded + dir} }

// fill puts records into Kafka and copies them into a history.
func fill(t *testing.T, dir string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	opts := []kgo.Opt{kgo.SeedBrokers(cluster.ListenAddrs()...)}
	client, err := kgo.NewClient(slices.Concat(opts, []kgo.Opt{kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil))})...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	kafka := publish.DefaultKafkaConfig()
	names := kafka.Topics()
	forever := map[string]*string{"retention.ms": new("-1")}
	if _, err := kadm.NewClient(client).CreateTopics(t.Context(), 1, 1, forever, names.Events, names.Detections, names.Scores, names.DeadLetter); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), records(names)...).FirstErr(); err != nil {
		t.Fatal(err)
	}
	store, err := history.OpenToFill(t.Context(), inDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- history.NewSink(store, kafka, "test", history.NewMetrics(prometheus.NewRegistry()), slog.New(slog.DiscardHandler)).Run(ctx, opts)
	}()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		audits, err := store.AuditAll(t.Context(), kafka, opts, time.Now(), func(done, total int64) {})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(audits, func(a history.Audit) bool { return a.Waiting > 0 }) {
			break
		}
	}
	cancel()
	if err := errors.Join(<-ended, store.Close()); err != nil {
		t.Fatal(err)
	}
}

func records(names publish.Topics) (all []*kgo.Record) {
	add := func(topic, key string, value []byte) {
		all = append(all, &kgo.Record{Topic: topic, Key: []byte(key), Value: value, Timestamp: (began + 2*event.Minute).Std()})
	}
	e := event.Event{Time: began + event.Minute, ID: "e-1", Kind: event.KindEvent, Action: event.SignIn, Outcome: event.Success, Provider: "okta"}
	e.Tenant, e.User = "default", event.User{ID: "00uanna", Email: "anna.weber@corp.example", Subject: "anna.weber@corp.example", Kind: event.Human}
	e.Source = event.Source{IP: netip.MustParseAddr("198.51.100.7"), Geo: event.Geo{Country: "DE", City: "Berlin", Located: true, Lat: 52.5, Lon: 13.4, AccuracyKM: 20}, AS: event.AS{Number: 64500, Organization: "Example Net"}, Corporate: event.True, Anonymizer: "vpn"}
	e.UserAgent = event.UserAgent{Original: "Mozilla/5.0", Name: "Safari", OS: "Mac OS"}
	e.Device, e.Session.ID = event.Device{ID: "d-1", Managed: event.True, Compliant: event.False}, "s-1"
	e.App = event.App{ID: "0oa1", Name: "Payroll", Sanctioned: event.True}
	key := event.Key(e.Tenant, e.User.Subject)
	d := event.Detection{
		Name: "new_device", Group: event.GroupDevice, Strength: 1, LLR: 1.5, HalfLife: 3600, Points: 12.5, Summary: "a device never seen before",
		Evidence: []event.Fact{event.Text("device", "mac os / safari")}, Rule: &event.RuleInfo{ID: "r1", Title: "T", Severity: "high", Tags: []string{"a"}},
	}
	s := event.Score{
		Entity: "user:" + key, Tenant: e.Tenant, Subject: e.User.Subject, Score: 42.5, Level: event.Medium, Decision: event.StepUp, AsOf: e.Time, ReauthAfter: e.Time, Version: 1, Prior: 0.2,
		Lapses:  []event.Lapse{{At: e.Time + event.Hour, Level: event.Low, Decision: event.Allow}},
		Reasons: []event.Contribution{{Detection: d.Name, Group: d.Group, LLR: d.LLR, HalfLife: d.HalfLife, Points: 42.3, Summary: d.Summary, At: e.Time, EventID: "e-2", ClearsAt: e.Time + event.Day, Unconfirmed: true, CoveredBy: "new_country"}},
	}
	add(names.Scores, s.Entity, publish.AppendScore(nil, &s))
	add(names.Events, key, e.AppendJSON(nil))
	e.Time, e.ID, e.Source.IP = e.Time+event.Minute, "e-2", netip.MustParseAddr("203.0.113.9")
	add(names.Events, key, e.AppendJSON(nil))
	add(names.Detections, key, publish.AppendDetection(nil, &e, &d, "c0ffee"))
	s.AsOf, s.Version, s.Event = e.Time, 2, event.Cause{ID: e.ID, Time: e.Time, Action: e.Action}
	add(names.Scores, s.Entity, publish.AppendScore(nil, &s))
	return all
}
