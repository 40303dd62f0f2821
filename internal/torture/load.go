package torture

import (
	"context"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/internal/simulate"
)

// brokenEvery is how many raw records there are for one that cannot be read.
const brokenEvery = 500

// mail keys raw records by the person they name, as a connector does that keeps
// each person's events in order over several partitions.
var mail = regexp.MustCompile(`[a-z.]+@[a-z.]+`)

// load produces the events of a simulated company, in the order of their times,
// at a steady rate, until it is told to stop.
type load struct {
	client  *kgo.Client
	company *simulate.Company
	prefix  string
	rate    int // records per second

	began    time.Time
	ended    time.Time // to read once stopped
	produced atomic.Int64
	broken   int64 // of them; to read once stopped
	stop     context.CancelFunc
	done     chan struct{}

	mu     sync.Mutex
	failed error
}

// startLoad begins at once. What the brokers do not take now the client keeps
// and offers again, without end and in order.
func startLoad(ctx context.Context, brokers []string, company *simulate.Company, prefix string, rate int) (*load, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MaxBufferedRecords(1<<20))
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	l := &load{client: client, company: company, prefix: prefix, rate: rate, began: time.Now(), stop: stop, done: make(chan struct{})}
	go l.run(ctx)
	return l, nil
}

func (l *load) run(ctx context.Context) {
	defer close(l.done)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			due := int64(time.Since(l.began).Seconds() * float64(l.rate))
			for l.produced.Load() < due {
				l.next()
			}
		}
	}
}

func (l *load) next() {
	record := l.company.Next()
	value := record.Value
	if l.produced.Add(1)%brokenEvery == 0 {
		value = []byte(`{"broken":`)
		l.broken++
	}
	l.client.Produce(context.Background(), &kgo.Record{
		Topic: l.prefix + record.Topic, Key: mail.Find(record.Value), Value: value, Timestamp: record.Time.Std(),
	}, l.acknowledge)
}

func (l *load) acknowledge(_ *kgo.Record, err error) {
	if err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.failed == nil {
			l.failed = err
		}
	}
}

// end stops producing and waits until the brokers have taken everything.
func (l *load) end(ctx context.Context) error {
	l.stop()
	<-l.done
	l.ended = time.Now()
	defer l.client.Close()
	if err := l.client.Flush(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
