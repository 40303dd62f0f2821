package chdb

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	registry   = "https://registry.npmjs.org"
	member     = "package/libchdb.so" // of the archive
	maxArchive = 512 << 20            // bytes; the archives have about 180 MB
	maxLibrary = 2 << 30              // bytes; the libraries have about 570 MB
	stall      = time.Minute          // without a byte, the download is given up
	abandoned  = 24 * time.Hour       // after which a partial file is nobody's any more
)

// Fetch returns the path of the shared library and downloads it first if it is
// not there, about 180 MB from the npm registry, or from the one that
// NPM_CONFIG_REGISTRY names. An archive whose SHA-512 is not the pinned one is
// refused. progress, unless nil, is called while the archive arrives, with
// bytes; total is −1 if the registry does not say it. Several processes may
// fetch at once: the library gets its name when it is whole.
func Fetch(ctx context.Context, progress func(done, total int64)) (string, error) {
	path, err := Find()
	if err == nil || !canLoad || os.Getenv(Variable) != "" {
		return path, err
	}
	if path, err = cached(); err != nil {
		return "", err
	}
	r, err := ours()
	if err != nil {
		return "", err
	}
	if err := fetch(ctx, r, path, progress); err != nil {
		return "", fmt.Errorf("fetching libchdb: %w", err)
	}
	return path, nil
}

func fetch(ctx context.Context, r release, path string, progress func(done, total int64)) error {
	if r.integrity == "" {
		return fmt.Errorf("%w: this version of riskstream knows no checksum of @chdb/lib-%s %s; install that package and name its libchdb.so in %s, or use a ClickHouse server", ErrUnsupported, r.platform, Version, Variable)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	removeAbandoned(dir)
	f, err := os.CreateTemp(dir, "partial-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := download(ctx, r, f, progress); err != nil {
		return err
	}
	if err := f.Chmod(0o755); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// removeAbandoned removes what processes that were killed have left.
func removeAbandoned(dir string) {
	partial, _ := filepath.Glob(filepath.Join(dir, "partial-*"))
	for _, name := range partial {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > abandoned {
			os.Remove(name)
		}
	}
}

// download writes the library to w. What it has written is worth nothing unless
// it returns nil.
func download(ctx context.Context, r release, w io.Writer, progress func(done, total int64)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing has arrived for %v", stall)) })
	defer watchdog.Stop()

	url := archiveURL(r)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return whyEnded(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	hash := sha512.New()
	body := &counted{r: io.TeeReader(io.LimitReader(resp.Body, maxArchive), hash), total: resp.ContentLength, progress: progress, watchdog: watchdog}
	unpackErr := unpack(body, w)
	// The rest counts for the checksum, which says more than an error of the format.
	if _, err := io.Copy(io.Discard, body); err != nil {
		return whyEnded(ctx, fmt.Errorf("%s: %w", url, err))
	}
	if sum := base64.StdEncoding.EncodeToString(hash.Sum(nil)); sum != r.integrity {
		return fmt.Errorf("%s is not the archive that was published: its SHA-512 is %s, expected %s; nothing was installed", url, sum, r.integrity)
	}
	return unpackErr
}

// whyEnded prefers the cause that a context was ended for.
func whyEnded(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func archiveURL(r release) string {
	base := registry
	for _, name := range []string{"NPM_CONFIG_REGISTRY", "npm_config_registry"} {
		if v := os.Getenv(name); v != "" {
			base = strings.TrimRight(v, "/")
			break
		}
	}
	return fmt.Sprintf("%s/@chdb/lib-%s/-/lib-%s-%s.tgz", base, r.platform, r.platform, Version)
}

// unpack copies the library out of the archive; names of members are compared,
// never used as paths.
func unpack(archive io.Reader, w io.Writer) error {
	zr, err := gzip.NewReader(archive)
	if err != nil {
		return err
	}
	tr := tar.NewReader(zr)
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the archive has no %s", member)
		}
		if err != nil {
			return err
		}
		if header.Name != member || header.Typeflag != tar.TypeReg {
			continue
		}
		if header.Size > maxLibrary {
			return fmt.Errorf("%s has %d bytes, more than the %d that are allowed", member, header.Size, int64(maxLibrary))
		}
		_, err = io.Copy(w, tr)
		return err
	}
}

// counted reports what is read, and keeps the watchdog quiet meanwhile.
type counted struct {
	r           io.Reader
	done, total int64
	progress    func(done, total int64)
	watchdog    *time.Timer
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n > 0 {
		c.done += int64(n)
		c.watchdog.Reset(stall)
		if c.progress != nil {
			c.progress(c.done, c.total)
		}
	}
	return n, err
}
