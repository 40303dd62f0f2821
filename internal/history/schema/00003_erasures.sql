-- Whose rows were erased. The audit of the history must not take them for
-- missing, and the sink must not bring them back after a restart.

-- +goose Up

-- +goose StatementBegin
CREATE TABLE {{table "erasures"}} (
	key        String CODEC(ZSTD(1)), -- SHA-256 of the key that the records have in Kafka, hexadecimal: no name
	topic      String CODEC(ZSTD(1)),
	partition  Int32 CODEC(ZSTD(1)),
	offset     Int64 CODEC(ZSTD(1)),  -- up to which the key's rows of that partition were erased
	erased     DateTime64(3, 'UTC') CODEC(ZSTD(1))
) ENGINE = {{engine "erasures" "MergeTree"}}
ORDER BY (topic, partition, key, offset)
{{settings}};
-- +goose StatementEnd
{{distributed "erasures"}}

-- +goose Down
SELECT 1;
