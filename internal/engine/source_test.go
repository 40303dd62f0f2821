package engine

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/riskstream/riskstream/ingest"
	"github.com/riskstream/riskstream/internal/publish"
)

// A batch that would fill the memory when it is decompressed is stepped over
// with a dead letter, and those behind it are read.
func TestBatchThatDecompressesTooFarIsSteppedOver(t *testing.T) {
	w, _ := faulty(t)
	w.produce(500)
	bomb, err := kgo.NewClient(kgo.SeedBrokers(w.addr), kgo.ProducerBatchCompression(kgo.GzipCompression()),
		kgo.ProducerBatchMaxBytes(90<<20), kgo.MaxProduceRequestsInflightPerBroker(1), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer bomb.Close()
	if err := bomb.ProduceSync(w.ctx, &kgo.Record{Topic: "idp.okta", Value: make([]byte, 70<<20)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.produce(500)
	w.scoreAll()
}

// A source that may not be read is reported, and the others go on.
func TestUnreadableSourceDoesNotStopTheOthers(t *testing.T) {
	may := func(resource kmsg.ACLResourceType, name string) kfake.ACL {
		return kfake.ACL{Resource: resource, Name: name, Pattern: kmsg.ACLResourcePatternTypePrefixed, Operation: kmsg.ACLOperationAll, Allow: true}
	}
	mayNot := may(kmsg.ACLResourceTypeTopic, "idp.entra")
	mayNot.Operation, mayNot.Allow = kmsg.ACLOperationRead, false
	w, _ := faulty(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "p"),
		kfake.User("PLAIN", "riskstream", "p", may(kmsg.ACLResourceTypeTopic, "risk."), may(kmsg.ACLResourceTypeTopic, "idp."),
			may(kmsg.ACLResourceTypeGroup, "riskstream"), may(kmsg.ACLResourceTypeCluster, "kafka-cluster"), mayNot))
	w.cfg.Kafka.SASL = publish.SASLConfig{Mechanism: publish.MechanismPlain, Username: "riskstream", Password: "p"}
	w.produce(1_000)
	e := w.start()
	readable := []string{"idp.okta", "idp.keycloak"}
	w.wait("the readable sources to be committed", func() bool {
		offsets, err := w.admin.FetchOffsets(w.ctx, w.cfg.Kafka.Group("ingest"))
		if err != nil {
			return false
		}
		var sum int64
		for _, topic := range readable {
			for _, partition := range offsets[topic] {
				sum += max(partition.At, 0)
			}
		}
		return sum > 0 && sum == ends(w.ctx, w.admin, readable...)
	})
	if !strings.Contains(e.scrape(), `riskstream_read_errors_total{topic="idp.entra"}`) {
		t.Error("the source that cannot be read is not counted")
	}
	e.stop(t)
}

// A source topic that does not exist yet is waited for, and nothing else waits.
func TestSourceThatComesLater(t *testing.T) {
	w, _ := faulty(t)
	w.cfg.Sources = append(w.cfg.Sources, ingest.Source{Topic: "idp.later", Format: "okta"})
	w.produce(500)
	e := w.start()
	w.wait("the others to be scored", func() bool { return w.scored() > 100 })
	if _, err := w.admin.CreateTopic(w.ctx, 1, 1, nil, "idp.later"); err != nil {
		t.Fatal(err)
	}
	if err := w.client.ProduceSync(w.ctx, &kgo.Record{Topic: "idp.later", Value: []byte(`{}`)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.waitScored(e)
	e.stop(t)
}

// its new id.
func TestSourceThatIsCreatedAnew(t *testing.T) {
	w, _ := faulty(t)
	w.produce(500)
	e := w.start()
	w.waitScored(e)
	if _, err := w.admin.DeleteTopics(w.ctx, "idp.okta"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admin.CreateTopic(w.ctx, 3, 1, nil, "idp.okta"); err != nil {
		t.Fatal(err)
	}
	producer, err := kgo.NewClient(kgo.SeedBrokers(w.addr)) // that has not heard of the old one
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	before := ends(w.ctx, w.admin, "risk.deadletter")
	if err := producer.ProduceSync(w.ctx, &kgo.Record{Topic: "idp.okta", Value: []byte("{}")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.wait("the new topic to be read", func() bool { return ends(w.ctx, w.admin, "risk.deadletter") > before })
	e.stop(t)
}

// A raw record of which very much is made does not stop those behind it.
func TestRecordThatBecomesVeryMuch(t *testing.T) {
	w, _ := faulty(t)
	var raw bytes.Buffer
	packed := gzip.NewWriter(&raw)
	broken := `{"broken":"` + strings.Repeat("\\\"", 30<<10) + `"}`
	for i := range 1000 {
		fmt.Fprint(packed, string("[,"[min(i, 1)]), broken)
	}
	fmt.Fprint(packed, "]")
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.client.ProduceSync(w.ctx, &kgo.Record{Topic: "idp.okta", Value: raw.Bytes()}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	w.produce(1_100)
	w.scoreAll()
}
