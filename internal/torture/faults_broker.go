//go:build unix

package torture

import (
	"fmt"
	"strings"
	"time"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

func restartBroker(r *Run) {
	bounce(r, "clean restart of the broker", r.bed.Brokers[0], (*kafkatest.Broker).Stop, 0)
}

func crashBroker(r *Run) {
	bounce(r, "kill -9 of the broker", r.bed.Brokers[0], (*kafkatest.Broker).Kill, 0)
}

// bounce ends a broker and starts it again after a while.
func bounce(r *Run, what string, broker *kafkatest.Broker, end func(*kafkatest.Broker) error, down time.Duration) {
	f := &fault{what: what, at: time.Now(), within: takeover}
	r.must(end(broker))
	if down > 0 {
		f.healed = f.at // the other brokers are to take over
		r.sleep(down)
	}
	r.must(broker.Restart(r.ctx))
	r.done(f)
}

// outage is how long one broker of three stays away.
const outage = 10 * time.Second

func loseLeader(r *Run) {
	topic := r.kafka.Topics().Events
	details, err := r.admin.ListTopics(r.ctx, topic)
	r.must(err)
	id := r.draw.IntN(partitions)
	leader := details[topic].Partitions[int32(id)].Leader
	bounce(r, fmt.Sprintf("kill -9 of broker %d, which leads %s/%d", leader, topic, id), brokerOf(r, leader), (*kafkatest.Broker).Kill, outage)
}

func loseGroupCoordinator(r *Run) {
	group := r.kafka.Group("subject-lane")
	found := r.admin.FindGroupCoordinators(r.ctx, group)[group]
	r.must(found.Err)
	bounce(r, fmt.Sprintf("kill -9 of broker %d, which coordinates %s", found.NodeID, group), brokerOf(r, found.NodeID), (*kafkatest.Broker).Kill, outage)
}

// loseTransactionCoordinator needs a transaction; engines that make none have
// no coordinator to lose.
func loseTransactionCoordinator(r *Run) {
	transactions, err := r.admin.ListTransactions(r.ctx, nil, nil)
	r.must(err)
	for _, t := range transactions.Sorted() {
		if strings.HasPrefix(t.TxnID, r.kafka.TopicPrefix) {
			bounce(r, fmt.Sprintf("kill -9 of broker %d, which coordinates %s", t.Coordinator, t.TxnID), brokerOf(r, t.Coordinator), (*kafkatest.Broker).Kill, outage)
			return
		}
	}
	r.expect(r.Delivery != exactlyOnce, "no engine has a transaction whose coordinator could be lost")
}

// rollBrokers restarts one broker after the other, as for an upgrade.
func rollBrokers(r *Run) {
	for _, broker := range r.bed.Brokers {
		bounce(r, fmt.Sprintf("clean restart of broker %d", broker.ID), broker, (*kafkatest.Broker).Stop, 0)
		r.sleep(3 * time.Second)
	}
}

func brokerOf(r *Run, id int32) *kafkatest.Broker {
	r.t.Helper()
	for _, broker := range r.bed.Brokers {
		if broker.ID == id {
			return broker
		}
	}
	r.t.Fatalf("no broker %d", id)
	return nil
}
