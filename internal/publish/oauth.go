package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// Bounds of a request for a token: a hanging or hostile token endpoint must
// neither hold up a reconnect nor fill memory.
const (
	tokenTimeout  = 10 * time.Second
	maxTokenBytes = 64 << 10
)

func (c SASLConfig) oauth() sasl.Mechanism {
	if c.Token != "" {
		return oauth.Auth{Token: c.Token.Reveal()}.AsMechanism()
	}
	source := &tokenSource{config: c, now: time.Now, client: &http.Client{
		Timeout: tokenTimeout,
		// A redirect would carry the client secret to another place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := source.token(ctx)
		return oauth.Auth{Token: token}, err
	})
}

// tokenSource fetches tokens with OAuth 2.0 client credentials (RFC 6749,
// section 4.4) and keeps one until four fifths of its life have passed, so that
// many connections that open at once ask only once.
type tokenSource struct {
	config SASLConfig
	client *http.Client
	now    func() time.Time

	mu      sync.Mutex
	current string
	renewAt time.Time
}

func (s *tokenSource) token(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != "" && s.now().Before(s.renewAt) {
		return s.current, nil
	}
	token, life, err := s.fetch(ctx)
	if err != nil {
		return "", fmt.Errorf("kafka.sasl.token_url: %w", err)
	}
	s.current, s.renewAt = token, s.now().Add(life*4/5)
	return token, nil
}

// fetch asks the endpoint once. Its errors name the status and the protocol's
// error code, never the body: that may repeat what was sent.
func (s *tokenSource) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if s.config.Scope != "" {
		form.Set("scope", s.config.Scope)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errors.New("is not an address")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Accept", "application/json")
	// RFC 6749, section 2.3.1: both are form-encoded before Basic encodes them.
	request.SetBasicAuth(url.QueryEscape(s.config.ClientID), url.QueryEscape(s.config.ClientSecret.Reveal()))

	response, err := s.client.Do(request)
	if err != nil {
		return "", 0, fmt.Errorf("asking for a token: %w", err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string  `json:"access_token"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
		Error       string  `json:"error"`
	}
	decodeErr := json.NewDecoder(io.LimitReader(response.Body, maxTokenBytes)).Decode(&answer)
	switch {
	case response.StatusCode != http.StatusOK:
		return "", 0, fmt.Errorf("answered %d %s; check kafka.sasl.client_id, client_secret and scope", response.StatusCode, errorCode(answer.Error))
	case decodeErr != nil || answer.AccessToken == "":
		return "", 0, errors.New("answered without access_token")
	}
	return answer.AccessToken, tokenLife(answer.ExpiresIn), nil
}

// tokenLife is how long a token is taken to be good: as told, but no longer
// than an hour, and a minute where nothing is told.
func tokenLife(seconds float64) time.Duration {
	if seconds <= 0 {
		return time.Minute
	}
	return time.Duration(min(seconds, 3600) * float64(time.Second))
}

// errorCode lets only what can be an error code of the protocol through.
func errorCode(s string) string {
	if s == "" || len(s) > 40 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "without an error code"
	}
	return s
}
