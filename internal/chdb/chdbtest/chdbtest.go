// Package chdbtest has the embedded ClickHouse for tests.
package chdbtest

import (
	"errors"
	"testing"

	"github.com/riskstream/riskstream/internal/chdb"
)

// Need fetches the engine, once on a machine, or skips the test where there is
// none: with -short, and on platforms that it does not run on.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs ClickHouse's engine")
	}
	switch _, err := chdb.Fetch(t.Context(), nil); {
	case errors.Is(err, chdb.ErrUnsupported):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
}
