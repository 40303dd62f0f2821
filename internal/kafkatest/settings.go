//go:build unix

package kafkatest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

// Ports that FreeAddrs draws from. They lie below those that Linux gives to
// outgoing connections, one of which could otherwise take an address before
// whoever it is meant for listens on it.
const (
	firstPort = 15_000
	endPort   = 32_000
)

// FreeAddrs draws loopback addresses that nobody uses at the moment. Two calls
// seldom draw the same one.
func FreeAddrs(n int) ([]string, error) {
	var addrs []string
	var failed error
	for range 100 * n {
		if len(addrs) == n {
			return addrs, nil
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(endPort-firstPort)))
		if err != nil {
			failed = err // most likely it is taken
			continue
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return nil, fmt.Errorf("no free port between %d and %d: %w", firstPort, endPort, failed)
}

// writeConfig writes the files of a node that is broker and controller; there
// is a controller for each broker. Internal topics are small, since a test
// starts with none of them.
func (b *Broker) writeConfig(controllers []string, settings []string) error {
	controller := controllers[b.ID-1]
	var voters []string
	for i, addr := range controllers {
		voters = append(voters, fmt.Sprintf("%d@%s", i+1, addr))
	}
	replicas, needed := strconv.Itoa(min(len(controllers), 3)), "1"
	if len(controllers) >= 3 {
		needed = "2"
	}
	server := []string{
		"process.roles=broker,controller",
		fmt.Sprintf("node.id=%d", b.ID),
		"listeners=PLAINTEXT://" + b.Addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + b.Addr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names=CONTROLLER",
		"controller.quorum.voters=" + strings.Join(voters, ","),
		"log.dirs=" + b.path("data"),
		"auto.create.topics.enable=false",
		"default.replication.factor=" + replicas,
		"min.insync.replicas=" + needed,
		"offsets.topic.replication.factor=" + replicas,
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=" + replicas,
		"transaction.state.log.min.isr=" + needed,
		"transaction.state.log.num.partitions=4",
		"group.initial.rebalance.delay.ms=0",
	}
	logging := []string{
		"rootLogger.level=INFO",
		"rootLogger.appenderRef.out.ref=out",
		"appender.out.type=Console",
		"appender.out.name=out",
		"appender.out.layout.type=PatternLayout",
		"appender.out.layout.pattern=%d{HH:mm:ss,SSS} %p %m (%c)%n",
	}
	addresses := strings.NewReplacer("${addr}", b.Addr, "${controller}", controller)
	for _, setting := range settings {
		server = append(server, addresses.Replace(setting))
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(b.path("server.properties"), lines(server), 0o644),
		os.WriteFile(b.path("log4j2.properties"), lines(logging), 0o644),
	)
}

func lines(list []string) []byte { return []byte(strings.Join(list, "\n") + "\n") }

func (b *Broker) format(ctx context.Context) error {
	cluster := base64.RawURLEncoding.EncodeToString([]byte("riskstream-tests"))
	cmd := b.command(ctx, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", b.path("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the broker's storage: %w\n%s", err, tail(out, 2000))
	}
	return nil
}
