package fit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// Labels say of which events the account was in an attacker's hands. Events
// that they do not name are their owners'.
type Labels struct {
	byEvent map[uint64][]label // by the hash of the event's id
}

// label is about one event, or all with its id where it says no more.
type label struct {
	user        string     // in lower case; "" is anybody
	time        event.Time // 0 is any
	compromised bool
	found       bool
}

// maxLabel bounds a line.
const maxLabel = 1 << 20

// ReadLabels reads labels as JSON lines, as riskstream simulate writes them:
// {"event_id", "time", "user", "attack", "in_hands"}, of which event_id alone
// must be there. A label with an attack, or with in_hands true, says that the
// account was in an attacker's hands. Other keys are ignored. The name is that
// of the file, for errors.
func ReadLabels(name string, in io.Reader) (*Labels, error) {
	l := &Labels{byEvent: map[uint64][]label{}}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLabel)
	for n := 1; lines.Scan(); n++ {
		if len(strings.TrimSpace(lines.Text())) == 0 {
			continue
		}
		if err := l.add(lines.Bytes()); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

func (l *Labels) add(line []byte) error {
	var given struct {
		EventID string     `json:"event_id"`
		Time    event.Time `json:"time"`
		User    string     `json:"user"`
		Attack  string     `json:"attack"`
		InHands bool       `json:"in_hands"`
	}
	if err := json.Unmarshal(line, &given); err != nil {
		return fmt.Errorf("no label: %w", err)
	}
	if given.EventID == "" {
		return errors.New("no label: event_id is missing")
	}
	id := event.Hash(given.EventID)
	l.byEvent[id] = append(l.byEvent[id], label{
		user: strings.ToLower(given.User), time: given.Time, compromised: given.Attack != "" || given.InHands,
	})
	return nil
}

// of reports whether a label says that the event's account was in an attacker's
// hands.
func (l *Labels) of(e *event.Event) (compromised bool) {
	labels := l.byEvent[event.Hash(e.ID)]
	for i := range labels {
		if labels[i].is(e) {
			labels[i].found = true
			compromised = compromised || labels[i].compromised
		}
	}
	return compromised
}

func (l *label) is(e *event.Event) bool {
	if l.time != 0 && l.time != e.Time {
		return false
	}
	return l.user == "" || l.user == e.User.Subject || l.user == strings.ToLower(e.User.Name) || l.user == strings.ToLower(e.User.Email)
}

// missing counts the labels of attackers of which no example was seen.
func (l *Labels) missing() (n int) {
	for _, labels := range l.byEvent {
		for i := range labels {
			if labels[i].compromised && !labels[i].found {
				n++
			}
		}
	}
	return n
}
