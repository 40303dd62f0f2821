// Command riskstream decides how risky an identity is right now: it reads
// sign-in and access events from Kafka, or from files, and publishes an
// explainable score for each user.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(run()) }

// run returns the exit code: 0 done, 1 failed, 2 wrong usage.
func run() int {
	cmd, err := root().ExecuteContextC(context.Background())
	switch {
	case err == nil:
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintf(os.Stderr, "riskstream: %v\nTry '%s --help'.\n", err, cmd.CommandPath())
		return 2
	default:
		fmt.Fprintf(os.Stderr, "riskstream: %v\n", err)
		return 1
	}
}

// untilSignal ends the context with the first SIGINT or SIGTERM, for commands
// that drain. The second kills, as the first does with other commands.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

// usageError is a mistake in how the command was called.
type usageError struct{ error }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "riskstream",
		Short: "Real-time identity risk: sign-in logs in, explainable risk scores out",
		Example: `  riskstream demo                          see it work, with nothing installed
  riskstream replay okta.jsonl --top       the riskiest users of a log file
  riskstream normalize okta.jsonl          what riskstream understands of each event
  riskstream validate --config riskstream.yaml
  riskstream run --config riskstream.yaml  from Kafka to Kafka`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.AddCommand(runCommand(), demoCommand(), replayCommand(), normalizeCommand(), validateCommand(), historyCommand(), rulesCommand(), simulateCommand(), evaluateCommand(), fitCommand(), eraseCommand(), stateCommand(), benchCommand(), versionCommand())
	cmd.AddCommand(benchParts()...)
	return cmd
}

// usageArgs marks what a check of the arguments finds as wrong usage.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// someFiles wants at least one log file.
func someFiles(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("%s needs at least one FILE; - is standard input", cmd.Name())}
	}
	return nil
}
