package chdb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// archive is an npm package with these members, and its checksum.
func archive(t *testing.T, members ...string) (tgz []byte, integrity string) {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	tw := tar.NewWriter(zw)
	for _, name := range members {
		content := "content of " + name
		if err := tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := tw.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(buf.Bytes())
	return buf.Bytes(), base64.StdEncoding.EncodeToString(sum[:])
}

// registryWith serves one archive under the name of every package.
func registryWith(t *testing.T, tgz []byte) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/npm/@chdb/lib-some-platform/-/lib-some-platform-"+Version+".tgz" {
			http.NotFound(w, r)
			return
		}
		w.Write(tgz)
	}))
	t.Cleanup(server.Close)
	t.Setenv("NPM_CONFIG_REGISTRY", server.URL+"/npm/")
}

func TestFetch(t *testing.T) {
	whole, integrity := archive(t, "../../escape", "package/other", "package/libchdb.so", "package/last")
	without, withoutIntegrity := archive(t, "package/other")
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	tests := []struct {
		name      string
		served    []byte
		integrity string
		want      string // in the error; "" for none
	}{
		{"whole", whole, integrity, ""},
		{"other bytes", flipped, integrity, "is not the archive"},
		{"cut off", whole[:len(whole)-20], integrity, "is not the archive"},
		{"more behind it", append(bytes.Clone(whole), 0), integrity, "is not the archive"},
		{"empty", nil, integrity, "is not the archive"},
		{"not a package", []byte("<html>"), integrity, "is not the archive"},
		{"without a library", without, withoutIntegrity, "has no package/libchdb.so"},
		{"nobody's checksum", whole, "", Variable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			registryWith(t, tt.served)
			dir := t.TempDir()
			path := filepath.Join(dir, "cache", "libchdb.so")
			var last int64
			err := fetch(t.Context(), release{"some-platform", tt.integrity}, path, func(done, _ int64) { last = done })
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v", err)
				}
				if names := everything(t, dir); len(names) != 0 {
					t.Errorf("left over: %q", names)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(path)
			if err != nil || string(got) != "content of package/libchdb.so" {
				t.Errorf("library %q, %v", got, err)
			}
			if names := everything(t, dir); len(names) != 1 {
				t.Errorf("there is more than the library: %q", names)
			}
			if last != int64(len(whole)) {
				t.Errorf("progress ends at %d of %d bytes", last, len(whole))
			}
		})
	}
}

func everything(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestFetchTogether(t *testing.T) {
	tgz, integrity := archive(t, "package/libchdb.so")
	registryWith(t, tgz)
	path := filepath.Join(t.TempDir(), "libchdb.so")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := fetch(t.Context(), release{"some-platform", integrity}, path, nil); err != nil {
				t.Error(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != "content of package/libchdb.so" {
				t.Errorf("library %q, %v", got, err)
			}
		})
	}
	group.Wait()
}

func TestFetchWithoutRegistry(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Setenv("NPM_CONFIG_REGISTRY", server.URL)
	path := filepath.Join(t.TempDir(), "libchdb.so")
	if err := fetch(t.Context(), release{"some-platform", "x"}, path, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("error %v", err)
	}
	server.Close()
	if err := fetch(t.Context(), release{"some-platform", "x"}, path, nil); err == nil {
		t.Error("no error without a registry")
	}
}

func TestFindPrefersTheVariable(t *testing.T) {
	if !canLoad {
		t.Skip("no library is looked for")
	}
	path := filepath.Join(t.TempDir(), "mine.so")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(Variable, path)
	if got, err := Find(); err != nil || got != path {
		t.Errorf("found %q, %v", got, err)
	}
	if got, err := Fetch(t.Context(), nil); err != nil || got != path {
		t.Errorf("fetched %q, %v", got, err)
	}
}
