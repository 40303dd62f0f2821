package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/riskstream/riskstream/enforce"
	"github.com/riskstream/riskstream/event"
)

func TestGuard(t *testing.T) {
	tests := []struct {
		name          string
		decision      event.Decision
		status        int
		authenticate  string
		clearsCookies bool
	}{
		{"allow", event.Allow, http.StatusOK, "", false},
		{"step-up", event.StepUp, http.StatusUnauthorized, "insufficient_user_authentication", false},
		{"revoke", event.Revoke, http.StatusUnauthorized, "invalid_token", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			handler := guard(func(enforce.Request) enforce.Verdict { return enforce.Verdict{Decision: tt.decision} }, http.HandlerFunc(hello))
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Remote-User", "alice@example.com")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if got := w.Header().Get("WWW-Authenticate"); !strings.Contains(got, tt.authenticate) || (tt.authenticate == "") != (got == "") {
				t.Errorf("WWW-Authenticate %q, want %q in it", got, tt.authenticate)
			}
			if got := w.Header().Get("Clear-Site-Data") != ""; got != tt.clearsCookies {
				t.Errorf("clears cookies %t, want %t", got, tt.clearsCookies)
			}
			if reached := strings.Contains(w.Body.String(), "hello alice"); reached != (tt.decision == event.Allow) {
				t.Errorf("the handler was reached: %t", reached)
			}
		})
	}
}

func TestNobodyIsNotAsked(t *testing.T) {
	handler := guard(func(enforce.Request) enforce.Verdict {
		t.Error("decided about nobody")
		return enforce.Verdict{}
	}, http.HandlerFunc(hello))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", w.Code)
	}
}

func TestIdentify(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Remote-User", "alice@example.com")
	r.Header.Set("Remote-Session", "s-1")
	r.Header.Set("Remote-Session-Start", "2026-03-02T09:00:00Z")
	r.Header.Set("Remote-Strong-Auth-At", "yesterday")
	want := enforce.Request{User: "alice@example.com", Session: "s-1", SessionStart: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, identify(r)); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}
