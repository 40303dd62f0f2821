//go:build unix

package bench

import (
	"context"
	"fmt"
	"os"

	"github.com/riskstream/riskstream/internal/kafkatest"
)

// startReal starts an Apache Kafka with its data in dir.
func startReal(ctx context.Context, dir string) (*broker, error) {
	kafka, err := os.MkdirTemp(dir, "kafka-")
	if err != nil {
		return nil, err
	}
	b, err := kafkatest.StartMeasured(ctx, kafka)
	if err != nil {
		return nil, fmt.Errorf("starting Apache Kafka: %w", err)
	}
	return &broker{b.Addr, "Apache Kafka, one node, 1 GB heap, on the same machine", func() { _ = b.Kill() }}, nil
}
