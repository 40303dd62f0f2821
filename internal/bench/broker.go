package bench

import (
	"context"
	"encoding/json"
	"io"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Commands of the processes that a benchmark starts, for whoever parses the
// command line.
const (
	LoadCommand   = "bench-load"
	BrokerCommand = "bench-broker"
)

// RunBroker is a process with the demo's broker: it writes its address as a
// line of JSON and ends when its standard input does. It is a process of its
// own so that its processor time and allocations are not taken for the engine's.
func RunBroker(ctx context.Context, in io.Reader, out io.Writer) error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return err
	}
	defer cluster.Close()
	if err := json.NewEncoder(out).Encode(cluster.ListenAddrs()[0]); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// broker is where the benchmark runs.
type broker struct {
	addr string
	kind string // for people who read the result
	stop func()
}

func startBroker(ctx context.Context, o *Options, dir string) (*broker, error) {
	switch {
	case o.Brokers != "":
		return &broker{o.Brokers, "given with --brokers", func() {}}, nil
	case o.Real:
		return startReal(ctx, dir)
	}
	c, err := startChild(ctx, BrokerCommand)
	if err != nil {
		return nil, err
	}
	b := &broker{kind: "in-process stand-in (kfake: no disk, no replication), in a process of its own", stop: c.kill}
	if err := c.hear(&b.addr); err != nil {
		return nil, err
	}
	return b, nil
}
