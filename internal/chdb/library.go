package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Variable is the environment variable that names the shared library itself,
// and comes before the place where Fetch puts it.
const Variable = "RISKSTREAM_LIBCHDB"

// Version is the release of libchdb's npm packages that Fetch gets.
const Version = "26.7.3-stable.1"

// ErrMissing is in the error of Find and Open when there is no library.
var ErrMissing = errors.New("libchdb, the embedded ClickHouse, is not installed")

// ErrUnsupported is in the error of Find, Fetch and Open where libchdb cannot
// run, or nobody has checked one that could be fetched.
var ErrUnsupported = errors.New("the embedded ClickHouse is not available here")

// A release is libchdb for one platform, as a package of the npm registry.
type release struct {
	platform  string // the end of the package's name
	integrity string // SHA-512 of the archive, in base64; "" where nobody has checked one
}

// releases says what to fetch for a platform of Go. Only archives that were
// looked into are pinned, and only what is pinned is fetched.
func releases() map[string]release {
	return map[string]release{
		"linux/amd64":  {"linux-x64-gnu", "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="},
		"linux/arm64":  {"linux-arm64-gnu", ""},
		"darwin/arm64": {"darwin-arm64", ""},
		"darwin/amd64": {"darwin-x64", ""},
	}
}

// ours is the release for this machine.
func ours() (release, error) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	r, ok := releases()[platform]
	if !ok {
		return release{}, fmt.Errorf("%w: there is no libchdb for %s; use a ClickHouse server", ErrUnsupported, platform)
	}
	return r, nil
}

// Find returns the path of the shared library: what RISKSTREAM_LIBCHDB names,
// else what Fetch has put into the user's cache directory. If it is not there,
// the error contains ErrMissing and says how to get it.
func Find() (string, error) {
	if !canLoad {
		return "", fmt.Errorf("%w: it runs on Linux and macOS, on amd64 and arm64, in a build without the tag nochdb; use a ClickHouse server", ErrUnsupported)
	}
	if path := os.Getenv(Variable); path != "" {
		if err := regular(path); err != nil {
			return "", fmt.Errorf("%w: %s names a file that cannot be used: %w", ErrMissing, Variable, err)
		}
		return path, nil
	}
	path, err := cached()
	if err != nil {
		return "", err
	}
	if err := regular(path); err != nil {
		return "", fmt.Errorf("%w (%s): get it with `make libchdb` or `riskstream history install`, or name a libchdb.so in %s", ErrMissing, path, Variable)
	}
	return path, nil
}

// cached is where Fetch puts the library.
func cached() (string, error) {
	r, err := ours()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for libchdb: %w; set HOME, or name a libchdb.so in %s", err, Variable)
	}
	return filepath.Join(cache, "riskstream", "libchdb-"+Version+"-"+r.platform, "libchdb.so"), nil
}

func regular(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return nil
}
