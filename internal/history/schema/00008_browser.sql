-- What the provider's own cookie names the browser; empty without one.

-- +goose Up

{{range $table := everywhere "events"}}
-- +goose StatementBegin
ALTER TABLE {{$table}}
	ADD COLUMN IF NOT EXISTS user_agent_id String CODEC(ZSTD(1)) AFTER source_as_type;
-- +goose StatementEnd
{{end}}
-- +goose Down
SELECT 1;
