package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/riskstream/riskstream/event"
)

// ParseMoment reads a time as people give the ends of a span: RFC 3339, a day
// (its beginning in UTC), or how long before now ("12h", "30d"). An empty text
// is the open end, 0. The history knows the years that events may have, 1990 to
// 2200; what is before or after becomes their beginning or end.
func ParseMoment(text string, now time.Time) (event.Time, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 100_000 {
			return known(now.AddDate(0, 0, -n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return known(now.Add(-ago)), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return known(t), nil
		}
	}
	return 0, fmt.Errorf("%.60q: want a time (2026-11-25T13:00:00Z), a day (2026-11-25) or how long ago (12h, 30d)", text)
}

// known keeps a time among those that events may have.
func known(t time.Time) event.Time {
	return min(max(event.TimeOf(t), event.MinTime), event.MaxTime)
}
