package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/riskstream/riskstream/internal/chdb"
)

// An embedded engine belongs to one process. So that others of the same user
// can ask while riskstream run has it open, that one leaves beside the data how
// to reach it, readable by its user alone.
const endpointFile = "riskstream.endpoint"

// endpoint is how to reach an engine in another process.
type endpoint struct {
	Addr     string `json:"addr"`
	Database string `json:"database"`
	User     string `json:"user"`
	Token    string `json:"token"`
}

// openEmbedded opens the engine on the directory and prepares it, or reaches the
// one that another process has opened.
func openEmbedded(ctx context.Context, dir string, prepare func(*clickhouse.Options) error) (*clickhouse.Options, func() error, error) {
	engine, err := chdb.Open(dir, chdb.Settings{})
	if err != nil {
		if options := reach(ctx, dir); options != nil {
			return options, func() error { return nil }, prepare(options)
		}
		return nil, nil, fmt.Errorf("history: %w", err)
	}
	options := engine.Options()
	path := filepath.Join(dir, endpointFile)
	err = prepare(options)
	if err == nil {
		err = leaveEndpoint(path, options)
	}
	if err != nil {
		return nil, nil, errors.Join(err, engine.Close())
	}
	return options, func() error { return errors.Join(os.Remove(path), engine.Close()) }, nil
}

func leaveEndpoint(path string, options *clickhouse.Options) error {
	text, err := json.Marshal(endpoint{options.Addr[0], options.Auth.Database, options.Auth.Username, options.Auth.Password})
	if err != nil {
		return err
	}
	// A file that was left behind may have other rights.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// reach returns the options of the engine that another process has opened on
// the directory, or nil if there is none that answers.
func reach(ctx context.Context, dir string) *clickhouse.Options {
	text, err := os.ReadFile(filepath.Join(dir, endpointFile))
	if err != nil {
		return nil
	}
	var at endpoint
	if err := json.Unmarshal(text, &at); err != nil {
		return nil
	}
	options := &clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{at.Addr}, Auth: clickhouse.Auth{Database: at.Database, Username: at.User, Password: at.Token},
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionNone},
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if conn.Ping(ctx) != nil {
		return nil
	}
	return options
}
