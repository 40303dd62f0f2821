-- From how many networks a campaign came.

-- +goose Up

-- +goose StatementBegin
ALTER TABLE {{table "events"}} ADD COLUMN IF NOT EXISTS signal_networks UInt32 CODEC(ZSTD(1)) AFTER signal_tries;
-- +goose StatementEnd
{{redistributed "events" "ADD COLUMN IF NOT EXISTS signal_networks UInt32 AFTER signal_tries"}}

-- +goose Down
SELECT 1;
