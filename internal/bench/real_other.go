//go:build !unix

package bench

import (
	"context"
	"errors"
)

func startReal(context.Context, string) (*broker, error) {
	return nil, errors.New("starting Apache Kafka needs a Unix; start one and name it with --brokers")
}
