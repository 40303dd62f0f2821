package rules

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/riskstream/riskstream/internal/expression"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// Load reads rule files and, when asked, the built-in rules before them. A path
// is a file, a directory (of which every .yaml and .yml file is read, not those
// of directories in it) or a pattern as of filepath.Glob; one that gives no
// file is an error. The error joins every problem of every file, each with
// file:line:column.
func Load(paths []string, builtin bool) (*Set, error) {
	files, errs := expand(paths)
	var l loader
	if builtin {
		l.builtin()
	}
	for _, file := range files {
		data, err := readFile(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		l.add(file, data)
	}
	if len(l.rules) > MaxRules {
		errs = append(errs, fmt.Errorf("rules: %d rules; at most %d are allowed", len(l.rules), MaxRules))
	}
	if errs = append(errs, l.errs...); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return newSet(l.rules), nil
}

// Builtin are the rules that riskstream comes with, sorted by id.
func Builtin() []Rule {
	set, err := Load(nil, true)
	if err != nil {
		panic(fmt.Sprintf("built-in rules: %v", err)) // the package's own files, compiled in
	}
	return set.Rules()
}

// loader collects the rules of many files.
type loader struct {
	rules []*Rule
	seen  map[string]expression.Position // by id
	errs  []error
}

func (l *loader) builtin() {
	files, err := builtinFiles.ReadDir("builtin")
	if err != nil {
		l.errs = append(l.errs, err)
	}
	for _, f := range files {
		data, err := builtinFiles.ReadFile(path.Join("builtin", f.Name()))
		if err != nil {
			l.errs = append(l.errs, err)
		}
		l.add("builtin/"+f.Name(), data)
	}
}

func (l *loader) add(file string, data []byte) {
	found, errs := Parse(file, data)
	l.errs = append(l.errs, errs...)
	if l.seen == nil {
		l.seen = map[string]expression.Position{}
	}
	for i := range found {
		r := &found[i]
		if first, twice := l.seen[r.ID]; twice {
			l.errs = append(l.errs, &expression.Error{
				Position: r.At,
				Msg:      fmt.Sprintf("rule %s is already defined at %s; give one of them another id", r.ID, first),
			})
			continue
		}
		l.seen[r.ID] = r.At
		l.rules = append(l.rules, r)
	}
}

// expand lists the files that paths stand for: sorted, each once.
func expand(paths []string) (files []string, errs []error) {
	for _, p := range paths {
		found, err := match(p)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("rules.paths: %s: %w", p, err))
		case len(found) == 0:
			errs = append(errs, fmt.Errorf("rules.paths: %s matches no file; name a rule file, a directory with .yaml files, or a pattern such as rules/*.yaml", p))
		}
		files = append(files, found...)
	}
	for i := range files {
		files[i] = filepath.Clean(files[i])
	}
	slices.Sort(files)
	return slices.Compact(files), errs
}

// match lists the files of one path. A pattern takes the files it matches as
// they are; a directory is read by the ending of its files.
func match(p string) ([]string, error) {
	info, err := os.Stat(p)
	switch {
	case err == nil && info.IsDir():
		var files []string
		for _, ending := range []string{"*.yaml", "*.yml"} {
			found, err := filepath.Glob(filepath.Join(escape(p), ending))
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
		return files, nil
	case err == nil:
		return []string{p}, nil
	}
	return filepath.Glob(p)
}

// escape makes a path a pattern that matches itself alone.
func escape(p string) string {
	var out []rune
	for _, r := range p {
		if r == '*' || r == '?' || r == '[' || r == '\\' {
			out = append(out, '\\')
		}
		out = append(out, r)
	}
	return string(out)
}

func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("rules.paths: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("rules.paths: %s: %w", name, err)
	}
	return data, nil
}
