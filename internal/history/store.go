// Package history keeps what riskstream has seen and decided, in ClickHouse:
// the events, the detections, the scores and the dead letters. A Sink copies
// them from the committed topics; scoring never waits for it.
//
// The engine is a server, or the same engine inside this process (embedded://),
// with the same tables and the same SQL through the same client.
package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/riskstream/riskstream/internal/config"
)

// Store is an open history.
type Store struct {
	conn  driver.Conn
	days  config.HistoryDays
	close func() error
}

// Open opens the history to ask it. There must be one: who fills it makes it.
func Open(ctx context.Context, cfg config.History) (*Store, error) {
	store, err := open(ctx, cfg, func(*clickhouse.Options) error { return nil })
	if err != nil {
		return nil, err
	}
	var made uint8
	if err := store.conn.QueryRow(ctx, "EXISTS TABLE events").Scan(&made); err != nil {
		return nil, errors.Join(fmt.Errorf("history: %w", err), store.Close())
	}
	if made == 0 {
		return nil, errors.Join(errors.New("there is no history yet: riskstream run, with the same history.dsn, makes and fills it"), store.Close())
	}
	return store, nil
}

// OpenToFill opens the history and brings its schema and retention up to date.
func OpenToFill(ctx context.Context, cfg config.History) (*Store, error) {
	store, err := open(ctx, cfg, func(options *clickhouse.Options) error {
		db := clickhouse.OpenDB(options)
		return errors.Join(migrate(ctx, db, cfg.Cluster), db.Close())
	})
	if err != nil {
		return nil, err
	}
	if err := store.retain(ctx, cfg); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// open connects to the server, or opens the engine in this process; prepare
// comes before anybody else can use that.
func open(ctx context.Context, cfg config.History, prepare func(*clickhouse.Options) error) (*Store, error) {
	store := &Store{days: cfg.Days, close: func() error { return nil }}
	var options *clickhouse.Options
	var err error
	if dir, ok := strings.CutPrefix(cfg.DSN, config.Embedded); ok {
		options, store.close, err = openEmbedded(ctx, dir, prepare)
	} else {
		options, err = clickhouse.ParseDSN(cfg.DSN)
		if err != nil {
			return nil, fmt.Errorf("history.dsn: %w", err)
		}
		if cfg.Password != "" {
			options.Auth.Password = cfg.Password.Reveal()
		}
		err = prepare(options)
	}
	if err != nil {
		return nil, err
	}
	if store.conn, err = clickhouse.Open(options); err != nil {
		return nil, errors.Join(fmt.Errorf("history: %w", err), store.close())
	}
	return store, nil
}

// isEmbedded reports that the history's engine is in this process.
func isEmbedded(cfg config.History) bool { return strings.HasPrefix(cfg.DSN, config.Embedded) }

// Close closes the history.
func (s *Store) Close() error {
	return errors.Join(s.conn.Close(), s.close())
}

// stored are the highest offsets of each partition that the history has, or
// has had until they were erased.
func (s *Store) stored(ctx context.Context) (map[place]int64, error) {
	last := map[place]int64{}
	for _, table := range append(tables(), tableErasures) {
		rows, err := s.conn.Query(ctx, "SELECT topic, partition, max(offset) FROM "+table+" GROUP BY topic, partition")
		if err != nil {
			return nil, fmt.Errorf("offsets of %s: %w", table, err)
		}
		for rows.Next() {
			var at place
			var offset int64
			if err := rows.Scan(&at.topic, &at.partition, &offset); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			if had, ok := last[at]; !ok || offset > had {
				last[at] = offset
			}
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("offsets of %s: %w", table, err)
		}
	}
	return last, nil
}

// IsGone reports whether an error says that the engine cannot be reached, at
// least not as it could: another Open may help.
func IsGone(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		// NETWORK_ERROR: the embedded engine is closing. AUTHENTICATION_FAILED: where
		// it was is another one now.
		return exception.Code == 210 || exception.Code == 516
	}
	return errors.As(err, new(net.Error)) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
