package engine

import (
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// gate holds back what the brokers answer to a client while it is closed: so
// long no record can be refused. The client fails all records that it has of a
// partition when one is refused, but not those that it is given afterwards; it
// may send at any time, so that those would overtake the refused one.
type gate struct{ closed sync.Mutex }

var _ kgo.HookBrokerRead = (*gate)(nil)

// OnBrokerRead implements kgo.HookBrokerRead: the client waits for it before it
// looks at what it has read.
func (g *gate) OnBrokerRead(kgo.BrokerMetadata, int16, int, time.Duration, time.Duration, error) {
	g.closed.Lock()
	g.closed.Unlock() //lint:ignore SA2001 it waits until the gate is open, and nothing else
}
