//go:build realkafka

package engine

import (
	"testing"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// TestRealLiveEqualsReplay is the proof on Apache Kafka: 100,000 raw events
// of three identity providers over three topics.
func TestRealLiveEqualsReplay(t *testing.T) {
	testLiveEqualsReplay(t, kafkatest.Real(t), kafkatest.Prefix(t), 100_000, 400)
}

// Only Apache Kafka refuses what is larger than the topic allows.
func TestRealRecordsThatDoNotFitAreCut(t *testing.T) {
	testRecordsThatDoNotFitAreCut(t, kafkatest.Real(t), kafkatest.Prefix(t))
}

func TestRealWarmEngineGoesOnWhereTheHistoryEnds(t *testing.T) {
	testWarmEngineGoesOnWhereTheHistoryEnds(t, kafkatest.Real(t), kafkatest.Prefix(t))
}
