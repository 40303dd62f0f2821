//go:build unix

package kafkatest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// startTimeout bounds how long a broker may take to answer. A machine of two
// cores needs about 4 s.
const startTimeout = 90 * time.Second

// stopTimeout bounds how long a broker may take to end by itself.
const stopTimeout = 30 * time.Second

// Broker is one Apache Kafka in KRaft mode, in a process of its own, on
// loopback ports. Its methods are not safe for concurrent use.
type Broker struct {
	Addr string // host:port for clients; the same after a restart

	dir  string
	java string
	jars string
	run  *run // nil while the broker is down
}

// run is one life of the broker's process.
type run struct {
	pid  int
	done chan struct{} // closed when the process has ended
}

// StartReal fetches Apache Kafka if need be, starts a broker whose data and log
// lie in dir, and returns when it answers. settings are lines of
// server.properties that come last; ${addr} and ${controller} in them stand for
// the addresses of the broker's own two listeners, so that more can be added.
// The broker's process ends with this one,
// however that ends.
func StartReal(ctx context.Context, dir string, settings ...string) (*Broker, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java 17 or later is needed to run Apache Kafka (%w); install it, or set %s=host:port to use a running broker", err, AddrVariable)
	}
	jars, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	b := &Broker{Addr: ports[0], dir: dir, java: java, jars: jars}
	if err := b.writeConfig(ports[1], settings); err != nil {
		return nil, err
	}
	if err := b.format(ctx); err != nil {
		return nil, err
	}
	if err := b.Restart(ctx); err != nil {
		return nil, err
	}
	return b, nil
}

// freePorts asks the system for loopback ports that nobody uses at the moment.
func freePorts(n int) ([]string, error) {
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

// writeConfig writes the files of a single node that is broker and controller.
// Internal topics are small, since a test starts with none of them.
func (b *Broker) writeConfig(controller string, settings []string) error {
	server := []string{
		"process.roles=broker,controller",
		"node.id=1",
		"listeners=PLAINTEXT://" + b.Addr + ",CONTROLLER://" + controller,
		"advertised.listeners=PLAINTEXT://" + b.Addr,
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"controller.listener.names=CONTROLLER",
		"controller.quorum.voters=1@" + controller,
		"log.dirs=" + filepath.Join(b.dir, "data"),
		"auto.create.topics.enable=false",
		"offsets.topic.replication.factor=1",
		"offsets.topic.num.partitions=4",
		"transaction.state.log.replication.factor=1",
		"transaction.state.log.min.isr=1",
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
	return errors.Join(
		os.WriteFile(b.path("server.properties"), lines(server), 0o644),
		os.WriteFile(b.path("log4j2.properties"), lines(logging), 0o644),
	)
}

func lines(list []string) []byte { return []byte(strings.Join(list, "\n") + "\n") }

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

func (b *Broker) command(ctx context.Context, class string, args ...string) *exec.Cmd {
	// A small heap and the quick compiler: tests want a broker that is up soon.
	flags := []string{
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + b.path("log4j2.properties"),
		"-cp", filepath.Join(b.jars, "*"), class,
	}
	cmd := exec.CommandContext(ctx, b.java, append(flags, args...)...)
	cmd.Dir = b.dir
	return cmd
}

func (b *Broker) format(ctx context.Context) error {
	cluster := base64.RawURLEncoding.EncodeToString([]byte("riskstream-tests"))
	cmd := b.command(ctx, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", b.path("server.properties"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting the broker's storage: %w\n%s", err, tail(out, 2000))
	}
	return nil
}

// Restart starts a broker that is down, on its old address with its old data,
// and returns when it answers.
func (b *Broker) Restart(ctx context.Context) error {
	if b.run != nil {
		return errors.New("the broker is running; Stop or Kill it first")
	}
	log, err := os.OpenFile(b.path("kafka.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	// ctx bounds the start, not the broker's life.
	cmd := b.command(context.WithoutCancel(ctx), "kafka.Kafka", b.path("server.properties"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	if b.run, err = start(cmd); err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	if err := b.waitReady(ctx); err != nil {
		_ = b.Kill()
		return fmt.Errorf("the broker did not come up: %w\n%s", err, b.LogTail())
	}
	return nil
}

// start starts cmd on a thread that lives as long as it does: Linux ends the
// child with the thread, not the process, that started it.
func start(cmd *exec.Cmd) (*run, error) {
	r := &run{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err == nil {
			r.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(r.done)
		}
	}()
	return r, <-started
}

// waitReady returns when a client sees the broker in its own metadata.
func (b *Broker) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addr))
	if err != nil {
		return err
	}
	defer client.Close()
	retry := time.NewTicker(100 * time.Millisecond)
	defer retry.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		brokers, err := kadm.NewClient(client).ListBrokers(attempt)
		cancel()
		if err == nil && len(brokers) > 0 {
			return nil
		}
		select {
		case <-retry.C:
		case <-b.run.done:
			return errors.New("its process ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w", b.Addr, errors.Join(ctx.Err(), err))
		}
	}
}

// Stop ends the broker cleanly, and after 30 s by force. A broker that is down
// stays down.
func (b *Broker) Stop() error {
	if b.run == nil {
		return nil
	}
	if err := syscall.Kill(-b.run.pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("stopping the broker: %w", err)
	}
	select {
	case <-b.run.done:
		b.run = nil
		return nil
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("the broker did not stop in %v and was killed", stopTimeout), b.Kill())
	}
}

// Kill ends the broker at once, as a power cut would.
func (b *Broker) Kill() error {
	if b.run == nil {
		return nil
	}
	if err := syscall.Kill(-b.run.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing the broker: %w", err)
	}
	<-b.run.done
	b.run = nil
	return nil
}

// LogTail is the end of what the broker logged.
func (b *Broker) LogTail() string {
	log, err := os.ReadFile(b.path("kafka.log"))
	if err != nil {
		return err.Error()
	}
	return string(tail(log, 4000))
}
