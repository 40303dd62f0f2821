package publish

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func broker(t *testing.T) (*kfake.Cluster, *kadm.Client) {
	t.Helper()
	cluster := kfake.MustCluster(kfake.NumBrokers(1))
	t.Cleanup(cluster.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return cluster, kadm.NewClient(client)
}

func TestEnsureTopicsCreatesWhatIsMissing(t *testing.T) {
	cluster, admin := broker(t)
	config := DefaultKafkaConfig()
	config.TopicPrefix, config.Partitions = "eu.", 3
	for range 2 { // the second time there is nothing to do
		warnings, err := config.EnsureTopics(t.Context(), admin)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("warnings %q, error %v", warnings, err)
		}
	}
	want := map[string]map[string]string{
		"eu.risk.events":     {"cleanup.policy": "delete", "retention.ms": "7776000000"},
		"eu.risk.detections": {"cleanup.policy": "delete", "retention.ms": "2592000000"},
		"eu.risk.scores":     {"cleanup.policy": "compact", "delete.retention.ms": "172800000", "segment.ms": "3600000"},
		"eu.risk.deadletter": {"cleanup.policy": "delete", "retention.ms": "1209600000", "max.message.bytes": "1048588"},
	}
	for topic, settings := range want {
		info := cluster.TopicInfo(topic)
		if info == nil {
			t.Errorf("%s was not created", topic)
			continue
		}
		details, err := admin.ListTopics(uncached(t.Context()), topic)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(details[topic].Partitions); n != 3 {
			t.Errorf("%s has %d partitions, want 3", topic, n)
		}
		got := map[string]string{}
		configs, err := admin.DescribeTopicConfigs(t.Context(), topic)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range configs[0].Configs {
			if _, wanted := settings[c.Key]; wanted {
				got[c.Key] = c.MaybeValue()
			}
		}
		if diff := cmp.Diff(settings, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", topic, diff)
		}
	}
}

func TestEnsureTopicsRefusesAnotherNumberOfPartitions(t *testing.T) {
	_, admin := broker(t)
	config := DefaultKafkaConfig()
	if _, err := config.EnsureTopics(t.Context(), admin); err != nil {
		t.Fatal(err)
	}
	config.Partitions = 16
	_, err := config.EnsureTopics(t.Context(), admin)
	for _, want := range []string{"risk.events has 8", "risk.detections", "risk.scores", "kafka.partitions is 16", "kafka.topic_prefix", "docs/kafka.md"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant it to say %q", err, want)
		}
	}
	if err != nil && strings.Contains(err.Error(), "deadletter") {
		t.Errorf("error %v\nspeaks of risk.deadletter, whose partitions do not matter", err)
	}
}

func TestEnsureTopicsLeavesSettingsAloneAndWarns(t *testing.T) {
	cluster, admin := broker(t)
	config := DefaultKafkaConfig()
	if err := cluster.CreateTopic("risk.scores", 8, map[string]string{"cleanup.policy": "delete"}); err != nil {
		t.Fatal(err)
	}
	warnings, err := config.EnsureTopics(t.Context(), admin)
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "cleanup.policy=delete") {
		t.Fatalf("warnings %q, error %v; want one warning of cleanup.policy", warnings, err)
	}
}

// Two instances that start at once both find nothing.
func TestEnsureTopicsToleratesAnotherCreator(t *testing.T) {
	cluster, admin := broker(t)
	var once sync.Once
	cluster.ControlKey(int16(kmsg.CreateTopics), func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(func() {
			if err := cluster.CreateTopic("risk.events", 4, nil); err != nil {
				t.Error(err)
			}
		})
		return nil, nil, false
	})
	_, err := DefaultKafkaConfig().EnsureTopics(t.Context(), admin)
	if err == nil || !strings.Contains(err.Error(), "risk.events has 4 partitions") {
		t.Errorf("error %v; want the other instance's number of partitions to be refused", err)
	}
}

func TestMissingTopics(t *testing.T) {
	cluster, admin := broker(t)
	if err := cluster.CreateTopic("idp.okta", 1, nil); err != nil {
		t.Fatal(err)
	}
	got, err := MissingTopics(t.Context(), admin, "idp.okta", "idp.keycloak", "idp.entra")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"idp.entra", "idp.keycloak"}, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}
