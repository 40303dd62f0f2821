//go:build unix

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/child"
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
	ID   int32  // as Kafka names it

	dir  string
	java string
	jars string
	jvm  []string       // its flags
	life *child.Process // nil while the broker is down
}

// testJVM is a small heap and the quick compiler: tests want a broker that is
// up soon.
var testJVM = []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}

// measuredJVM is what Apache Kafka's own scripts give a broker: 1 GB, the G1
// collector and all compilers. Such a broker starts slowly and works fast.
var measuredJVM = []string{"-Xms1g", "-Xmx1g", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"}

// StartReal fetches Apache Kafka if need be, starts a broker whose data and log
// lie in dir, and returns when it answers. settings are lines of
// server.properties that come last; ${addr} and ${controller} in them stand for
// the addresses of the broker's own two listeners, so that more can be added.
// The broker's process ends with this one,
// however that ends.
func StartReal(ctx context.Context, dir string, settings ...string) (*Broker, error) {
	return startOne(ctx, dir, testJVM, settings)
}

// StartMeasured is StartReal for measurements: the broker's JVM is set up as in
// production.
func StartMeasured(ctx context.Context, dir string, settings ...string) (*Broker, error) {
	return startOne(ctx, dir, measuredJVM, settings)
}

func startOne(ctx context.Context, dir string, jvm, settings []string) (*Broker, error) {
	brokers, err := startCluster(ctx, dir, 1, jvm, settings)
	if err != nil {
		return nil, err
	}
	return brokers[0], nil
}

// StartCluster is StartReal for n brokers, each a controller too. What they
// store is replicated to at most three of them, and with three or more a write
// needs two.
func StartCluster(ctx context.Context, dir string, n int, settings ...string) ([]*Broker, error) {
	return startCluster(ctx, dir, n, testJVM, settings)
}

func startCluster(ctx context.Context, dir string, n int, jvm, settings []string) ([]*Broker, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java 17 or later is needed to run Apache Kafka (%w); install it, or set %s=host:port to use a running broker", err, AddrVariable)
	}
	jars, err := fetch(ctx)
	if err != nil {
		return nil, err
	}
	addrs, err := FreeAddrs(2 * n)
	if err != nil {
		return nil, err
	}
	controllers := addrs[n:]
	brokers := make([]*Broker, n)
	for i := range brokers {
		brokers[i] = &Broker{Addr: addrs[i], ID: int32(i + 1), dir: filepath.Join(dir, fmt.Sprintf("broker-%d", i+1)), java: java, jars: jars, jvm: jvm}
		if err := brokers[i].writeConfig(controllers, settings); err != nil {
			return nil, err
		}
		if err := brokers[i].format(ctx); err != nil {
			return nil, err
		}
	}
	if err := startAll(ctx, brokers); err != nil {
		for _, b := range brokers {
			_ = b.Kill()
		}
		return nil, err
	}
	return brokers, nil
}

// startAll starts all before it waits for any: one alone of several elects
// nobody and does not answer.
func startAll(ctx context.Context, brokers []*Broker) error {
	for _, b := range brokers {
		if err := b.launch(ctx); err != nil {
			return err
		}
	}
	for _, b := range brokers {
		if err := b.await(ctx, len(brokers)); err != nil {
			return err
		}
	}
	return nil
}

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

func (b *Broker) command(ctx context.Context, class string, args ...string) *exec.Cmd {
	flags := append(slices.Clone(b.jvm),
		"-Dlog4j2.configurationFile="+b.path("log4j2.properties"),
		"-cp", filepath.Join(b.jars, "*"), class,
	)
	cmd := exec.CommandContext(ctx, b.java, append(flags, args...)...)
	cmd.Dir = b.dir
	return cmd
}

// Restart starts a broker that is down, on its old address with its old data,
// and returns when it answers.
func (b *Broker) Restart(ctx context.Context) error {
	if err := b.launch(ctx); err != nil {
		return err
	}
	if err := b.await(ctx, 1); err != nil {
		_ = b.Kill()
		return err
	}
	return nil
}

func (b *Broker) launch(ctx context.Context) error {
	if b.life != nil {
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
	life, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("starting the broker: %w", err)
	}
	b.life = life
	return nil
}

// await returns when the broker says that so many brokers are in the cluster,
// among them itself.
func (b *Broker) await(ctx context.Context, brokers int) error {
	if err := b.waitReady(ctx, brokers); err != nil {
		return fmt.Errorf("the broker did not come up: %w\n%s", err, b.LogTail())
	}
	return nil
}

func (b *Broker) waitReady(ctx context.Context, brokers int) error {
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
		known, err := kadm.NewClient(client).ListBrokers(attempt)
		cancel()
		if err == nil && len(known) >= brokers {
			return nil
		}
		select {
		case <-retry.C:
		case <-b.life.Done():
			return errors.New("its process ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer from %s: %w", b.Addr, errors.Join(ctx.Err(), err))
		}
	}
}

// Stop ends the broker cleanly, and after 30 s by force. A broker that is down
// stays down.
func (b *Broker) Stop() error {
	if b.life == nil {
		return nil
	}
	err := b.life.Stop(stopTimeout)
	b.life = nil
	return err
}

// Kill ends the broker at once, as a power cut would.
func (b *Broker) Kill() error {
	if b.life == nil {
		return nil
	}
	if err := b.life.Kill(); err != nil {
		return err
	}
	b.life = nil
	return nil
}

// Running reports that the broker was started and not ended since.
func (b *Broker) Running() bool { return b.life != nil }

// LogTail is the end of what the broker logged.
func (b *Broker) LogTail() string {
	log, err := os.ReadFile(b.path("kafka.log"))
	if err != nil {
		return err.Error()
	}
	return string(tail(log, 4000))
}
