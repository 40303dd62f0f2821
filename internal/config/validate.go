package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/detectors"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/publish"
	"github.com/riskstream/riskstream/scoring"
)

// validate checks what types alone do not. Each problem names its key first,
// and is placed where the file has that key. A section with a problem gets its
// defaults back where its parts mean something only together.
func (c *Config) validate(check *checker, root *yaml.Node, fromEnv map[string]string) {
	check.validateSources(c, list(child(root, "sources")))
	section := func(name string, errs ...error) (bad bool) {
		check.at = name
		defer func() { check.at = "" }()
		for _, err := range errs {
			if err == nil {
				continue
			}
			key, _, _ := strings.Cut(err.Error(), ":")
			if variable, is := fromEnv[key]; is {
				check.add(fmt.Errorf("environment variable %s: %w", variable, err))
				continue
			}
			check.fail(locate(root, key), "%v", err)
		}
		return len(check.in[name]) > 0
	}
	section("kafka", c.Kafka.Validate()...)
	section("engine", c.Engine.validate()...)
	section("http", c.HTTP.validate())
	section("history", c.History.validate()...)
	if section("detectors", c.Detectors.Validate()...) {
		c.Detectors = detectors.Defaults()
	}
	if section("scoring", c.Scoring.Validate()...) {
		c.Scoring = scoring.Defaults()
	}
}

// missingFiles finds the files that the configuration names and that are not
// there. They are taken out, so that whoever opens the rest does not find them
// again. Lists and rule paths are left to who reads them.
func (c *Config) missingFiles(check *checker, root *yaml.Node) {
	for _, f := range c.files() {
		if *f.path == "" || strings.Contains(f.key, "[") {
			continue
		}
		if _, err := os.Stat(*f.path); err != nil {
			var of *fs.PathError
			if errors.As(err, &of) {
				err = of.Err
			}
			check.fail(locate(root, f.key), "%s: %s: %v", f.key, *f.path, err)
			*f.path = ""
		}
	}
}

// Bounds of engine.instance: the group's member and the transactional ids are
// named after it.
const (
	maxInstance   = 100
	instanceChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)

func (e Engine) validate() []error {
	var errs []error
	if e.Workers < 1 || e.Workers > 1024 {
		errs = append(errs, fmt.Errorf("engine.workers: %d; want 1 to 1024", e.Workers))
	}
	if e.Instance == "" || len(e.Instance) > maxInstance || strings.Trim(e.Instance, instanceChars) != "" {
		errs = append(errs, fmt.Errorf("engine.instance: %.100q; want 1 to %d letters, digits, dots, underscores and hyphens", e.Instance, maxInstance))
	}
	if e.Delivery != ExactlyOnce && e.Delivery != AtLeastOnce {
		errs = append(errs, fmt.Errorf("engine.delivery: %.100q; want %s or %s", e.Delivery, ExactlyOnce, AtLeastOnce))
	}
	if e.StateDir == "" {
		errs = append(errs, errors.New("engine.state_dir: is empty; name a directory that this process can write and that no other one has"))
	}
	if e.StateMemoryMB < 64 {
		errs = append(errs, fmt.Errorf("engine.state_memory_mb: %d; want at least 64", e.StateMemoryMB))
	}
	return errs
}

func (h HTTP) validate() error {
	if _, _, err := net.SplitHostPort(h.Listen); err != nil {
		return fmt.Errorf("http.listen: %q is not host:port; 127.0.0.1:9464 is this machine alone, 0.0.0.0:9464 every network", h.Listen)
	}
	return nil
}

func (h History) validate() []error {
	var errs []error
	scheme, rest, found := strings.Cut(h.DSN, "://")
	switch {
	case h.DSN == "":
	case !found || !slices.Contains([]string{"embedded", "clickhouse", "http", "https"}, scheme):
		errs = append(errs, errors.New("history.dsn: want embedded:///directory, or clickhouse://user@host:9000/database of a server"))
	case rest == "" || rest == "/":
		errs = append(errs, fmt.Errorf("history.dsn: %s:// names nothing; want embedded:///directory, or clickhouse://user@host:9000/database", scheme))
	case scheme == "embedded" && h.Cluster != "":
		errs = append(errs, errors.New("history.cluster: the embedded engine is no cluster"))
	}
	if strings.Trim(h.Cluster, instanceChars) != "" {
		errs = append(errs, fmt.Errorf("history.cluster: %.100q; want letters, digits, dots, underscores and hyphens", h.Cluster))
	}
	for _, kept := range []struct {
		key  string
		days int
	}{
		{"events", h.Days.Events}, {"detections", h.Days.Detections}, {"scores", h.Days.Scores}, {"dead_letters", h.Days.DeadLetters},
	} {
		if kept.days < 0 || kept.days > maxDays {
			errs = append(errs, fmt.Errorf("history.days.%s: %d; want 1 to %d, or 0 for ever", kept.key, kept.days, maxDays))
		}
	}
	return errs
}

// maxDays is a century.
const maxDays = 36_525

func (c *checker) validateSources(cfg *Config, items []*yaml.Node) {
	found := c.in["sources"] // so far
	c.at = "sources"
	defer func() { c.at = "" }()
	topics := map[string]bool{}
	own := cfg.Kafka.Topics()
	for i, node := range items {
		end := 0
		if i+1 < len(items) {
			end = items[i+1].Line
		}
		if node.Kind != yaml.MappingNode || anyBetween(found, node.Line, end) {
			continue // what follows from a problem that is known is none of its own
		}
		source := &cfg.Sources[i]
		switch source.Topic {
		case "":
			c.fail(node, "sources[%d]: topic is missing", i)
		case own.Detections, own.Scores, own.DeadLetter, own.Events, own.State, own.Activity, own.SourceState:
			c.fail(child(node, "topic"), "sources[%d].topic: %s is what riskstream writes itself", i, source.Topic)
		default:
			if topics[source.Topic] {
				c.fail(child(node, "topic"), "sources[%d].topic: %s is listed twice; one topic has one format", i, source.Topic)
			}
			topics[source.Topic] = true
		}
		if _, err := ingest.NewParser(*source, ingest.Options{}); err != nil {
			c.fail(child(node, "format"), "sources[%d].format: %v", i, err)
		}
	}
}

// anyBetween reports whether an error stands on a line from first on and before
// end; an end of 0 is the end of the section.
func anyBetween(errs []error, first, end int) bool {
	return slices.ContainsFunc(errs, func(err error) bool {
		line, _ := position(err)
		return line >= first && (end == 0 || line < end)
	})
}

// override takes brokers and secrets from the environment, so that they need
// not stand in a file. An empty variable counts as none. It returns which
// variable has set which key.
func (c *Config) override(env func(string) (string, bool)) (fromEnv map[string]string) {
	fromEnv = map[string]string{}
	set := func(variable, key string, into func(string)) {
		if value, is := env(variable); is && value != "" {
			into(value)
			fromEnv[key] = variable
		}
	}
	sasl := &c.Kafka.SASL
	set("RISKSTREAM_KAFKA_BROKERS", "kafka.brokers", func(v string) {
		c.Kafka.Brokers = nil
		for broker := range strings.SplitSeq(v, ",") {
			c.Kafka.Brokers = append(c.Kafka.Brokers, strings.TrimSpace(broker))
		}
	})
	set("RISKSTREAM_ENGINE_INSTANCE", "engine.instance", func(v string) { c.Engine.Instance = v })
	set("RISKSTREAM_HISTORY_DSN", "history.dsn", func(v string) { c.History.DSN = v })
	set("RISKSTREAM_HISTORY_PASSWORD", "history.password", func(v string) { c.History.Password = publish.Secret(v) })
	set("RISKSTREAM_KAFKA_SASL_USERNAME", "kafka.sasl.username", func(v string) { sasl.Username = v })
	set("RISKSTREAM_KAFKA_SASL_PASSWORD", "kafka.sasl.password", func(v string) { sasl.Password = publish.Secret(v) })
	set("RISKSTREAM_KAFKA_SASL_TOKEN", "kafka.sasl.token", func(v string) { sasl.Token = publish.Secret(v) })
	set("RISKSTREAM_KAFKA_SASL_CLIENT_SECRET", "kafka.sasl.client_secret", func(v string) { sasl.ClientSecret = publish.Secret(v) })
	return fromEnv
}

// locate finds the value at a path such as geoip.lists[0].path, or the nearest
// one above it that the file has.
func locate(root *yaml.Node, path string) *yaml.Node {
	node := root
	for step := range strings.SplitSeq(path, ".") {
		key, index, _ := strings.Cut(step, "[")
		next := child(node, key)
		if next == node {
			break
		}
		node = next
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if items := list(node); err == nil && i < len(items) {
			node = items[i]
		}
	}
	return node
}

// child is the value of a key, or the node itself where it has no such key.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.MappingNode {
		return n
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return n
}
