package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/enrich"
)

func validateCommand() *cobra.Command {
	var configFile string
	cmd := &cobra.Command{
		Use:   "validate --config FILE",
		Short: "Check a configuration with its rules, policies, databases and directory",
		Long: `Validate reads the configuration and everything it names, as run would, and
every record of the databases. It prints every error at once with its place, and
exits with 1 if there is any. It does not connect to Kafka.`,
		Example: `  riskstream validate --config riskstream.yaml`,
		Args:    usageArgs(cobra.NoArgs),
		RunE:    func(cmd *cobra.Command, _ []string) error { return validate(cmd, configFile) },
	}
	configFlag(cmd, &configFile)
	return cmd
}

func validate(cmd *cobra.Command, configFile string) error {
	if configFile == "" {
		return usageError{errors.New("validate needs --config FILE")}
	}
	log := plainLog(cmd.ErrOrStderr())
	cfg, pipeline, err := open(configFile, log)
	if cfg == nil {
		return err
	}
	if pipeline != nil {
		defer pipeline.Close()
	}
	checks := enrich.Check(cfg.Enrichment())
	if _, err := cfg.Kafka.ClientOptions(log); err != nil {
		checks = append(checks, err) // a certificate
	}
	if err := withMore(err, cfg.Place(errors.Join(checks...))); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is valid: %s, %s, hash %s\n", configFile, plural(len(cfg.Sources), "source"), plural(len(pipeline.Rules()), "rule"), pipeline.Hash())
	return err
}

// withMore adds to what opening a configuration found those lines of a closer
// look that are not in it already.
func withMore(opened, checked error) error {
	if checked == nil {
		return opened
	}
	if opened == nil {
		return &configError{checked}
	}
	said := strings.Split(opened.Error(), "\n")
	errs := []error{errors.Unwrap(opened)}
	for line := range strings.SplitSeq(checked.Error(), "\n") {
		if !slices.Contains(said, line) {
			errs = append(errs, errors.New(line))
		}
	}
	return &configError{errors.Join(errs...)}
}

// configFlag is the flag that every command names its configuration with.
func configFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVarP(into, "config", "c", "", "configuration `file`")
	if err := cmd.MarkFlagFilename("config", "yaml", "yml"); err != nil {
		panic(err) // the flag does not exist
	}
}
