//go:build unix

package kafkatest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

// FreeAddrs asks the system for loopback addresses that nobody uses at the
// moment.
func FreeAddrs(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("no free port for a broker: %w", err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
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
