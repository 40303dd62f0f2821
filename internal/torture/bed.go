//go:build unix

package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// lines is how many proxied ways to the broker a bed has. Engines beyond that
// share them.
const lines = 4

// Bed is what scenarios run on, one after the other: brokers, and the
// riskstream binary.
type Bed struct {
	Brokers []*kafkatest.Broker

	dir      string
	binaries map[string]string // by their build tags
	proxies  []*Proxy          // none on a cluster
	engines  int               // made so far
}

// NewBed starts Apache Kafka below dir. A single broker has proxied ways for
// the engines; a cluster of several has none, its faults are those of brokers.
func NewBed(ctx context.Context, dir string, brokers int) (*Bed, error) {
	bed := &Bed{dir: dir, binaries: map[string]string{}}
	var settings []string
	if brokers == 1 {
		addrs, err := kafkatest.FreeAddrs(lines)
		if err != nil {
			return nil, err
		}
		for _, addr := range addrs {
			proxy, err := NewProxy(addr)
			if err != nil {
				bed.Close()
				return nil, err
			}
			bed.proxies = append(bed.proxies, proxy)
		}
		settings = bed.listeners(addrs)
	}
	var err error
	if bed.Brokers, err = kafkatest.StartCluster(ctx, dir, brokers, settings...); err != nil {
		bed.Close()
		return nil, err
	}
	return bed, nil
}

// listeners gives the broker a listener for each proxy, which advertises the
// proxy's address: a client learns no other.
func (b *Bed) listeners(addrs []string) []string {
	listen := []string{"PLAINTEXT://${addr}", "CONTROLLER://${controller}"}
	advertised := []string{"PLAINTEXT://${addr}"}
	protocols := []string{"PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"}
	for i, addr := range addrs {
		name := fmt.Sprintf("LINE%d", i)
		listen = append(listen, name+"://"+addr)
		advertised = append(advertised, name+"://"+b.proxies[i].Addr())
		protocols = append(protocols, name+":PLAINTEXT")
	}
	return []string{
		"listeners=" + strings.Join(listen, ","),
		"advertised.listeners=" + strings.Join(advertised, ","),
		"listener.security.protocol.map=" + strings.Join(protocols, ","),
		"inter.broker.listener.name=PLAINTEXT",
	}
}

// Addrs are the brokers' own addresses, which no proxy stands before.
func (b *Bed) Addrs() []string {
	var addrs []string
	for _, broker := range b.Brokers {
		addrs = append(addrs, broker.Addr)
	}
	return addrs
}

// Mend heals and starts whatever a scenario has left broken.
func (b *Bed) Mend(ctx context.Context) error {
	for _, proxy := range b.proxies {
		proxy.Heal()
		proxy.Delay(0)
	}
	var failed error
	for _, broker := range b.Brokers {
		if !broker.Running() {
			failed = errors.Join(failed, broker.Restart(ctx))
		}
	}
	return failed
}

// Close ends brokers and proxies.
func (b *Bed) Close() error {
	var failed error
	for _, broker := range b.Brokers {
		failed = errors.Join(failed, broker.Kill())
	}
	for _, proxy := range b.proxies {
		proxy.Close()
	}
	return failed
}

// newEngine makes an engine's directory with its configuration. fill gets the
// brokers' addresses as this engine is to know them, and the address of its
// metrics.
func (b *Bed) newEngine(binary, dir, name string, fill func(e *Engine, brokers []string) string) (*Engine, error) {
	addrs, err := kafkatest.FreeAddrs(1)
	if err != nil {
		return nil, err
	}
	e := &Engine{Name: name, binary: binary, dir: filepath.Join(dir, name), http: addrs[0]}
	brokers := b.Addrs()
	if len(b.proxies) > 0 {
		e.proxy = b.proxies[b.engines%len(b.proxies)]
		brokers = []string{e.proxy.Addr()}
	}
	b.engines++
	if err := os.MkdirAll(e.StateDir(), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(e.path("riskstream.yaml"), []byte(fill(e, brokers)), 0o644); err != nil {
		return nil, err
	}
	return e, nil
}

// Binary builds riskstream with the given build tags, once.
func (b *Bed) Binary(ctx context.Context, tags ...string) (path string, err error) {
	list := strings.Join(tags, ",")
	if b.binaries[list] != "" {
		return b.binaries[list], nil
	}
	path = filepath.Join(b.dir, "bin", strings.Join(append([]string{"riskstream"}, tags...), "-"))
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", list, "-o", path, "github.com/riskstream/riskstream/cmd/riskstream")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building riskstream with tags %q: %w\n%s", list, err, out)
	}
	b.binaries[list] = path
	return path, nil
}
