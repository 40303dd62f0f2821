package main

import (
	"bufio"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

// stateCommand is for who looks into riskstream itself: its output is no
// contract, so it stands in no list.
func stateCommand() *cobra.Command {
	var configFile string
	cmd := &cobra.Command{
		Use:   "state --config FILE",
		Short: "Print what the subject lane remembers, from its changelog",
		Long: `State reads the changelog risk.state and prints one line of JSON for each
user and each fall of level to come, sorted by key: the form in which
replay --out writes state.jsonl, so that the two can be compared. It is
personal data, and its form follows the version.`,
		Example: `  riskstream state --config riskstream.yaml | grep anna.weber@corp.example`,
		Hidden:  true,
		Args:    usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if configFile == "" {
				return usageError{errors.New("state needs --config FILE")}
			}
			cfg, err := config.Load(configFile)
			if err != nil {
				return err
			}
			out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
			err = engine.WriteState(cmd.Context(), cfg, slog.New(slog.NewJSONHandler(os.Stderr, nil)), out)
			return errors.Join(err, out.Flush())
		},
	}
	configFlag(cmd, &configFile)
	return cmd
}
