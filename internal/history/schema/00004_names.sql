-- Users by every name that they ever had. Looking a name up in an index of the
-- events would read that index whole. Nothing asks for a device in all events.

-- +goose Up

-- +goose StatementBegin
CREATE TABLE {{table "names"}} (
	name       String CODEC(ZSTD(1)), -- in lower case: id at the provider, user name, e-mail address; not the subject itself
	tenant     LowCardinality(String),
	subject    String CODEC(ZSTD(1)),
	last_seen  SimpleAggregateFunction(max, Date32) CODEC(ZSTD(1))
) ENGINE = {{engine "names" "AggregatingMergeTree"}}
ORDER BY (name, tenant, subject)
{{settings}};
-- +goose StatementEnd
{{distributed "names"}}

-- +goose StatementBegin
CREATE MATERIALIZED VIEW {{table "names_of_events"}} TO {{local "names"}} AS
SELECT name, tenant, subject, max(toDate32(time)) AS last_seen
FROM {{local "events"}}
ARRAY JOIN arrayFilter(n -> n NOT IN ('', subject), arrayDistinct([lower(user_id), lower(user_name), lower(user_email)])) AS name
WHERE subject != ''
GROUP BY name, tenant, subject;
-- +goose StatementEnd

-- +goose StatementBegin
ALTER TABLE {{table "events"}} DROP INDEX IF EXISTS user_id_in, DROP INDEX IF EXISTS user_name_in, DROP INDEX IF EXISTS user_email_in, DROP INDEX IF EXISTS device_in;
-- +goose StatementEnd

-- A batch makes few files: each costs the file system more than writing what is
-- in it. Merged parts are large enough for a file of each column.
{{range $table := tables}}
-- +goose StatementBegin
ALTER TABLE {{table $table}} MODIFY SETTING min_bytes_for_wide_part = 536870912;
-- +goose StatementEnd
{{end}}
-- +goose Down
SELECT 1;
