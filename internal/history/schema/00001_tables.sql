-- What is kept, and for how long: see docs/history.md. The words in braces are
-- filled in by schema.go, for one server or for a cluster.
--
-- Rows are partitioned by the month in which riskstream got them ("recorded"),
-- never by the time that an event claims: a batch is then one part, which is
-- there as a whole or not at all, and no hostile clock can open a thousand
-- partitions. An event is at most 5 min younger than it was recorded.

-- +goose Up

-- +goose StatementBegin
CREATE TABLE {{table "events"}} (
	tenant                LowCardinality(String),
	subject               String CODEC(ZSTD(1)),
	time                  DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	id                    String CODEC(ZSTD(1)),
	kind                  String CODEC(ZSTD(1)),
	action                LowCardinality(String),
	outcome               LowCardinality(String),
	reason                String CODEC(ZSTD(1)),
	code                  String CODEC(ZSTD(1)),
	provider              LowCardinality(String),
	user_id               String CODEC(ZSTD(1)),
	user_name             String CODEC(ZSTD(1)),
	user_email            String CODEC(ZSTD(1)),
	user_full_name        String CODEC(ZSTD(1)),
	user_kind             String CODEC(ZSTD(1)),
	user_privileged       Nullable(Bool) CODEC(ZSTD(1)),
	source_ip             IPv6 CODEC(ZSTD(1)), -- IPv4 as ::ffff:a.b.c.d; :: is none
	source_corporate      Nullable(Bool) CODEC(ZSTD(1)),
	source_anonymizer     String CODEC(ZSTD(1)),
	source_country        LowCardinality(String),
	source_city           String CODEC(ZSTD(1)),
	source_place          String CODEC(ZSTD(1)),
	source_latitude       Nullable(Float64) CODEC(ZSTD(1)), -- null: not located
	source_longitude      Nullable(Float64) CODEC(ZSTD(1)),
	source_accuracy_km    Float64 CODEC(ZSTD(1)),
	source_as             UInt32 CODEC(ZSTD(1)),
	source_as_name        String CODEC(ZSTD(1)),
	source_as_type        String CODEC(ZSTD(1)),
	user_agent            String CODEC(ZSTD(1)),
	user_agent_name       String CODEC(ZSTD(1)),
	user_agent_version    String CODEC(ZSTD(1)),
	user_agent_os         String CODEC(ZSTD(1)),
	device_id             String CODEC(ZSTD(1)),
	device_managed        Nullable(Bool) CODEC(ZSTD(1)),
	device_compliant      Nullable(Bool) CODEC(ZSTD(1)),
	session_id            String CODEC(ZSTD(1)),
	app_id                String CODEC(ZSTD(1)),
	app_name              String CODEC(ZSTD(1)),
	app_sanctioned        Nullable(Bool) CODEC(ZSTD(1)),
	resource_id           String CODEC(ZSTD(1)),
	resource_name         String CODEC(ZSTD(1)),
	resource_classification String CODEC(ZSTD(1)),
	auth_method           String CODEC(ZSTD(1)),
	auth_factor           String CODEC(ZSTD(1)),
	auth_protocol         String CODEC(ZSTD(1)),
	idp_risk_level        String CODEC(ZSTD(1)),
	idp_risk_reasons      String CODEC(ZSTD(1)),
	signal_users          UInt32 CODEC(ZSTD(1)),
	signal_attempts       UInt32 CODEC(ZSTD(1)),
	signal_tries          UInt32 CODEC(ZSTD(1)),
	signal_since          Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
	signal_signed_in      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
	original              String CODEC(ZSTD(3)), -- the raw event, where engine.keep_original is set
	origin_topic          String CODEC(ZSTD(1)), -- where the raw event stood: a topic, or a file's SHA-256
	origin_topic_id       String CODEC(ZSTD(1)),
	origin_partition      Int32 CODEC(ZSTD(1)),
	origin_offset         Int64 CODEC(Delta, ZSTD(1)),
	origin_index          Int32 CODEC(ZSTD(1)),
	recorded              DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	topic                 String CODEC(ZSTD(1)), -- where the event stands in Kafka
	partition             Int32 CODEC(ZSTD(1)),
	offset                Int64 CODEC(Delta, ZSTD(1)),
	INDEX source_ip_in source_ip TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX session_in session_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX id_in id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX user_id_in user_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX user_name_in lower(user_name) TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX user_email_in lower(user_email) TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX device_in device_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX time_in time TYPE minmax GRANULARITY 1
) ENGINE = {{engine "events" "MergeTree"}}
PARTITION BY toYYYYMM(recorded)
ORDER BY (tenant, subject, time, id)
{{settings}};
-- +goose StatementEnd
{{distributed "events"}}

-- +goose StatementBegin
CREATE TABLE {{table "detections"}} (
	tenant           LowCardinality(String),
	subject          String CODEC(ZSTD(1)),
	time             DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	event_id         String CODEC(ZSTD(1)),
	name             LowCardinality(String),
	group            LowCardinality(String),
	strength         Float64 CODEC(ZSTD(1)),
	llr              Float64 CODEC(ZSTD(1)),
	half_life_s      Int64 CODEC(ZSTD(1)),
	points           Float64 CODEC(ZSTD(1)), -- its share of the score at this event
	summary          String CODEC(ZSTD(1)),
	evidence         Map(String, String) CODEC(ZSTD(1)),
	rule_id          String CODEC(ZSTD(1)),
	rule_title       String CODEC(ZSTD(1)),
	rule_severity    LowCardinality(String),
	rule_tags        Array(String) CODEC(ZSTD(1)),
	event_action     LowCardinality(String),
	event_outcome    LowCardinality(String),
	event_provider   LowCardinality(String),
	source_ip        IPv6 CODEC(ZSTD(1)),
	session_id       String CODEC(ZSTD(1)),
	config           LowCardinality(String), -- hash of the configuration
	recorded         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	topic            String CODEC(ZSTD(1)),
	partition        Int32 CODEC(ZSTD(1)),
	offset           Int64 CODEC(Delta, ZSTD(1)),
	INDEX source_ip_in source_ip TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX session_in session_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX event_in event_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX time_in time TYPE minmax GRANULARITY 1
) ENGINE = {{engine "detections" "MergeTree"}}
PARTITION BY toYYYYMM(recorded)
ORDER BY (tenant, subject, time, name)
{{settings}};
-- +goose StatementEnd
{{distributed "detections"}}

-- +goose StatementBegin
CREATE TABLE {{table "scores"}} (
	tenant           LowCardinality(String),
	subject          String CODEC(ZSTD(1)),
	as_of            DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	version          UInt32 CODEC(Delta, ZSTD(1)),
	entity           String CODEC(ZSTD(1)),  -- user:<tenant>/<subject> or session:<tenant>/<id>
	session_id       String CODEC(ZSTD(1)),  -- of session records only
	ended            Bool,                   -- a tombstone: the entity has no risk any more
	score            Float64 CODEC(ZSTD(1)), -- 0 to 100
	level            LowCardinality(String),
	previous_level   LowCardinality(String),
	decision         LowCardinality(String), -- allow, step_up, revoke
	reauth_after     Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
	prior            Float64 CODEC(ZSTD(1)),
	weights          LowCardinality(String),
	event_id         String CODEC(ZSTD(1)),  -- of the event that caused it; empty when time did
	event_action     LowCardinality(String),
	reasons          Nested (
		detection    String,
		points       Float64,
		summary      String,
		at           DateTime64(3, 'UTC'),
		event_id     String,
		unconfirmed  Bool,
		covered_by   String
	) CODEC(ZSTD(1)),
	config           LowCardinality(String),
	record           String CODEC(ZSTD(3)), -- as it was published
	recorded         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	topic            String CODEC(ZSTD(1)),
	partition        Int32 CODEC(ZSTD(1)),
	offset           Int64 CODEC(Delta, ZSTD(1)),
	INDEX session_in session_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX event_in event_id TYPE bloom_filter(0.01) GRANULARITY 1,
	INDEX as_of_in as_of TYPE minmax GRANULARITY 1
) ENGINE = {{engine "scores" "MergeTree"}}
PARTITION BY toYYYYMM(recorded)
ORDER BY (tenant, subject, as_of, version)
{{settings}};
-- +goose StatementEnd
{{distributed "scores"}}

-- +goose StatementBegin
CREATE TABLE {{table "dead_letters"}} (
	recorded         DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
	reason           LowCardinality(String),
	error            String CODEC(ZSTD(1)),
	format           LowCardinality(String),
	origin_topic     LowCardinality(String),
	origin_topic_id  String CODEC(ZSTD(1)),
	origin_partition Int32 CODEC(ZSTD(1)),
	origin_offset    Int64 CODEC(Delta, ZSTD(1)),
	origin_index     Int32 CODEC(ZSTD(1)),
	size             Int64 CODEC(ZSTD(1)),
	sha256           String CODEC(ZSTD(1)),
	record           String CODEC(ZSTD(3)), -- as it was published, with what could be kept of the raw element
	topic            String CODEC(ZSTD(1)),
	partition        Int32 CODEC(ZSTD(1)),
	offset           Int64 CODEC(Delta, ZSTD(1))
) ENGINE = {{engine "dead_letters" "MergeTree"}}
PARTITION BY toYYYYMM(recorded)
ORDER BY (reason, recorded)
{{settings}};
-- +goose StatementEnd
{{distributed "dead_letters"}}

-- +goose Down
-- There is no way back: what is kept is not thrown away by an older version.
SELECT 1;
