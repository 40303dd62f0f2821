package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
)

func validateCommand() *cobra.Command {
	var configFile string
	cmd := &cobra.Command{
		Use:   "validate --config FILE",
		Short: "Check a configuration with its rules, policies, databases and directory",
		Long: `Validate reads the configuration and everything it names, as run would, and
prints every error at once with its place. It does not connect to Kafka.`,
		Example: `  riskstream validate --config riskstream.yaml`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return validate(cmd, configFile) },
	}
	cmd.Flags().StringVarP(&configFile, "config", "c", "", "configuration `file`")
	return cmd
}

func validate(cmd *cobra.Command, configFile string) error {
	if configFile == "" {
		return usageError{errors.New("validate needs --config FILE")}
	}
	cfg, err := config.Load(configFile)
	if err != nil {
		return err
	}
	pipeline, err := engine.NewPipeline(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer pipeline.Close()
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: good; %d sources, %d rules, configuration %s\n", configFile, len(cfg.Sources), pipeline.Rules(), pipeline.Hash())
	return err
}
