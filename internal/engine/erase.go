package engine

import (
	"bytes"
	"slices"
	"strings"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/scoring"
)

// erase forgets the subject of an erase signal: its state, its falls to come,
// its record and those of its sessions. It does so for a subject that it does
// not know too: one that memory was too short for can still have a record.
// What comes later of the subject begins it anew.
func (l *Lane) erase(p *Partition, e *event.Event, out Sink) {
	sub := l.recall(p, e)
	p.store.Delete(l.key)
	entities := p.falls.sessionsOf(e.Tenant, e.User.Subject)
	entities = append(entities, userEntity(e.Tenant, e.User.Subject))
	for _, id := range scoring.Sessions(sub.open) {
		entities = append(entities, sessionEntity(e.Tenant, id))
	}
	if e.Session.ID != "" {
		entities = append(entities, sessionEntity(e.Tenant, e.Session.ID))
	}
	slices.Sort(entities)
	for _, entity := range slices.Compact(entities) {
		p.falls.forget(entity)
		if out != nil {
			out.Gone(&event.Score{Entity: entity})
		}
	}
}

// erase forgets the name of a subject that is erased in all memories of the
// partition: each partition gets the signal. They are few enough to look
// through, and hashes stay.
func (l *SourceLane) erase(p *Partition, e *event.Event) {
	var keys []string
	for key, value := range p.store.All() {
		if namesSubject(key, value, e.Tenant, e.User.Subject) {
			keys = append(keys, string(key))
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		l.key = append(l.key[:0], key...)
		value, _ := p.store.Get(l.key)
		memory := namesOf(l.key, e.Tenant)
		if readSource(memory, value) != nil || !memory.ForgetName(e.User.Subject) {
			continue
		}
		l.value = memory.AppendBinary(l.value[:0])
		p.store.Put(tierOf(l.key, l.value), l.key, l.value)
	}
}

// namesSubject reports that an entry of the source lane's state is a network or
// an application of the tenant that remembers the subject's name.
func namesSubject(key, value []byte, tenant, subject string) bool {
	if subject == "" || !bytes.Contains(value, []byte(subject)) {
		return false // nearly all, without decoding them
	}
	memory := namesOf(key, tenant)
	return memory != nil && readSource(memory, value) == nil && memory.ForgetName(subject)
}

// namesOf is an empty memory of the kind that stands behind a key of the
// tenant's, of a kind that knows names; else nil.
func namesOf(key []byte, tenant string) interface {
	sourceMemory
	ForgetName(subject string) bool
} {
	switch {
	case bytes.HasPrefix(key, []byte(sourcePrefix+event.NetworkPrefix+event.Key(tenant, ""))):
		return new(detectors.SourceMemory)
	case bytes.HasPrefix(key, []byte(sourcePrefix+event.AppPrefix+event.Key(tenant, ""))):
		return new(detectors.AppMemory)
	}
	return nil
}

func userEntity(tenant, subject string) string { return "user:" + event.Key(tenant, subject) }

func sessionEntity(tenant, id string) string { return "session:" + event.Key(tenant, id) }

// sessionsOf are the entities of the subject's sessions in the timetable, in no
// order, some perhaps twice.
func (f *falls) sessionsOf(tenant, subject string) (entities []string) {
	sessions := sessionEntity(tenant, "")
	for _, item := range f.due {
		if strings.HasPrefix(item.entity, sessions) && isOf(f.record(item), tenant, subject) {
			entities = append(entities, item.entity)
		}
	}
	return entities
}

// forget takes an entity out of the timetable.
func (f *falls) forget(entity string) { f.store.Delete(f.keyOf(entity)) }

// isOf reports that an encoded score record, or none, is of the subject or of
// one of its sessions.
func isOf(record []byte, tenant, subject string) bool {
	if !bytes.Contains(record, event.AppendString([]byte(`"subject":`), subject)) {
		return false // nearly all, without decoding them
	}
	rec, err := publish.DecodeScore(record)
	return err == nil && rec.Tenant == tenant && rec.Subject == subject
}

// What of a subject a record of the changelog holds.
const (
	TraceState = "state" // what the lane remembers
	TraceFall  = "fall"  // the record, or a session's, whose level will fall
	TraceName  = "name"  // a network that the subject has come in from, or an application begun to use, remembers the name
)

// Trace says what a record of risk.state or risk.source_state, read from Kafka,
// holds of a subject: one of the above, or "" for nothing.
func Trace(key, value []byte, tenant, subject string) string {
	name := string(key)
	switch {
	case len(value) == 0:
		return ""
	case name == subjectPrefix+event.Key(tenant, subject):
		return TraceState
	case strings.HasPrefix(name, fallPrefix) && len(value) > 8 && isOf(value[8:], tenant, subject):
		return TraceFall
	case namesSubject(key, value, tenant, subject):
		return TraceName
	}
	return ""
}

// Progress reads from a record of risk.state or risk.source_state how far the
// lane has got: the offset of its next record of that partition of its input. ok
// is false for any other record.
func Progress(key, value []byte) (next int64, ok bool, err error) {
	if string(key) != progressKey {
		return 0, false, nil
	}
	p := Partition{marks: newMarks()}
	err = p.readProgress(value)
	return p.next, err == nil, err
}
