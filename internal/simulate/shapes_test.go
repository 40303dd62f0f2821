package simulate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/simulate"
)

// The logs are native ones only if the parsers of native logs read them, with
// no word about where they come from.
func TestIngestReadsEveryRecord(t *testing.T) {
	parser, err := ingest.NewParser(ingest.Source{}, ingest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	directory := string(simulate.New(simulate.Config{}).Directory())
	actions := map[string]int{}
	for _, r := range life(simulate.New(simulate.Config{}), 10*time.Minute) {
		provider := strings.TrimPrefix(r.Topic, "idp.")
		n := 0
		parser.Parse(r.Value, event.Origin{Topic: r.Topic}, func(e *event.Event) {
			n++
			actions[provider+" "+string(e.Action)+" "+string(e.Outcome)]++
			if e.Provider != provider || e.Time != r.Time || !e.Source.IP.IsValid() {
				t.Errorf("%s at %v became %s at %v from %v", provider, r.Time, e.Provider, e.Time, e.Source.IP)
			}
			if !strings.Contains(directory, "name: "+e.User.Subject+",") && !strings.Contains(directory, `"`+e.User.Subject+`"`) {
				t.Errorf("subject %q is not in the directory: %s", e.User.Subject, r.Value)
			}
		}, func(d ingest.DeadLetter) {
			t.Fatalf("dead letter %s: %s: %s", d.Reason, d.Err, r.Value)
		})
		if n != 1 {
			t.Errorf("%d events of one record: %s", n, r.Value)
		}
	}
	for _, want := range []string{
		"okta sign_in success", "okta sign_in failure", "okta mfa_verify success", "okta mfa_verify failure",
		"okta mfa_challenge success", "okta mfa_enroll success", "okta access success",
		"entra sign_in success", "entra sign_in failure", "entra token_refresh success",
		"keycloak sign_in success", "keycloak sign_in failure", "keycloak token_issue success",
		"keycloak token_refresh success", "keycloak sign_out success",
	} {
		if actions[want] == 0 {
			t.Errorf("nothing was read as %s; read: %v", want, actions)
		}
	}
}
