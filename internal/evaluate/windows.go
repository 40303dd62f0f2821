package evaluate

import "github.com/riskstream/riskstream/event"

// Windows cut a log in three by time: before Calibrate methods only learn, from
// there on thresholds are fixed, and from Test on they are tested.
type Windows struct {
	Calibrate event.Time `json:"calibrate"`
	Test      event.Time `json:"test"`
}

func (w Windows) calibration(t event.Time) bool { return t >= w.Calibrate && t < w.Test }
func (w Windows) test(t event.Time) bool        { return t >= w.Test }
