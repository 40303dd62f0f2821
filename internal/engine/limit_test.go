package engine

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/kafkatest"
)

func TestRecordsThatDoNotFitAreCut(t *testing.T) {
	testRecordsThatDoNotFitAreCut(t, kafkatest.Fake(t), "")
}

// Where an operator lets the topics take less, an event that does not fit
// becomes a dead letter, and a dead letter keeps less.
func testRecordsThatDoNotFitAreCut(t *testing.T, addr, prefix string) {
	w := newWorld(t, addr, prefix, 24)
	w.ensureTopics()
	w.cfg.Engine.KeepOriginal = true
	topics, small := w.cfg.Kafka.Topics(), "70000"
	for _, topic := range []string{topics.Events, topics.DeadLetter} {
		if _, err := w.admin.AlterTopicConfigs(w.ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &small}}, topic); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(1_000)
	signIn := w.company.Next()
	for signIn.Topic != "idp.okta" {
		signIn = w.company.Next()
	}
	large := append(bytes.TrimSuffix(bytes.TrimSpace(signIn.Value), []byte("}")), `,"unknown":"`+strings.Repeat(`\"`, 33_000)+`"}`...)
	control := bytes.Repeat([]byte{1}, 100_000) // six bytes each as JSON text
	for _, value := range [][]byte{large, control} {
		if err := w.client.ProduceSync(w.ctx, &kgo.Record{Topic: prefix + "idp.okta", Value: value, Timestamp: signIn.Time.Std()}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	w.produce(1_000)
	w.scoreAll()
	oversized := 0
	for _, r := range readTopic(t, w.ctx, w.addr, topics.DeadLetter) {
		if len(r.Value) > 70_000 {
			t.Errorf("a dead letter of %d bytes", len(r.Value))
		}
		if bytes.Contains(r.Value, []byte(`"reason":"`+ingest.Oversized)) {
			oversized++
		}
	}
	if oversized != 1 {
		t.Errorf("%d events became dead letters because of their size, want 1", oversized)
	}
}
