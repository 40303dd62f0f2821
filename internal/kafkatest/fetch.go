//go:build unix

package kafkatest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed pom.xml
var pom []byte

// fetch returns the directory with Apache Kafka's jars. The first call on a
// machine downloads them with Maven (about 45 MB) into the user's cache; its
// name has the pom's hash, so that another version is another directory.
func fetch(ctx context.Context) (jars string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep Apache Kafka: %w", err)
	}
	parent := filepath.Join(cache, "riskstream")
	jars = filepath.Join(parent, fmt.Sprintf("kafka-%.12x", sha256.Sum256(pom)))
	if _, err := os.Stat(jars); err == nil {
		return jars, nil
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", err
	}
	// Test binaries of several packages may fetch at once: each into its own
	// directory, and the first one to finish gives it the name.
	fresh, err := os.MkdirTemp(parent, "fetching-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh)
	if err := mavenCopy(ctx, fresh); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(fresh, "jars"), jars); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return jars, nil
}

func mavenCopy(ctx context.Context, dir string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return fmt.Errorf("maven is needed to fetch Apache Kafka (%w); install it, or set %s=host:port to use a running broker", err, AddrVariable)
	}
	file := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(file, pom, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", file, "dependency:copy-dependencies",
		"-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "jars"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetching Apache Kafka with Maven: %w\n%s", err, tail(out, 2000))
	}
	return nil
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }
