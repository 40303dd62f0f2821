// Package config reads riskstream's one YAML file: strictly, with every error
// at once, each with file:line:column. An empty file is valid.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"

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
	Kafka     publish.KafkaConfig   `yaml:"kafka"`
	Sources   []ingest.Source       `yaml:"sources"`
	GeoIP     enrich.GeoIPConfig    `yaml:"geoip"`
	Directory string                `yaml:"directory"`
	Leaked    []enrich.LeakedConfig `yaml:"leaked_accounts"`
	Detectors detectors.Config      `yaml:"detectors"`
	Rules     Rules                 `yaml:"rules"`
	Scoring   scoring.Config        `yaml:"scoring"`
	Policies  scoring.Policies      `yaml:"policies"`
	HTTP      HTTP                  `yaml:"http"`
	Engine    Engine                `yaml:"engine"`
	History   History               `yaml:"history"`

	file string     // that it was read from
	root *yaml.Node // the file's keys and values
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

// Engine sizes the process and says what it guarantees.
type Engine struct {
	// Workers is the count of subject lanes, of source lanes and of
	// ingesters in this process; the count of processors by default.
	Workers int `yaml:"workers"`
	// Instance names the process among those that share the work. It must
	// be the same after a restart, so that the process finds its partitions
	// and its open transactions again, and no other may have it. The host's
	// name by default.
	Instance string `yaml:"instance"`
	// Delivery is ExactlyOnce or AtLeastOnce.
	Delivery string `yaml:"delivery"`
	// StateDir is where snapshots of the state are kept, for a quick
	// restart. It belongs to this process alone, and can be lost.
	StateDir string `yaml:"state_dir"`
	// StateMemoryMB bounds the memory that the state takes in this process,
	// in MiB. Past it the least recently seen subjects are forgotten, and
	// counted.
	StateMemoryMB int `yaml:"state_memory_mb"`
	// KeepOriginal keeps the raw event in event.original.
	KeepOriginal bool `yaml:"keep_original"`
}

// History says where the history is and for how long it is kept.
type History struct {
	// DSN is embedded:///directory for the engine in this process, or
	// clickhouse://user@host:9000/database of a server; embedded:// takes a
	// relative directory too. Empty: no history.
	DSN string `yaml:"dsn"`
	// Password of the server's user.
	Password publish.Secret `yaml:"password"`
	// Cluster is the name that the servers have for the cluster that the
	// tables are made on. Empty: one server.
	Cluster string `yaml:"cluster"`
	// Days is for how many days each kind of row is kept after riskstream got
	// it; 0 is for ever.
	Days HistoryDays `yaml:"days"`
}

// HistoryDays is how long rows are kept, in days.
type HistoryDays struct {
	Events      int `yaml:"events"` // and what is summed up from them
	Detections  int `yaml:"detections"`
	Scores      int `yaml:"scores"`
	DeadLetters int `yaml:"dead_letters"`
}

// Embedded begins the DSN of a history whose engine is in this process.
const Embedded = "embedded://"

// What Engine.Delivery may be.
const (
	ExactlyOnce = "exactly_once"  // scores, detections, state and offsets in one transaction
	AtLeastOnce = "at_least_once" // after a crash some records are published again, with the same bytes
)

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Kafka:     publish.DefaultKafkaConfig(),
		Detectors: detectors.Defaults(),
		Scoring:   scoring.Defaults(),
		HTTP:      HTTP{Listen: "127.0.0.1:9464"},
		Engine: Engine{
			Workers: runtime.GOMAXPROCS(0), Instance: hostname(), Delivery: ExactlyOnce,
			StateDir: "riskstream-state", StateMemoryMB: 4096,
		},
		// Thirteen months, so that a month can be compared with the same one of
		// the year before.
		History: History{Days: HistoryDays{Events: 400, Detections: 400, Scores: 400, DeadLetters: 30}},
	}
}

// hostname is what the system calls the machine, in characters that Kafka takes
// in the name of a group's member.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "riskstream"
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(instanceChars, r) {
			return r
		}
		return '-'
	}, name[:min(len(name), maxInstance)])
}

// maxFile bounds the configuration file, so that one that is no configuration
// is refused instead of read.
const maxFile = 4 << 20

// Load reads the file and the environment's overrides. The error joins every
// problem found, in the order of the file. Beside it there is still the
// configuration without what is wrong in it, unless the file cannot be read at
// all, so that whoever checks the configuration can go on to the files that it
// names and report everything at once.
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

// Parse reads a configuration as if it stood in the named file; see Load.
func Parse(path string, data []byte, env func(string) (string, bool)) (*Config, error) {
	check := &checker{file: path}
	root, err := check.tree(data)
	if err != nil {
		return nil, err
	}
	check.check(root, reflect.TypeFor[Config](), "")
	cfg := Default()
	cfg.file, cfg.root = path, root
	weightsErr := cfg.readWeights(root, filepath.Dir(path))
	check.decode(root, cfg)
	fromEnv := cfg.override(env)
	cfg.validate(check, root, fromEnv)
	cfg.Policies.Locate(path, data)
	cfg.resolve(filepath.Dir(path))
	cfg.missingFiles(check, root)
	return cfg, errors.Join(check.err(), weightsErr)
}

// Enrichment is what events are enriched from.
func (c *Config) Enrichment() enrich.Config {
	return enrich.Config{GeoIP: c.GeoIP, Directory: c.Directory, Leaked: c.Leaked}
}

// namedFile is a file that the configuration names.
type namedFile struct {
	key  string
	path *string
}

// files are the files that the configuration names, without those of rules.
func (c *Config) files() []namedFile {
	list := []namedFile{
		{"kafka.tls.ca", &c.Kafka.TLS.CA},
		{"kafka.tls.cert", &c.Kafka.TLS.Cert},
		{"kafka.tls.key", &c.Kafka.TLS.Key},
		{"geoip.city", &c.GeoIP.City},
		{"geoip.asn", &c.GeoIP.ASN},
		{"geoip.anonymous", &c.GeoIP.Anonymous},
		{"directory", &c.Directory},
		{"scoring.weights_file", &c.Scoring.WeightsFile},
	}
	for i := range c.GeoIP.Lists {
		list = append(list, namedFile{fmt.Sprintf("geoip.lists[%d].path", i), &c.GeoIP.Lists[i].Path})
	}
	for i := range c.Leaked {
		list = append(list, namedFile{fmt.Sprintf("leaked_accounts[%d].path", i), &c.Leaked[i].Path})
	}
	return list
}

// resolve makes the file's paths relative to the file's directory.
func (c *Config) resolve(dir string) {
	files := c.files()
	files = append(files, namedFile{"engine.state_dir", &c.Engine.StateDir})
	for i := range c.Rules.Paths {
		files = append(files, namedFile{"rules.paths", &c.Rules.Paths[i]})
	}
	for _, f := range files {
		if *f.path != "" && !filepath.IsAbs(*f.path) {
			*f.path = filepath.Join(dir, *f.path)
		}
	}
	if path, embedded := strings.CutPrefix(c.History.DSN, Embedded); embedded && path != "" && !filepath.IsAbs(path) {
		c.History.DSN = Embedded + filepath.Join(dir, path)
	}
}
