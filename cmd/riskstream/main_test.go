package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/riskstream/riskstream/internal/chdb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"riskstream": main})
}

// TestScripts runs each script of testdata against the command, as a user
// would type it. $EXAMPLES is the repository's folder of that name; [history] is
// true where the embedded ClickHouse runs.
func TestScripts(t *testing.T) {
	library := embeddedEngine(t)
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("EXAMPLES", examples)
			if library != "" {
				e.Setenv(chdb.Variable, library)
			}
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "history" {
				return false, fmt.Errorf("no condition %q", name)
			}
			return library != "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":   codeCommand,
			"gzip":   gzipCommand,
			"ncount": countCommand,
		},
	})
}

// embeddedEngine is the path of ClickHouse's engine, which is fetched once on a
// machine; "" where it does not run.
func embeddedEngine(t *testing.T) string {
	if testing.Short() {
		return ""
	}
	library, err := chdb.Fetch(t.Context(), nil)
	if err != nil && !errors.Is(err, chdb.ErrUnsupported) {
		t.Fatal(err)
	}
	return library
}

// codeCommand is "code 2 riskstream …": it runs a command and wants that exit
// code.
func codeCommand(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// gzipCommand is "gzip FILE": it writes FILE.gz.
func gzipCommand(ts *testscript.TestScript, _ bool, args []string) {
	out, err := os.Create(ts.MkAbs(args[0] + ".gz"))
	ts.Check(err)
	w := gzip.NewWriter(out)
	_, err = io.WriteString(w, ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(out.Close())
}

// countCommand is "ncount N FILE": the file has N lines. stdout and stderr are
// those of the last command.
func countCommand(ts *testscript.TestScript, _ bool, args []string) {
	got := strings.Count(ts.ReadFile(args[1]), "\n")
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("%s has %d lines, want %s", args[1], got, args[0])
	}
}
