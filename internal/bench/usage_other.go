//go:build !unix

package bench

import (
	"errors"
	"time"
)

func processorTime() (time.Duration, error) {
	return 0, errors.New("the benchmark needs a Unix: it reads its own processor time with getrusage")
}
