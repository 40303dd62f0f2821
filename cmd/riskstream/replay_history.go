package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/engine"
	"github.com/riskstream/riskstream/internal/history"
)

// replayStored replays what the history has of a user, and says how far that
// makes what was published.
func replayStored(cmd *cobra.Command, flags *replayFlags, until event.Time) (err error) {
	ctx, messages := cmd.Context(), cmd.ErrOrStderr()
	cfg, pipeline, err := open(flags.config, plainLog(messages))
	if err != nil {
		return err
	}
	defer pipeline.Close()
	store, err := history.Open(ctx, cfg.History)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	subject, err := oneSubject(ctx, store, flags.user)
	if err != nil {
		return err
	}
	r := pipeline.NewReplayOfStored(flags.lines(cmd))
	flags.collect(r)
	compared := pipeline.NewComparison()
	r.Observe(compared)
	if err := errors.Join(store.Read(ctx, history.Selection{Subject: &subject}, func(e *event.Event) error {
		r.Stored(e)
		return nil
	}), r.Flush()); err != nil {
		return err
	}
	// Before the falls of --until: those that were published follow from the
	// records before them.
	if err := store.Published(ctx, subject, compared.Published); err != nil {
		return err
	}
	result := compared.Result()
	if err := flags.finish(cmd, r, until); err != nil {
		return err
	}
	fmt.Fprintf(messages, "%s\n%s\n", stats(r.Stats()), comparisonText(subject, &result, pipeline.Hash()))
	return nil
}

// oneSubject is the user of a name, which only one may have.
func oneSubject(ctx context.Context, store *history.Store, name string) (history.Subject, error) {
	found, err := store.Find(ctx, name)
	if err != nil {
		return history.Subject{}, err
	}
	if len(found) > 1 {
		var names []string
		for _, subject := range found {
			names = append(names, subject.Tenant+"/"+subject.Name)
		}
		return history.Subject{}, fmt.Errorf("%q is a name of several users, say which: %s", name, strings.Join(names, ", "))
	}
	return found[0], nil
}

// comparisonText tells a person what a comparison has found, and why it may be so.
func comparisonText(subject history.Subject, result *engine.ComparisonResult, config string) string {
	switch {
	case result.Published == 0 && result.Missing == nil:
		return fmt.Sprintf("nothing was published of %s, and the replay makes nothing", subject)
	case result.Same == result.Published && result.Missing == nil:
		return fmt.Sprintf("the replay makes %s of %s, byte for byte", all(result.Published, "published score"), subject)
	}
	text := fmt.Sprintf("the replay makes %d of the %d published scores of %s", result.Same, result.Published, subject)
	if d := result.Differs; d != nil {
		text += fmt.Sprintf("; the first that it does not make is %s", d.Entity)
		if d.AsOf != 0 {
			text += fmt.Sprintf(" version %d of %s: %.2f %s", d.Version, d.AsOf, d.Score, d.Level)
		}
	}
	if m := result.Missing; m != nil {
		text += fmt.Sprintf("; it makes %s version %d of %s, which the history does not have", m.Entity, m.Version, m.AsOf)
	}
	var others []string
	for _, hash := range result.Configs {
		if hash != config {
			others = append(others, hash)
		}
	}
	if len(others) > 0 {
		return text + fmt.Sprintf("\npublished under the configuration %s; this one is %s", strings.Join(others, ", "), config)
	}
	return text + "\nthe configuration is the same, so events or scores are missing: history.days says how long they are kept, history audit whether all have arrived"
}

func all(n int, noun string) string {
	if n == 1 {
		return "the one " + noun
	}
	return "all " + plural(n, noun)
}

// loading is a replay that also goes into the history.
type loading struct {
	store  *history.Store
	loader *history.Loader
}

// startLoading opens the history and has it told of everything in the replay.
func startLoading(ctx context.Context, cfg *config.Config, pipeline *engine.Pipeline, r *engine.Replay) (*loading, error) {
	store, err := history.OpenToFill(ctx, cfg.History)
	if err != nil {
		return nil, err
	}
	loader := store.NewLoader(ctx, pipeline.Hash(), clock())
	r.Observe(loader)
	r.FallsFollow()
	return &loading{store, loader}, nil
}

// deadLetter puts what became no event into the history.
func (l *loading) deadLetter(d ingest.DeadLetter) { l.loader.DeadLetter(engine.Rejected(d), d.Line) }

// file replays a file from its beginning, as far as it goes when that begins.
func (l *loading) file(path string, in io.Reader, replay func(io.Reader) error) error {
	sum, size, err := checksum(path)
	if err != nil {
		return err
	}
	if err := l.loader.File(sum); err != nil {
		return err
	}
	return errors.Join(replay(&untilError{io.LimitReader(in, size), l.loader.Err}), l.loader.Err())
}

// end inserts what is left and says what was added.
func (l *loading) end() (string, error) {
	if err := l.loader.End(); err != nil {
		return "", err
	}
	events, deadLetters := l.loader.Rows()
	if events+deadLetters == 0 {
		return "nothing is new to the history: it has these files already", nil
	}
	return fmt.Sprintf("new in the history: %s, %s", plural(int(events), "event"), plural(int(deadLetters), "dead letter")), nil
}

func (l *loading) close() error {
	l.loader.Close()
	return l.store.Close()
}

// checksum is a file's SHA-256, in hexadecimal, and its size.
func checksum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	hash := sha256.New()
	size, err = io.Copy(hash, f)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// untilError reads until something else has failed.
type untilError struct {
	io.Reader
	failed func() error
}

// Read implements io.Reader.
func (r *untilError) Read(b []byte) (int, error) {
	if err := r.failed(); err != nil {
		return 0, io.EOF // the caller tells of the error itself
	}
	return r.Reader.Read(b)
}
