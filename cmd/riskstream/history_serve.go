package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/historyapi"
)

func historyServeCommand() *cobra.Command {
	var configFile, listen string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer questions to the history over HTTP, read only, on this machine",
		Long: `Serve answers over HTTP what the other commands print; /openapi.json describes
it. It listens on a loopback address alone and knows no users: whoever can reach
it on this machine may read. For others put a proxy in front that asks who they
are.

SIGTERM drains: what was asked is answered.`,
		Example: `  riskstream history serve -c riskstream.yaml
  curl 'http://127.0.0.1:9465/v1/top?since=7d&limit=5'`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			return serveHistory(ctx, configFile, listen, slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil)))
		},
	}
	configFlag(cmd, &configFile)
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9465", "loopback `address` to listen on")
	return cmd
}

func serveHistory(ctx context.Context, configFile, listen string, log *slog.Logger) (err error) {
	cfg, err := historyConfig(configFile)
	if err != nil {
		return err
	}
	listener, err := historyapi.Listen(listen)
	if err != nil {
		return usageError{err}
	}
	defer listener.Close() // Serve has closed it, unless the history could not be opened
	open := func(ctx context.Context) (*history.Store, error) { return history.Open(ctx, cfg.History) }
	api, err := historyapi.New(ctx, open, clock, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, api.Close()) }()
	log.Info("answering", "version", version, "http", listener.Addr().String())
	if err := api.Serve(ctx, listener); err != nil {
		return err
	}
	log.Info("drained")
	return nil
}
