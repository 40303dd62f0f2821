package health_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/riskstream/riskstream/internal/health"
)

func TestReadinessFollowsTheEngineAndLivenessDoesNot(t *testing.T) {
	var state error = errors.New("rebuilding risk.events/3")
	handler := health.Handler(prometheus.NewRegistry(), "v1", func() error { return state })
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	if code, body := get("/readyz"); code != 503 || !strings.Contains(body, "risk.events/3") {
		t.Errorf("while rebuilding: %d %q", code, body)
	}
	if code, _ := get("/livez"); code != 200 {
		t.Errorf("alive while rebuilding: %d", code)
	}
	state = nil
	if code, _ := get("/readyz"); code != 200 {
		t.Errorf("rebuilt: %d", code)
	}
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, `riskstream_build_info{go="go1`) {
		t.Errorf("metrics: %d %.200s", code, body)
	}
}
