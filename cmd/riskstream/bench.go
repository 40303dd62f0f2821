package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/bench"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the engine on a Kafka broker: speed, latency, memory, restarts",
		Long: `Bench sends Okta events of about 2 KB through the whole engine (all detectors,
20 rules, GeoIP) on a Kafka broker, and through a plain copy of the same
records. It prints events per second and their ratio, processor time and
allocations per event, the latency from raw event to score, bytes per subject,
the time of a restart, and how these grow with the number of subjects.

Without --brokers it starts a stand-in broker, whose numbers are not Kafka's.
With them it creates topics that begin with bench- and deletes them at the end.
Broker and load generator run beside the engine; see docs/performance.md.`,
		Example: `  riskstream bench --short                    half a minute, on the stand-in broker
  riskstream bench --short --json | jq .ratio
  riskstream bench --brokers localhost:9092
  riskstream bench --subjects 100000 --events 200000
  make bench                                  on an Apache Kafka that it starts`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.Validate(); err != nil {
				return usageError{err}
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			o.Version, o.Out = version, cmd.OutOrStdout()
			if w := cmd.ErrOrStderr(); isTerminal(w) {
				o.Progress = w
			}
			return bench.Run(ctx, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.Short, "short", false, "less of everything, within 40 s on two cores")
	f.BoolVar(&o.JSON, "json", false, "print one JSON object instead of a table")
	f.StringVar(&o.Brokers, "brokers", "", "`host:port` of a Kafka broker to use")
	f.IntVar(&o.Subjects, "subjects", 0, "`number` of users, 100 to 10000000 (default 1000000; 20000 with --short)")
	f.IntVar(&o.Events, "events", 0, "`number` of events of a backlog, 1000 to 100000000 (default 500000; 60000 with --short)")
	f.BoolVar(&o.Real, "real", false, "start an Apache Kafka, fetched with Maven, unless --brokers names one")
	if err := f.MarkHidden("real"); err != nil {
		panic(err) // the flag does not exist
	}
	return cmd
}

// benchParts are the processes that bench starts for itself.
func benchParts() []*cobra.Command {
	part := func(name string, run func(context.Context, io.Reader, io.Writer) error) *cobra.Command {
		return &cobra.Command{
			Use:    name,
			Short:  fmt.Sprintf("A part of %q, which starts it", "riskstream bench"),
			Hidden: true,
			Args:   usageArgs(cobra.NoArgs),
			RunE: func(cmd *cobra.Command, _ []string) error {
				signal.Ignore(os.Interrupt) // Ctrl-C is for the benchmark, which ends its parts
				return run(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
			},
		}
	}
	return []*cobra.Command{part(bench.LoadCommand, bench.RunLoad), part(bench.BrokerCommand, bench.RunBroker)}
}
