package history

import (
	"fmt"
	"net/netip"

	"github.com/riskstream/riskstream/event"
)

// eventRow is a row of the table events. Each field of an event has a column of
// its own, so that the event can be made again from the row.
type eventRow struct {
	position
	event.Event
}

func eventColumns() []column[eventRow] {
	type r = eventRow
	return append([]column[r]{
		col("tenant", func(r *r) string { return r.Tenant }),
		col("subject", func(r *r) string { return r.User.Subject }),
		col("time", func(r *r) int64 { return int64(r.Time) }),
		col("id", func(r *r) string { return r.ID }),
		col("kind", func(r *r) string { return string(r.Kind) }),
		col("action", func(r *r) string { return string(r.Action) }),
		col("outcome", func(r *r) string { return string(r.Outcome) }),
		col("reason", func(r *r) string { return string(r.Reason) }),
		col("code", func(r *r) string { return r.Code }),
		col("provider", func(r *r) string { return r.Provider }),
		col("user_id", func(r *r) string { return r.User.ID }),
		col("user_name", func(r *r) string { return r.User.Name }),
		col("user_email", func(r *r) string { return r.User.Email }),
		col("user_full_name", func(r *r) string { return r.User.FullName }),
		col("user_kind", func(r *r) string { return string(r.User.Kind) }),
		col("user_privileged", func(r *r) *bool { return flag(r.User.Privileged) }),
		col("user_leaked_list", func(r *r) string { return r.User.Leaked.List }),
		col("user_leaked_at", func(r *r) *int64 { return moment(r.User.Leaked.At) }),
		col("source_ip", func(r *r) netip.Addr { return address(r.Source.IP) }),
		col("source_corporate", func(r *r) *bool { return flag(r.Source.Corporate) }),
		col("source_anonymizer", func(r *r) string { return r.Source.Anonymizer }),
		col("source_threat_list", func(r *r) string { return r.Source.ThreatList }),
		col("source_country", func(r *r) string { return r.Source.Geo.Country }),
		col("source_city", func(r *r) string { return r.Source.Geo.City }),
		col("source_place", func(r *r) string { return r.Source.Geo.Name }),
		col("source_latitude", func(r *r) *float64 { return number(r.Source.Geo.Lat, r.Source.Geo.Located) }),
		col("source_longitude", func(r *r) *float64 { return number(r.Source.Geo.Lon, r.Source.Geo.Located) }),
		col("source_accuracy_km", func(r *r) float64 { return r.Source.Geo.AccuracyKM }),
		col("source_as", func(r *r) uint32 { return r.Source.AS.Number }),
		col("source_as_name", func(r *r) string { return r.Source.AS.Organization }),
		col("source_as_type", func(r *r) string { return r.Source.AS.Type }),
		col("user_agent_id", func(r *r) string { return r.UserAgent.ID }),
		col("user_agent", func(r *r) string { return r.UserAgent.Original }),
		col("user_agent_name", func(r *r) string { return r.UserAgent.Name }),
		col("user_agent_version", func(r *r) string { return r.UserAgent.Version }),
		col("user_agent_os", func(r *r) string { return r.UserAgent.OS }),
		col("device_id", func(r *r) string { return r.Device.ID }),
		col("device_managed", func(r *r) *bool { return flag(r.Device.Managed) }),
		col("device_compliant", func(r *r) *bool { return flag(r.Device.Compliant) }),
		col("session_id", func(r *r) string { return r.Session.ID }),
		col("app_id", func(r *r) string { return r.App.ID }),
		col("app_name", func(r *r) string { return r.App.Name }),
		col("app_sanctioned", func(r *r) *bool { return flag(r.App.Sanctioned) }),
		col("resource_id", func(r *r) string { return r.Resource.ID }),
		col("resource_name", func(r *r) string { return r.Resource.Name }),
		col("resource_classification", func(r *r) string { return r.Resource.Classification }),
		col("resource_access_window", func(r *r) string { return string(r.Resource.AccessWindow) }),
		col("auth_method", func(r *r) string { return r.Auth.Method }),
		col("auth_factor", func(r *r) string { return string(r.Auth.Factor) }),
		col("auth_protocol", func(r *r) string { return r.Auth.Protocol }),
		col("idp_risk_level", func(r *r) string { return r.IDPRisk.Level }),
		col("idp_risk_reasons", func(r *r) string { return r.IDPRisk.Reasons }),
		col("signal_users", func(r *r) uint32 { return r.Signal.Users }),
		col("signal_attempts", func(r *r) uint32 { return r.Signal.Attempts }),
		col("signal_tries", func(r *r) uint32 { return r.Signal.Tries }),
		col("signal_networks", func(r *r) uint32 { return r.Signal.Networks }),
		col("signal_since", func(r *r) *int64 { return moment(r.Signal.Since) }),
		col("signal_signed_in", func(r *r) *int64 { return moment(r.Signal.SignedIn) }),
		col("original", func(r *r) string { return r.Original }),
		col("origin_topic", func(r *r) string { return r.Origin.Topic }),
		col("origin_topic_id", func(r *r) string { return r.Origin.TopicID }),
		col("origin_partition", func(r *r) int32 { return r.Origin.Partition }),
		col("origin_offset", func(r *r) int64 { return r.Origin.Offset }),
		col("origin_index", func(r *r) int32 { return r.Origin.Index }),
	}, positionColumns(func(r *r) *position { return &r.position })...)
}

// eventReader reads records of risk.events.
type eventReader struct{ decoder event.Decoder }

func (d *eventReader) read(_, value []byte, row *eventRow) error {
	if err := d.decoder.DecodeInto(value, &row.Event); err != nil {
		return fmt.Errorf("not an event: %w", err)
	}
	return nil
}
