-- What threat lists say of addresses, and lists of leaked accounts of users.

-- +goose Up

{{range $table := everywhere "events"}}
-- +goose StatementBegin
ALTER TABLE {{$table}}
	ADD COLUMN IF NOT EXISTS user_leaked_list String CODEC(ZSTD(1)) AFTER user_privileged,
	ADD COLUMN IF NOT EXISTS user_leaked_at Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER user_leaked_list,
	ADD COLUMN IF NOT EXISTS source_threat_list String CODEC(ZSTD(1)) AFTER source_anonymizer;
-- +goose StatementEnd
{{end}}
-- +goose Down
SELECT 1;
