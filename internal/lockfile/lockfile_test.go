//go:build unix

package lockfile

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestOneAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := Take(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Take(path); !errors.Is(err, ErrHeld) {
		t.Errorf("a second one gets %v, want ErrHeld", err)
	}
	release()
	if release, err = Take(path); err != nil {
		t.Errorf("after the release: %v", err)
	} else {
		release()
	}
}
