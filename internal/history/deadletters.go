package history

import (
	"fmt"

	"github.com/valyala/fastjson"

	"github.com/riskstream/riskstream/event"
)

// deadLetterRow is a row of the table dead_letters.
type deadLetterRow struct {
	position
	reason, error, format string
	origin                event.Origin
	size                  int64
	sha256, record        string
}

func deadLetterColumns() []column[deadLetterRow] {
	type r = deadLetterRow
	return append([]column[r]{
		col("reason", func(r *r) string { return r.reason }),
		col("error", func(r *r) string { return r.error }),
		col("format", func(r *r) string { return r.format }),
		col("origin_topic", func(r *r) string { return r.origin.Topic }),
		col("origin_topic_id", func(r *r) string { return r.origin.TopicID }),
		col("origin_partition", func(r *r) int32 { return r.origin.Partition }),
		col("origin_offset", func(r *r) int64 { return r.origin.Offset }),
		col("origin_index", func(r *r) int32 { return r.origin.Index }),
		col("size", func(r *r) int64 { return r.size }),
		col("sha256", func(r *r) string { return r.sha256 }),
		col("record", func(r *r) string { return r.record }),
	}, positionColumns(func(r *r) *position { return &r.position })...)
}

// deadLetterReader reads records of risk.deadletter.
type deadLetterReader struct{ parser fastjson.Parser }

func (d *deadLetterReader) read(_, value []byte, row *deadLetterRow) error {
	v, err := d.parser.ParseBytes(value)
	if err != nil {
		return fmt.Errorf("not a dead letter: %w", err)
	}
	text := func(keys ...string) string { return string(v.GetStringBytes(keys...)) }
	*row = deadLetterRow{
		reason: text("reason"), error: text("error"), format: text("format"), size: v.GetInt64("size"), sha256: text("sha256"), record: string(value),
		origin: event.Origin{
			Topic: text("origin", "topic"), TopicID: text("origin", "topic_id"),
			Partition: int32(v.GetInt("origin", "partition")), Offset: v.GetInt64("origin", "offset"), Index: int32(v.GetInt("origin", "index")),
		},
	}
	if row.reason == "" {
		return fmt.Errorf("not a dead letter: reason is missing")
	}
	return nil
}
