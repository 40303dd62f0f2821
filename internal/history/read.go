package history

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/riskstream/riskstream/event"
)

// fileTopic begins what stands for a topic in the rows of a loaded file; its
// SHA-256 follows.
const fileTopic = "sha256:"

// inOrder sorts rows of one user as their records came: loaded files in the
// order of loading, then what stood in Kafka.
const inOrder = "if(startsWith(topic, '" + fileTopic + "'), recorded, toDateTime64('2299-12-31', 3, 'UTC')), topic, partition, offset"

// Selection says which events are to be read.
type Selection struct {
	Span
	Subject *Subject // nil is everybody
}

// where is the condition that an event is selected.
func (w Selection) where() (condition string, args []any) {
	when, args := w.Span.where("time")
	if w.Subject == nil {
		return "true" + when, args
	}
	whose, names := w.Subject.where()
	return whose + when, append(names, args...)
}

// Read hands on the selected events, signals among them: user after user, and
// of each in the order in which they were scored: loaded files in the order of
// loading, then risk.events. That order is the one of the table's key, so a
// history of any size is read in bounded memory. Event.Original is left out.
//
// The event is valid during the call only; its strings stay valid. An error of
// each ends the reading and is returned.
func (s *Store) Read(ctx context.Context, what Selection, each func(*event.Event) error) error {
	var row eventScan
	var columns []string
	var into []any
	for _, field := range row.fields() {
		columns, into = append(columns, field.sql), append(into, field.into)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	selected, args := what.where()
	rows, err := s.conn.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM events WHERE "+selected+" ORDER BY tenant, subject, "+inOrder, args...)
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	for rows.Next() {
		if err = rows.Scan(into...); err != nil {
			break
		}
		if err = each(row.event()); err != nil {
			cancel() // else closing reads all that is left
			return errors.Join(err, ignoreCancel(rows.Close()))
		}
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

// ignoreCancel drops the error of a query that was cancelled on purpose.
func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Count is how many events are selected.
func (s *Store) Count(ctx context.Context, what Selection) (n int64, err error) {
	selected, args := what.where()
	if err := s.conn.QueryRow(ctx, "SELECT toInt64(count()) FROM events WHERE "+selected, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting events: %w", err)
	}
	return n, nil
}

// eventScan takes a row of the table events apart; see eventColumns, its
// counterpart.
type eventScan struct {
	e                                                             event.Event
	kind, action, outcome, reason, userKind, factor, accessWindow string
	time, signalSince, signalSignedIn, leakedAt                   int64
	privileged, corporate, managed, compliant, sanctioned         int8 // flags
	ip                                                            netip.Addr
}

// scanField is what is selected for a column, and where it goes.
type scanField struct {
	column string
	sql    string
	into   any
}

// fields are the columns that make an event. The engine turns what may be null
// into what an Event has for it: a pointer for each row would cost more.
func (s *eventScan) fields() []scanField {
	e := &s.e
	as := func(column string, into any) scanField { return scanField{column, column, into} }
	moment := func(column string, into *int64) scanField {
		return scanField{column, "ifNull(toUnixTimestamp64Milli(" + column + "), 0)", into}
	}
	flag := func(column string, into *int8) scanField {
		return scanField{column, "toInt8(multiIf(isNull(" + column + "), 0, " + column + ", 1, -1))", into}
	}
	number := func(column string, into *float64) scanField {
		return scanField{column, "ifNull(" + column + ", 0)", into}
	}
	return []scanField{
		as("tenant", &e.Tenant),
		as("subject", &e.User.Subject),
		moment("time", &s.time),
		as("id", &e.ID),
		as("kind", &s.kind),
		as("action", &s.action),
		as("outcome", &s.outcome),
		as("reason", &s.reason),
		as("code", &e.Code),
		as("provider", &e.Provider),
		as("user_id", &e.User.ID),
		as("user_name", &e.User.Name),
		as("user_email", &e.User.Email),
		as("user_full_name", &e.User.FullName),
		as("user_kind", &s.userKind),
		flag("user_privileged", &s.privileged),
		as("user_leaked_list", &e.User.Leaked.List),
		moment("user_leaked_at", &s.leakedAt),
		as("source_ip", &s.ip),
		flag("source_corporate", &s.corporate),
		as("source_anonymizer", &e.Source.Anonymizer),
		as("source_threat_list", &e.Source.ThreatList),
		as("source_country", &e.Source.Geo.Country),
		as("source_city", &e.Source.Geo.City),
		as("source_place", &e.Source.Geo.Name),
		number("source_latitude", &e.Source.Geo.Lat),
		number("source_longitude", &e.Source.Geo.Lon),
		{"", "isNotNull(source_latitude)", &e.Source.Geo.Located},
		as("source_accuracy_km", &e.Source.Geo.AccuracyKM),
		as("source_as", &e.Source.AS.Number),
		as("source_as_name", &e.Source.AS.Organization),
		as("source_as_type", &e.Source.AS.Type),
		as("user_agent_id", &e.UserAgent.ID),
		as("user_agent", &e.UserAgent.Original),
		as("user_agent_name", &e.UserAgent.Name),
		as("user_agent_version", &e.UserAgent.Version),
		as("user_agent_os", &e.UserAgent.OS),
		as("device_id", &e.Device.ID),
		flag("device_managed", &s.managed),
		flag("device_compliant", &s.compliant),
		as("session_id", &e.Session.ID),
		as("app_id", &e.App.ID),
		as("app_name", &e.App.Name),
		flag("app_sanctioned", &s.sanctioned),
		as("resource_id", &e.Resource.ID),
		as("resource_name", &e.Resource.Name),
		as("resource_classification", &e.Resource.Classification),
		as("resource_access_window", &s.accessWindow),
		as("auth_method", &e.Auth.Method),
		as("auth_factor", &s.factor),
		as("auth_protocol", &e.Auth.Protocol),
		as("idp_risk_level", &e.IDPRisk.Level),
		as("idp_risk_reasons", &e.IDPRisk.Reasons),
		as("signal_users", &e.Signal.Users),
		as("signal_attempts", &e.Signal.Attempts),
		as("signal_tries", &e.Signal.Tries),
		as("signal_networks", &e.Signal.Networks),
		moment("signal_since", &s.signalSince),
		moment("signal_signed_in", &s.signalSignedIn),
		as("origin_topic", &e.Origin.Topic),
		as("origin_topic_id", &e.Origin.TopicID),
		as("origin_partition", &e.Origin.Partition),
		as("origin_offset", &e.Origin.Offset),
		as("origin_index", &e.Origin.Index),
	}
}

// event is the event of the row that was scanned last.
func (s *eventScan) event() *event.Event {
	e := &s.e
	e.Time, e.Signal.Since, e.Signal.SignedIn = event.Time(s.time), event.Time(s.signalSince), event.Time(s.signalSignedIn)
	e.User.Leaked.At = event.Time(s.leakedAt)
	e.Kind, e.Action, e.Outcome, e.Reason = event.Kind(s.kind), event.Action(s.action), event.Outcome(s.outcome), event.Reason(s.reason)
	e.User.Kind, e.Auth.Factor = event.UserKind(s.userKind), event.Factor(s.factor)
	e.Resource.AccessWindow = event.AccessWindow(s.accessWindow)
	e.User.Privileged, e.Source.Corporate, e.App.Sanctioned = event.Flag(s.privileged), event.Flag(s.corporate), event.Flag(s.sanctioned)
	e.Device.Managed, e.Device.Compliant = event.Flag(s.managed), event.Flag(s.compliant)
	e.Source.IP = netip.Addr{}
	if ip := s.ip.Unmap(); !ip.IsUnspecified() {
		e.Source.IP = ip
	}
	return e
}
