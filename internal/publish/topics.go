package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Topics are the names of riskstream's own topics.
type Topics struct {
	Events     string // normalised events, key tenant/subject
	Detections string // evidence, key tenant/subject
	Scores     string // compacted, key the score's entity
	DeadLetter string // what could not be parsed, key the source topic

	// State is the changelog of the subject lane's state: compacted, with the
	// partitions of Events. It is riskstream's own; its form is no contract.
	State string

	Activity    string // what the source lane sees, key a source network or an application
	SourceState string // the changelog of the source lane's state, with the partitions of Activity
}

// Topics names the topics, behind the configured prefix.
func (c KafkaConfig) Topics() Topics {
	return Topics{
		Events:     c.TopicPrefix + "risk.events",
		Detections: c.TopicPrefix + "risk.detections",
		Scores:     c.TopicPrefix + "risk.scores",
		DeadLetter: c.TopicPrefix + "risk.deadletter",
		State:      c.TopicPrefix + "risk.state",

		Activity:    c.TopicPrefix + "risk.activity",
		SourceState: c.TopicPrefix + "risk.source_state",
	}
}

// Group names the consumer group of one part of riskstream ("ingest",
// "subject-lane"). It has the topics' prefix: another prefix starts afresh,
// which is how the number of partitions is changed.
func (c KafkaConfig) Group(part string) string { return c.TopicPrefix + "riskstream-" + part }

// MaxRecordBytes bounds a batch that riskstream produces, in bytes. It stays
// under maxMessageBytes by the batch's own header.
const MaxRecordBytes = 1_000_000

// maxMessageBytes is Kafka's own default of max.message.bytes. It is set on
// each topic, so that a smaller default of the brokers does not refuse dead
// letters: a raw record of 64 KiB can take 384 KiB as escaped text.
const maxMessageBytes = 1_048_588

// Retention of the topics.
const (
	// eventsRetention is how far back scores can be explained and replayed from
	// Kafka alone. It is twice the 45 days after which an account counts as
	// dormant, the longest span that a detector looks back on; and it is
	// finite, since the events are personal data.
	eventsRetention = 90 * day
	// activityRetention leaves the source lane a long weekend's outage. Nothing
	// else reads it, and all that it says stands in the events too.
	activityRetention = 3 * day
	// detectionsRetention leaves a month to look into an incident.
	detectionsRetention = 30 * day
	// deadLetterRetention leaves a fortnight to mend a parser and read again.
	deadLetterRetention = 14 * day
	// tombstoneRetention is how long a reader may be away, or busy with its
	// first reading, and still see that a session's record has ended. A snapshot
	// of the state must be younger.
	tombstoneRetention = 2 * day
	// maxCompactionLag ends superseded scores within a day, also on a topic with
	// little traffic; they are personal data.
	maxCompactionLag = day
	// maxStateLag does the same for superseded states, of which there are more.
	maxStateLag = 2 * day

	day = 24 * time.Hour
)

type topic struct {
	name     string
	keyed    bool // order by key matters: the number of partitions is fixed
	settings map[string]string
}

func (c KafkaConfig) topics() []topic {
	names := c.Topics()
	kept := func(d time.Duration) map[string]string {
		return map[string]string{"cleanup.policy": "delete", "retention.ms": millis(d)}
	}
	list := []topic{
		{names.Events, true, kept(eventsRetention)},
		{names.Detections, true, kept(detectionsRetention)},
		{names.Scores, true, map[string]string{
			"cleanup.policy":      "compact",
			"delete.retention.ms": millis(tombstoneRetention),
			// The newest segment is never compacted. Small and young segments
			// and an eager cleaner keep the first reading of an enforcement
			// point near the number of subjects.
			"segment.bytes":             strconv.Itoa(64 << 20),
			"segment.ms":                millis(time.Hour),
			"min.cleanable.dirty.ratio": "0.1",
			"max.compaction.lag.ms":     millis(maxCompactionLag),
		}},
		{names.DeadLetter, false, kept(deadLetterRetention)},
		{names.State, true, changelog()},
		{names.Activity, true, kept(activityRetention)},
		{names.SourceState, true, changelog()},
	}
	for _, t := range list {
		t.settings["max.message.bytes"] = strconv.Itoa(maxMessageBytes)
	}
	return list
}

// changelog keeps the last record of each key. A larger share of superseded
// records than in scores is tolerated: the state is written often and read
// seldom.
func changelog() map[string]string {
	return map[string]string{
		"cleanup.policy":            "compact",
		"delete.retention.ms":       millis(tombstoneRetention),
		"segment.bytes":             strconv.Itoa(128 << 20),
		"segment.ms":                millis(6 * time.Hour),
		"min.cleanable.dirty.ratio": "0.3",
		"max.compaction.lag.ms":     millis(maxStateLag),
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// EnsureTopics creates those of riskstream's topics that are missing. Topics
// that exist keep their settings, which are the operator's; a setting that
// breaks readers comes back as a warning, and a changed number of partitions is
// refused, since subjects would part from their state.
func (c KafkaConfig) EnsureTopics(ctx context.Context, admin *kadm.Client) (warnings []string, err error) {
	wanted := c.topics()
	// A second round looks at topics that another instance created meanwhile.
	for range 2 {
		existing, err := existingTopics(ctx, admin, wanted)
		if err != nil {
			return nil, err
		}
		if err := c.checkPartitions(wanted, existing); err != nil {
			return nil, err
		}
		raced, err := c.create(ctx, admin, wanted, existing)
		if err != nil {
			return nil, err
		}
		if !raced {
			break
		}
	}
	return c.checkCompaction(ctx, admin), nil
}

// uncached makes the client ask the brokers. It answers from what it heard some
// seconds ago otherwise, when a topic may not have existed; only for the
// authorised operations, which nobody needs here, it always asks.
func uncached(ctx context.Context) context.Context { return kadm.WithAuthorizedOps(ctx) }

func existingTopics(ctx context.Context, admin *kadm.Client, wanted []topic) (kadm.TopicDetails, error) {
	var names []string
	for _, t := range wanted {
		names = append(names, t.name)
	}
	details, err := admin.ListTopics(uncached(ctx), names...)
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	for name, detail := range details {
		if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
			delete(details, name)
		} else if detail.Err != nil {
			return nil, fmt.Errorf("topic %s: %w", name, detail.Err)
		}
	}
	return details, nil
}

func (c KafkaConfig) checkPartitions(wanted []topic, existing kadm.TopicDetails) error {
	var failed []error
	for _, t := range wanted {
		detail, exists := existing[t.name]
		if n := len(detail.Partitions); exists && t.keyed && n != int(c.Partitions) {
			failed = append(failed, fmt.Errorf("topic %s has %d partitions but kafka.partitions is %d; subjects would move to partitions that do not hold their state. "+
				"Set kafka.partitions to %d, or start afresh with another kafka.topic_prefix (docs/kafka.md, \"Changing the number of partitions\")",
				t.name, n, c.Partitions, n))
		}
	}
	return errors.Join(failed...)
}

// create creates what does not exist. It reports whether another instance was
// faster with one of them.
func (c KafkaConfig) create(ctx context.Context, admin *kadm.Client, wanted []topic, existing kadm.TopicDetails) (raced bool, err error) {
	for _, t := range wanted {
		if existing.Has(t.name) {
			continue
		}
		settings := make(map[string]*string, len(t.settings))
		for name, value := range t.settings {
			settings[name] = &value
		}
		answer, err := admin.CreateTopic(ctx, c.Partitions, c.ReplicationFactor, settings, t.name)
		switch {
		case errors.Is(err, kerr.TopicAlreadyExists):
			raced = true
		case err != nil && answer.ErrMessage != "":
			return false, fmt.Errorf("creating topic %s: %w: %.300s", t.name, err, answer.ErrMessage)
		case err != nil:
			return false, fmt.Errorf("creating topic %s: %w", t.name, err)
		}
	}
	return raced, nil
}

// checkCompaction warns of a scores topic that somebody created without
// compaction: old scores would be deleted with time, and enforcement points
// would no longer know subjects that are at risk.
func (c KafkaConfig) checkCompaction(ctx context.Context, admin *kadm.Client) []string {
	name := c.Topics().Scores
	configs, err := admin.DescribeTopicConfigs(ctx, name)
	if err == nil && len(configs) == 1 {
		err = configs[0].Err
	}
	if err != nil {
		return []string{fmt.Sprintf("cannot read the settings of topic %s, so nobody checked that it is compacted: %v", name, err)}
	}
	for _, config := range configs[0].Configs {
		if config.Key == "cleanup.policy" && config.Value != nil && *config.Value != "compact" {
			return []string{fmt.Sprintf("topic %s has cleanup.policy=%s: readers will lose scores that are still in force; set cleanup.policy=compact", name, *config.Value)}
		}
	}
	return nil
}

// MissingTopics returns those of the given topics that do not exist yet, in
// alphabetical order. Source topics belong to whoever produces to them: a
// missing one is worth a message, and consumers wait for it.
func MissingTopics(ctx context.Context, admin *kadm.Client, topics ...string) ([]string, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	details, err := admin.ListTopics(uncached(ctx), topics...)
	if err != nil {
		return nil, fmt.Errorf("listing topics: %w", err)
	}
	var missing []string
	for name, detail := range details {
		if errors.Is(detail.Err, kerr.UnknownTopicOrPartition) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return missing, nil
}
