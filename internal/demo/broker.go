package demo

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/riskstream/riskstream/fixtures/geoip"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/geodata"
	"github.com/riskstream/riskstream/internal/simulate"
)

// ownTopic takes the events of the user's own files, in any known format.
const ownTopic = "idp.events"

// startBroker listens on the wanted port, or on a free one. The source topics
// have one partition each: what the company logs stays in order.
func startBroker(port int) (*kfake.Cluster, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(freePort(port)),
		kfake.SeedTopics(1, simulate.TopicOkta, simulate.TopicEntra, simulate.TopicKeycloak, ownTopic),
	)
	if err != nil {
		return nil, fmt.Errorf("in-process broker: %w", err)
	}
	return cluster, nil
}

// freePort is the wanted port, or 0 (any) when something listens on it.
func freePort(port int) int {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0
	}
	listener.Close()
	return port
}

// configure writes the configuration that a user would write for this company,
// with all that it names, and loads it: the demo reads a real file. Without a
// company the logs of the user's own files are read, with their own locations,
// since the company's databases know only its own networks.
func configure(dir, broker string, company *simulate.Company, history bool) (*config.Config, error) {
	files := map[string][]byte{}
	text := fmt.Sprintf("kafka:\n  brokers: [%q]\n  replication_factor: 1\n", broker)
	if company == nil {
		text += "sources:\n  - topic: " + ownTopic + "\n"
	} else {
		city, asn, anonymous, err := geodata.Build(geoip.Networks())
		if err != nil {
			return nil, err
		}
		files["city.mmdb"], files["asn.mmdb"], files["anonymous.mmdb"] = city, asn, anonymous
		files["directory.yaml"] = company.Directory()
		text += strings.TrimPrefix(companyConfig, "\n")
	}
	if history {
		text += "history:\n  dsn: " + config.Embedded + "history\n"
	}
	files[filepath.Base(configFile(dir))] = []byte(text)
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	return config.Load(configFile(dir))
}

// configFile is the demo's configuration, for other commands to use while it
// runs.
func configFile(dir string) string { return filepath.Join(dir, "riskstream.yaml") }

const companyConfig = `
sources:
  - {topic: ` + simulate.TopicOkta + `, format: okta}
  - {topic: ` + simulate.TopicEntra + `, format: entra}
  - {topic: ` + simulate.TopicKeycloak + `, format: keycloak}
geoip:
  city: city.mmdb
  asn: asn.mmdb
  anonymous: anonymous.mmdb
directory: directory.yaml
`
