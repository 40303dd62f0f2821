//go:build realkafka

package erase

import (
	"testing"
	"time"

	"github.com/riskstream/riskstream/internal/history"
	"github.com/riskstream/riskstream/internal/kafkatest"
)

// On a real broker, with its transactions: what the engine knew is gone.
func TestRealErase(t *testing.T) {
	d := deployOn(t, kafkatest.Real(t), "", false)
	d.erases(d.eraser(nil, time.Minute), history.Subject{Tenant: "default", Name: "anna@corp.example"})
}
