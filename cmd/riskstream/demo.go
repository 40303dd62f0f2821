package main

import (
	"errors"
	"fmt"
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
and shows the riskiest users with the reasons for their scores. The first attack
comes within half a minute, the last after three.

Any Kafka client on this machine can read the topics while it runs. Ctrl-C
drains and ends it; nothing is left behind.

With --events it feeds log files of any format that replay reads, instead of
the company, and shows each user as of the file's last event.`,
		Example: `  riskstream demo
  riskstream demo --events okta.jsonl             your own log instead
  riskstream demo > demo.log                      no terminal: plain lines now and then
  kcat -b 127.0.0.1:19092 -t risk.scores -C -q    (in another terminal)`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Port < 0 || o.Port > 65535 {
				return usageError{fmt.Errorf("--port %d: want 0 (any free one) to 65535", o.Port)}
			}
			if cmd.Flags().Changed("events") && len(o.Files) == 0 {
				return usageError{errors.New("--events needs a file")}
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			o.Out, o.Message = os.Stdout, cmd.ErrOrStderr()
			return demo.Run(ctx, o)
		},
	}
	cmd.Flags().IntVar(&o.Port, "port", 19092, "`port` of the broker on 127.0.0.1; a free one if it is taken")
	cmd.Flags().StringArrayVar(&o.Files, "events", nil, "log `file` to feed instead of the simulated company; may be repeated")
	cmd.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of the simulated company")
	return cmd
}
