// Package lockfile keeps a directory for one process: who holds the lock on a
// file in it has it for as long as the process lives, however that ends.
package lockfile

import "errors"

// ErrHeld says that another process, or this one, holds the lock.
var ErrHeld = errors.New("the lock is held")
