-- What dashboards and comparisons ask again and again, kept up to date by each
-- insert. A batch that is inserted twice counts once here too.

-- +goose Up

-- +goose StatementBegin
CREATE TABLE {{table "network_days"}} (
	tenant       LowCardinality(String),
	subject      String CODEC(ZSTD(1)),
	day          Date32 CODEC(Delta, ZSTD(1)),
	network      IPv6 CODEC(ZSTD(1)), -- an IPv4 address, or the /64 of an IPv6 address
	source_as    UInt32 CODEC(ZSTD(1)),
	country      LowCardinality(String),
	successes    SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
	failures     SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
	first_seen   SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
	last_seen    SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
	INDEX network_in network TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = {{engine "network_days" "AggregatingMergeTree"}}
PARTITION BY toYear(day)
ORDER BY (tenant, subject, day, network, source_as, country)
{{settings}};
-- +goose StatementEnd
{{distributed "network_days"}}

-- +goose StatementBegin
CREATE MATERIALIZED VIEW {{table "network_days_of_events"}} TO {{local "network_days"}} AS
SELECT
	tenant, subject, toDate32(time) AS day,
	if(startsWith(hex(source_ip), '00000000000000000000FFFF'), source_ip, toIPv6(cutIPv6(source_ip, 8, 0))) AS network,
	source_as, source_country AS country,
	countIf(outcome = 'success') AS successes, countIf(outcome = 'failure') AS failures,
	min(time) AS first_seen, max(time) AS last_seen
FROM {{local "events"}}
WHERE kind = 'event' AND action = 'sign_in' AND subject != ''
GROUP BY tenant, subject, day, network, source_as, country;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE {{table "event_hours"}} (
	tenant     LowCardinality(String),
	hour       DateTime('UTC') CODEC(Delta, ZSTD(1)),
	provider   LowCardinality(String),
	action     LowCardinality(String),
	outcome    LowCardinality(String),
	events     SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
	subjects   AggregateFunction(uniqCombined64(12), String) CODEC(ZSTD(1))
) ENGINE = {{engine "event_hours" "AggregatingMergeTree"}}
PARTITION BY toYear(hour)
ORDER BY (tenant, hour, provider, action, outcome)
{{settings}};
-- +goose StatementEnd
{{distributed "event_hours"}}

-- +goose StatementBegin
CREATE MATERIALIZED VIEW {{table "event_hours_of_events"}} TO {{local "event_hours"}} AS
SELECT
	tenant, toStartOfHour(time) AS hour, provider, action, outcome,
	count() AS events, uniqCombined64State(12)(subject) AS subjects
FROM {{local "events"}}
WHERE kind = 'event'
GROUP BY tenant, hour, provider, action, outcome;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TABLE {{table "detection_days"}} (
	tenant      LowCardinality(String),
	day         Date32 CODEC(Delta, ZSTD(1)),
	name        LowCardinality(String),
	detections  SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
	subjects    AggregateFunction(uniqCombined64(12), String) CODEC(ZSTD(1))
) ENGINE = {{engine "detection_days" "AggregatingMergeTree"}}
PARTITION BY toYear(day)
ORDER BY (tenant, day, name)
{{settings}};
-- +goose StatementEnd
{{distributed "detection_days"}}

-- +goose StatementBegin
CREATE MATERIALIZED VIEW {{table "detection_days_of_detections"}} TO {{local "detection_days"}} AS
SELECT tenant, toDate32(time) AS day, name, count() AS detections, uniqCombined64State(12)(subject) AS subjects
FROM {{local "detections"}}
GROUP BY tenant, day, name;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
