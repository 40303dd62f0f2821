//go:build !negativecontrol

package engine

// commitsEarly is true in the negative control of package torture only.
const commitsEarly = false

func (*worker) commitAhead() error { return nil }
