-- From how many networks a campaign came.

-- +goose Up

{{range $table := everywhere "events"}}
-- +goose StatementBegin
ALTER TABLE {{$table}} ADD COLUMN IF NOT EXISTS signal_networks UInt32 CODEC(ZSTD(1)) AFTER signal_tries;
-- +goose StatementEnd
{{end}}
-- +goose Down
SELECT 1;
