package history

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"testing/fstest"
	"text/template"

	"github.com/pressly/goose/v3"
)

//go:embed schema/*.sql
var schema embed.FS

// migrations are the steps of the schema for one server, or for the cluster of
// the name.
func migrations(cluster string) (fs.FS, error) {
	files, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	steps := fstest.MapFS{}
	for _, file := range files {
		step, err := template.New("").Funcs(words(cluster)).ParseFS(schema, file)
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		if err := step.ExecuteTemplate(&text, file[len("schema/"):], nil); err != nil {
			return nil, err
		}
		steps[file[len("schema/"):]] = &fstest.MapFile{Data: text.Bytes()}
	}
	return steps, nil
}

// words fills in what differs between one server and a cluster. There, each
// table has its rows in a replicated one behind a distributed one. A batch of
// the sink is of one partition of Kafka and must be on one shard, to be there
// as a whole or not at all.
func words(cluster string) template.FuncMap {
	if cluster == "" {
		same := func(name string) string { return name }
		return template.FuncMap{
			"table": same, "local": same, "tables": tables,
			"engine":        func(_, engine string) string { return engine },
			"settings":      func() string { return "SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1" },
			"distributed":   func(string) string { return "" },
			"redistributed": func(_, _ string) string { return "" },
		}
	}
	local := func(name string) string { return name + "_local" }
	on := fmt.Sprintf(" ON CLUSTER '%s'", cluster)
	return template.FuncMap{
		"table": func(name string) string { return local(name) + on },
		"local": local, "tables": tables,
		"engine": func(name, engine string) string {
			return fmt.Sprintf("Replicated%s('/clickhouse/tables/{shard}/{database}/%s', '{replica}')", engine, name)
		},
		"settings": func() string { return "SETTINGS replicated_deduplication_window = 1000, ttl_only_drop_parts = 1" },
		"distributed": func(name string) string {
			return fmt.Sprintf("-- +goose StatementBegin\nCREATE TABLE %s%s AS %s ENGINE = Distributed('%s', currentDatabase(), '%s', cityHash64(%s));\n-- +goose StatementEnd",
				name, on, local(name), cluster, local(name), shardBy(name))
		},
		"redistributed": func(name, change string) string { // what has changed in the replicated one
			return fmt.Sprintf("-- +goose StatementBegin\nALTER TABLE %s%s %s;\n-- +goose StatementEnd", name, on, change)
		},
	}
}

// shardBy is what rows of a table that stay together have in common.
func shardBy(table string) string {
	if table == tableErasures || slices.Contains(tables(), table) {
		return "topic, partition"
	}
	return "tenant" // summaries are made on the shard of their rows, and only read through this
}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB, cluster string) error {
	steps, err := migrations(cluster)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectClickHouse, db, steps)
	if err != nil {
		return fmt.Errorf("migrations of the history: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bringing the history's schema up to date: %w", err)
	}
	return nil
}
