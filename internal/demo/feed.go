package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/config"
	"github.com/riskstream/riskstream/internal/simulate"
)

// feeder produces raw logs, as the connectors of identity providers do.
type feeder struct {
	client  *kgo.Client
	group   string // of ingest
	files   []string
	company *simulate.Company

	produced int64
	failed   atomic.Pointer[error]
}

// maxProduced is room for the largest piece that ingest.Records yields, so that
// it arrives and becomes a dead letter.
const maxProduced = 16 << 20

func newFeeder(o Options, cfg *config.Config, company *simulate.Company) (*feeder, error) {
	client, err := newClient(cfg.Kafka.Brokers[0],
		kgo.ProducerLinger(5*time.Millisecond), kgo.MaxBufferedRecords(100_000), kgo.ProducerBatchMaxBytes(maxProduced))
	if err != nil {
		return nil, err
	}
	return &feeder{client: client, group: cfg.Kafka.Group("ingest"), files: o.Files, company: company}, nil
}

func (f *feeder) run(ctx context.Context) error {
	if f.company == nil {
		return f.runFiles(ctx)
	}
	return f.runCompany(ctx)
}

// readable finds a wrong file name before anything starts.
func readable(files []string) error {
	var errs []error
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			errs = append(errs, fmt.Errorf("%s is a directory; name log files", path))
		}
		f.Close()
	}
	return errors.Join(errs...)
}

func (f *feeder) runFiles(ctx context.Context) error {
	for _, path := range f.files {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		err = ingest.Records(file, func(record []byte, _ int) error {
			return f.produce(ctx, ownTopic, append([]byte(nil), record...))
		})
		file.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return f.flush(ctx)
}

// runCompany produces the company's history as fast as it is read, and the live
// phase as it happens. The history goes in steps of a day, each when the one
// before is in risk.events: the three topics are consumed independently, and
// what arrives more than a day behind its neighbours teaches nothing.
func (f *feeder) runCompany(ctx context.Context) error {
	live, step := f.company.LiveFrom(), event.Time(0)
	for ctx.Err() == nil {
		record := f.company.Next()
		if record.Time > step {
			if err := f.settle(ctx); err != nil {
				return err
			}
			step = record.Time.Add(24 * time.Hour)
			if record.Time < live {
				step = min(step, live)
			}
		}
		if record.Time >= live {
			if err := sleep(ctx, time.Until(record.Time.Std())); err != nil {
				return err
			}
		}
		if err := f.produce(ctx, record.Topic, record.Value); err != nil {
			return err
		}
	}
	return nil
}

func (f *feeder) produce(ctx context.Context, topic string, value []byte) error {
	if failed := f.failed.Load(); failed != nil {
		return *failed
	}
	f.client.Produce(ctx, &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) {
		if err != nil {
			err = fmt.Errorf("producing to %s: %w", topic, err)
			f.failed.CompareAndSwap(nil, &err)
		}
	})
	f.produced++
	return ctx.Err()
}

func (f *feeder) flush(ctx context.Context) error {
	err := f.client.Flush(ctx)
	if failed := f.failed.Load(); failed != nil {
		err = *failed
	}
	return err
}

// settle waits until ingest has taken everything produced so far to
// risk.events: it commits only what has been acknowledged there.
func (f *feeder) settle(ctx context.Context) error {
	if err := f.flush(ctx); err != nil {
		return err
	}
	admin := kadm.NewClient(f.client)
	for {
		// An error is a group that does not exist yet.
		offsets, err := admin.FetchOffsets(ctx, f.group)
		taken := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { taken += max(o.At, 0) })
		if err == nil && taken >= f.produced {
			return nil
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
