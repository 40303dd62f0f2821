package historyapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/riskstream/riskstream/internal/history"
)

// Problem is how an error is answered: RFC 9457.
type Problem struct {
	Type      string `json:"type"` // about:blank: the title says what the status means
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`              // what happened, and what to do
	Parameter string `json:"parameter,omitempty"` // that is wrong
}

func (p *Problem) Error() string { return p.Detail }

func problemOf(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func wrongParameter(name, detail string) *Problem {
	p := problemOf(http.StatusBadRequest, name+" "+detail)
	p.Parameter = name
	return p
}

// problemFor is what is told of an error. What only an operator should know
// stays in the log.
func problemFor(err error, limit time.Duration) *Problem {
	var known *Problem
	var unknown *history.UnknownError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &unknown):
		return problemOf(http.StatusNotFound, unknown.Error())
	case errors.Is(err, context.DeadlineExceeded):
		return problemOf(http.StatusGatewayTimeout, fmt.Sprintf("the history did not answer within %v: ask for less, or of a shorter time", limit))
	case history.IsGone(err), errors.As(err, new(*openError)):
		return problemOf(http.StatusServiceUnavailable, "the history's engine does not answer: ask again")
	}
	return problemOf(http.StatusInternalServerError, "the history could not answer; the log of riskstream history serve says why")
}

// fail sends a problem.
func fail(w http.ResponseWriter, p *Problem) {
	var body bytes.Buffer
	if err := writeJSON(&body, p); err != nil {
		panic(err) // texts and a number are always JSON
	}
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	send(w, p.Status, "application/problem+json", body.Bytes())
}
