// Command enforce-http shows a service that asks riskstream before it answers:
// a middleware of net/http around a handler that says hello.
//
//	go run ./examples/enforce-http -brokers localhost:9092
//	curl -i -H 'Remote-User: alice@example.com' localhost:8080/
//
// The user comes from headers that an authenticating proxy in front sets, and
// must remove from what clients send. Where the service reads a token itself,
// identify would take sub or email, sid, iat and auth_time of that token.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/riskstream/riskstream/enforce"
	"github.com/riskstream/riskstream/event"
)

func main() {
	brokers := flag.String("brokers", "localhost:9092", "Kafka brokers, host:port, separated by commas")
	topic := flag.String("topic", enforce.DefaultTopic, "topic of the scores")
	listen := flag.String("listen", "localhost:8080", "address to serve on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, strings.Split(*brokers, ","), *topic, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "enforce-http:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, brokers []string, topic, listen string) error {
	table, err := enforce.Watch(ctx, enforce.Config{Brokers: brokers, Topic: topic})
	if err != nil {
		return err
	}
	defer table.Close()

	mux := http.NewServeMux()
	// A load balancer sends no requests before the table is there.
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-table.Ready():
			fmt.Fprintf(w, "%d records, %v old\n", table.Len(), table.Age().Round(time.Second))
		default:
			http.Error(w, "reading the scores", http.StatusServiceUnavailable)
		}
	})
	mux.Handle("/", guard(table.Decide, http.HandlerFunc(hello)))

	server := &http.Server{Addr: listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func hello(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "hello %s\n", r.Header.Get("Remote-User"))
}

// guard lets requests through to next as decide says.
func guard(decide func(enforce.Request) enforce.Verdict, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := identify(r)
		if request.User == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		verdict := decide(request)
		if verdict.Decision != event.Allow || verdict.Stale {
			slog.Warn("risk", "user", request.User, "decision", verdict.Decision.String(), "reason", verdict.Reason,
				"last_known", verdict.LastKnown.String(), "score", verdict.Score, "age", verdict.Age)
		}
		switch verdict.Decision {
		case event.Allow:
			next.ServeHTTP(w, r)
		case event.StepUp:
			// RFC 9470; phr is OpenID's name for phishing-resistant.
			w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", error_description="a stronger authentication is needed", acr_values="phr"`)
			http.Error(w, "please confirm that it is you", http.StatusUnauthorized)
		case event.Revoke:
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token", error_description="the session was ended"`)
			w.Header().Set("Clear-Site-Data", `"cookies"`)
			http.Error(w, "this session was ended; please sign in again", http.StatusUnauthorized)
		}
	})
}

// identify reads who asks. A time that is missing or unreadable stays zero,
// which is the strict side.
func identify(r *http.Request) enforce.Request {
	return enforce.Request{
		User:         r.Header.Get("Remote-User"),
		Session:      r.Header.Get("Remote-Session"),
		SessionStart: moment(r.Header.Get("Remote-Session-Start")),
		StrongAuthAt: moment(r.Header.Get("Remote-Strong-Auth-At")),
	}
}

func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return t
}
