package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the README shows of the commands' output")

// TestReadme runs the README's commands: files that it shows (yaml blocks that
// begin with a comment of their name) are written, console blocks must print
// what stands there, and its sign-in must score as its table says.
func TestReadme(t *testing.T) {
	readme, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "readme.txtar")
	text := `
[!exec:sh] skip
[!exec:jq] skip 'the README uses jq'
readme
exec riskstream replay shortened.jsonl
stdout '"event_id":"f146e579-.*"score":89.68,.*"points":64.10,.*"points":21.37,.*"points":4.01,'
`
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Files:               []string{script},
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			return os.Symlink(filepath.Join(filepath.Dir(readme), "examples"), filepath.Join(e.WorkDir, "examples"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"readme": func(ts *testscript.TestScript, _ bool, _ []string) { runReadme(ts, readme) },
		},
	})
}

var block = regexp.MustCompile("(?s)```(json|yaml|console)\n(.*?)```\n")

func runReadme(ts *testscript.TestScript, readme string) {
	data, err := os.ReadFile(readme)
	ts.Check(err)
	fresh := block.ReplaceAllStringFunc(string(data), func(found string) string {
		m := block.FindStringSubmatch(found)
		first, rest, _ := strings.Cut(m[2], "\n")
		switch {
		case m[1] == "json":
			replaceEvent(ts, m[2])
		case m[1] == "yaml" && strings.HasPrefix(first, "# "):
			name := ts.MkAbs(strings.TrimPrefix(first, "# "))
			ts.Check(os.MkdirAll(filepath.Dir(name), 0o755))
			ts.Check(os.WriteFile(name, []byte(rest), 0o644))
		case m[1] == "console":
			ts.Check(ts.Exec("sh", "-c", strings.TrimPrefix(first, "$ ")))
			out := ts.ReadFile("stdout")
			if out != rest && !*update {
				ts.Fatalf("README.md shows another output of\n%s\nRun with -update, and read whether what is said around it still holds", first)
			}
			return "```console\n" + first + "\n" + out + "```\n"
		}
		return found
	})
	if *update {
		ts.Check(os.WriteFile(readme, []byte(fresh), 0o644))
	}
}

// replaceEvent writes the example log as shortened.jsonl, with the README's
// event in the place of the one that it was cut down from.
func replaceEvent(ts *testscript.TestScript, event string) {
	event = strings.ReplaceAll(event, "\n", "")
	id := regexp.MustCompile(`"uuid":"([^"]+)"`).FindStringSubmatch(event)
	if id == nil {
		ts.Fatalf("the README's event has no uuid")
	}
	packed, err := os.Open(ts.MkAbs("examples/okta.jsonl.gz"))
	ts.Check(err)
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	ts.Check(err)
	log, err := io.ReadAll(unpacked)
	ts.Check(err)
	lines := bytes.Split(log, []byte("\n"))
	for i, line := range lines {
		if bytes.Contains(line, []byte(id[1])) {
			lines[i] = []byte(event)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs("shortened.jsonl"), bytes.Join(lines, []byte("\n")), 0o644))
}
