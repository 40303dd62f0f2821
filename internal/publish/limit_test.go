package publish

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestRecordLimitFollowsTheSmallestTopic(t *testing.T) {
	cluster := kfake.MustCluster(kfake.NumBrokers(1))
	defer cluster.Close()
	config := DefaultKafkaConfig()
	config.Brokers, config.ReplicationFactor = cluster.ListenAddrs(), 1
	client, err := kgo.NewClient(kgo.SeedBrokers(config.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := config.EnsureTopics(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		set  string // max.message.bytes of risk.scores
		want int
		err  string
	}{
		{"", MaxRecordBytes, ""},
		{"5000000", MaxRecordBytes, ""},
		{"200000", 200_000 - batchReserve, ""},
		{"60000", 0, "risk.scores has max.message.bytes=60000"},
	} {
		if tt.set != "" {
			if _, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &tt.set}}, "risk.scores"); err != nil {
				t.Fatal(err)
			}
		}
		got, err := config.RecordLimit(t.Context(), admin)
		if got != tt.want || (err == nil) != (tt.err == "") || !strings.Contains(errorText(err), tt.err) {
			t.Errorf("max.message.bytes=%s: limit %d, error %v; want %d, %q", tt.set, got, err, tt.want, tt.err)
		}
	}
}
