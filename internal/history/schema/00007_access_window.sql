-- Whether temporary access was used in its time: inside, outside, or empty.

-- +goose Up

{{range $table := everywhere "events"}}
-- +goose StatementBegin
ALTER TABLE {{$table}}
	ADD COLUMN IF NOT EXISTS resource_access_window String CODEC(ZSTD(1)) AFTER resource_classification;
-- +goose StatementEnd
{{end}}
-- +goose Down
SELECT 1;
