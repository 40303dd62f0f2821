package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/scoring"
)

// readWeights makes the table of weights that the file names what the keys of
// the section scoring change. A file that is not there is left to missingFiles.
func (c *Config) readWeights(root *yaml.Node, dir string) error {
	name := child(child(root, "scoring"), "weights_file")
	if name.Kind != yaml.ScalarNode || name.Tag == "!!null" || name.Value == "" {
		return nil
	}
	path := name.Value
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("scoring.weights_file: %w", err)
	}
	table, err := ParseWeights(path, data)
	if err != nil {
		return err
	}
	c.Scoring = table.Config()
	return nil
}

// ParseWeights reads a table of weights as if it stood in the named file:
// strictly, with every error at once. What it leaves out of detectors and
// overlaps is as built in.
func ParseWeights(path string, data []byte) (*scoring.Weights, error) {
	check := &checker{file: path}
	root, err := check.tree(data)
	if err != nil {
		return nil, err
	}
	check.check(root, reflect.TypeFor[scoring.Weights](), "")
	if err := check.err(); err != nil {
		return nil, err
	}
	var table scoring.Weights
	if err := root.Decode(&table); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, err := range table.Validate() {
		key, _, _ := strings.Cut(err.Error(), ":")
		check.fail(locate(root, key), "%v", err)
	}
	if err := check.err(); err != nil {
		return nil, err
	}
	table.Complete()
	return &table, nil
}
