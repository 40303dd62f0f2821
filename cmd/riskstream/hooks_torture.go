//go:build torturehooks

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// clock is the engine's, for tests under fault: the file that
// RISKSTREAM_TEST_CLOCK names holds an offset that is added to the time, or an
// RFC 3339 time at which the clock stands.
func clock() time.Time {
	file := os.Getenv("RISKSTREAM_TEST_CLOCK")
	if file == "" {
		return time.Now()
	}
	text, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	setting := strings.TrimSpace(string(text))
	if offset, err := time.ParseDuration(setting); err == nil {
		return time.Now().Add(offset)
	}
	at, err := time.Parse(time.RFC3339, setting)
	if err != nil {
		panic(fmt.Errorf("%s: %q is neither an offset nor a time", file, setting))
	}
	return at
}
