// Package config reads riskstream's one YAML file: strictly, with every error
// at once, each with file:line:column. An empty file is valid.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/enrich"
	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/scoring"
)

// Config is the whole configuration. Paths in it are absolute or relative to
// the working directory: Load has resolved them against the file.
type Config struct {
	Kafka     publish.KafkaConfig `yaml:"kafka"`
	Sources   []ingest.Source     `yaml:"sources"`
	GeoIP     enrich.GeoIPConfig  `yaml:"geoip"`
	Directory string              `yaml:"directory"`
	Detectors detectors.Config    `yaml:"detectors"`
	Rules     Rules               `yaml:"rules"`
	Scoring   scoring.Config      `yaml:"scoring"`
	Policies  scoring.Policies    `yaml:"policies"`
	HTTP      HTTP                `yaml:"http"`
	Engine    Engine              `yaml:"engine"`
}

// Rules says which rules run.
type Rules struct {
	// Paths are files, directories or patterns of rule files.
	Paths []string `yaml:"paths"`
	// Builtin rules run too; on unless set to false.
	Builtin *bool `yaml:"builtin"`
}

// HTTP is the server of metrics and health.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port; 127.0.0.1:9464 by default
}

// Engine sizes the process.
type Engine struct {
	// Workers is the count of subject lanes, and of ingesters, in this
	// process; the count of processors by default.
	Workers int `yaml:"workers"`
	// MaxSubjects bounds the subjects held in state by this process. Past
	// it the least recently seen are forgotten, and counted.
	MaxSubjects int `yaml:"max_subjects"`
	// KeepOriginal keeps the raw event in event.original.
	KeepOriginal bool `yaml:"keep_original"`
}

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Kafka:     publish.DefaultKafkaConfig(),
		Detectors: detectors.Defaults(),
		Scoring:   scoring.Defaults(),
		HTTP:      HTTP{Listen: "127.0.0.1:9464"},
		Engine:    Engine{Workers: runtime.GOMAXPROCS(0), MaxSubjects: 5_000_000},
	}
}

// maxFile bounds the configuration file, so that one that is no configuration
// is refused instead of read.
const maxFile = 4 << 20

// Load reads the file and the environment's overrides. The error joins every
// problem found.
func Load(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: larger than %d MiB; is this the configuration?", path, maxFile>>20)
	}
	return Parse(path, data, os.LookupEnv)
}

// Parse reads a configuration as if it stood in the named file.
func Parse(path string, data []byte, env func(string) (string, bool)) (*Config, error) {
	cfg := Default()
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	check := &checker{file: path}
	if len(root.Content) > 0 {
		check.check(root.Content[0], reflectConfig, "")
		if len(check.errs) == 0 {
			if err := root.Content[0].Decode(cfg); err != nil {
				check.errs = append(check.errs, fmt.Errorf("%s: %w", path, err))
			}
		}
	}
	cfg.override(env)
	if len(check.errs) == 0 {
		cfg.validate(check, &root)
	}
	if len(check.errs) > 0 {
		return nil, errors.Join(sorted(check.errs)...)
	}
	cfg.resolve(filepath.Dir(path))
	return cfg, nil
}

// sorted puts errors in the order of the file.
func sorted(errs []error) []error {
	slices.SortStableFunc(errs, func(a, b error) int {
		var x, y *Error
		if errors.As(a, &x) && errors.As(b, &y) {
			return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
		}
		return 0
	})
	return errs
}

// resolve makes the file's paths relative to the file's directory.
func (c *Config) resolve(dir string) {
	paths := []*string{
		&c.GeoIP.City, &c.GeoIP.ASN, &c.GeoIP.Anonymous, &c.Directory,
		&c.Kafka.TLS.CA, &c.Kafka.TLS.Cert, &c.Kafka.TLS.Key,
	}
	for i := range c.GeoIP.Lists {
		paths = append(paths, &c.GeoIP.Lists[i].Path)
	}
	for i := range c.Rules.Paths {
		paths = append(paths, &c.Rules.Paths[i])
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}
