package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/demo"
)

func demoCommand() *cobra.Command {
	var o demo.Options
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a simulated company, its attackers, and the live scores",
		Long: `Demo starts a Kafka broker inside this process, lets a small company sign in
(three weeks of history in a moment, then live), sends a few attackers after it,
and shows the riskiest users with the reasons for their scores.

Any Kafka client on this machine can read the topics while it runs. Ctrl-C ends
it.`,
		Example: `  riskstream demo
  riskstream demo --events okta.jsonl             your own log instead
  kcat -b 127.0.0.1:19092 -t risk.scores -C -q    (in another terminal)`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Out, o.Message = os.Stdout, cmd.ErrOrStderr()
			return demo.Run(cmd.Context(), o)
		},
	}
	cmd.Flags().IntVar(&o.Port, "port", 19092, "`port` of the broker on 127.0.0.1; a free one if it is taken")
	cmd.Flags().StringSliceVar(&o.Files, "events", nil, "log `file`s to feed instead of the simulated company")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the simulated company")
	return cmd
}
