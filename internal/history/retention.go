package history

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/riskstream/riskstream/internal/config"
)

// retain has each table drop what is older than configured.
func (s *Store) retain(ctx context.Context, cfg config.History) error {
	type rows struct{ table, time, like string } // kept as long as those of like
	kept := []rows{{"network_days", "day", tableEvents}, {"event_hours", "hour", tableEvents}, {"names", "last_seen", tableEvents}, {"detection_days", "day", tableDetections}}
	for _, table := range tables() {
		kept = append(kept, rows{table, "recorded", table})
	}
	for _, kept := range kept {
		days := daysOf(kept.like, cfg.Days)
		table, on := kept.table, ""
		if cfg.Cluster != "" {
			table, on = table+"_local", fmt.Sprintf(" ON CLUSTER '%s'", cfg.Cluster)
		}
		var now string
		if err := s.conn.QueryRow(ctx, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?", table).Scan(&now); err != nil {
			return fmt.Errorf("retention of %s: %w", table, err)
		}
		ttl := fmt.Sprintf("toDateTime(%s) + toIntervalDay(%d)", kept.time, days)
		change := "MODIFY TTL " + ttl
		has := strings.Contains(now, "TTL ")
		switch {
		case days == 0 && !has, days > 0 && strings.Contains(now, "TTL "+ttl):
			continue
		case days == 0:
			change = "REMOVE TTL"
		}
		// Old rows go when parts are merged; to look for them in all parts now
		// would hold up the start.
		if err := s.conn.Exec(ctx, "ALTER TABLE "+table+on+" "+change+" SETTINGS materialize_ttl_after_modify = 0"); err != nil {
			return fmt.Errorf("retention of %s: %w", table, err)
		}
	}
	return nil
}

// oldest is before when a row may be gone.
func (s *Store) oldest(table string, now time.Time) time.Time {
	days := daysOf(table, s.days)
	if days == 0 {
		return time.Time{}
	}
	return now.AddDate(0, 0, -days)
}
