//go:build realkafka

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/riskstream/riskstream/event"
	"github.com/riskstream/riskstream/internal/kafkatest"
	"github.com/riskstream/riskstream/internal/publish"
)

// TestRealRun runs the binary as an operator would: a configuration file, raw
// Okta events in, a score out, health and metrics, and SIGTERM.
func TestRealRun(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	addr, prefix := kafkatest.Real(t), kafkatest.Prefix(t)
	listen := freeAddress(t)
	dir := t.TempDir()
	binary := filepath.Join(dir, "riskstream")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	configFile := filepath.Join(dir, "riskstream.yaml")
	text := fmt.Sprintf("kafka: {brokers: [%q], topic_prefix: %q}\nsources: [{topic: %[2]sidp.okta, format: okta}]\nhttp: {listen: %q}\n", addr, prefix, listen)
	if err := os.WriteFile(configFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}

	client, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(prefix+"risk.scores"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMaxAge(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	var log strings.Builder
	run := exec.CommandContext(ctx, binary, "run", "-c", configFile)
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	waitReady(t, ctx, "http://"+listen+"/readyz")

	// The source's topic comes into being after the engine has started.
	if _, err := kadm.NewClient(client).CreateTopic(ctx, 1, 1, nil, prefix+"idp.okta"); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		day := time.Now().AddDate(0, 0, i-13)
		produce(t, ctx, client, prefix, oktaSignIn(day, "198.51.100.7", "Germany", "Berlin", 52.52, 13.40))
	}
	produce(t, ctx, client, prefix, oktaSignIn(time.Now().Add(-time.Hour), "198.51.100.7", "Germany", "Berlin", 52.52, 13.40))
	produce(t, ctx, client, prefix, oktaSignIn(time.Now(), "203.0.113.9", "Japan", "Tokyo", 35.68, 139.69))

	score := nextScore(t, ctx, client)
	if score.Entity != "user:default/ann@corp.example" || score.Level != event.Medium || score.Reasons[0].Detection != "impossible_travel" {
		t.Errorf("unexpected score %+v", score)
	}
	for _, metric := range []string{`riskstream_detections_total{detector="impossible_travel"} 1`, "riskstream_end_to_end_latency_seconds_count", "riskstream_consumer_lag_records"} {
		if body := get(t, "http://"+listen+"/metrics"); !strings.Contains(body, metric) {
			t.Errorf("no %s among the metrics", metric)
		}
	}
	if err := run.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := run.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v\n%s", err, log.String())
	}
	if !strings.Contains(log.String(), `"msg":"drained"`) {
		t.Errorf("did not drain:\n%s", log.String())
	}
}

func oktaSignIn(at time.Time, ip, country, city string, lat, lon float64) string {
	return fmt.Sprintf(`{"uuid":"u-%d","published":%q,"eventType":"user.session.start","outcome":{"result":"SUCCESS"},"actor":{"id":"00u1","type":"User","alternateId":"ann@corp.example"},"client":{"ipAddress":%q,"userAgent":{"rawUserAgent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"},"geographicalContext":{"city":%q,"country":%q,"geolocation":{"lat":%g,"lon":%g}}}}`,
		at.UnixNano(), at.UTC().Format(time.RFC3339Nano), ip, city, country, lat, lon)
}

func produce(t *testing.T, ctx context.Context, client *kgo.Client, prefix, value string) {
	t.Helper()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: prefix + "idp.okta", Value: []byte(value)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func nextScore(t *testing.T, ctx context.Context, client *kgo.Client) event.Score {
	t.Helper()
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatal("no score came")
		}
		for _, record := range fetches.Records() {
			if strings.HasPrefix(string(record.Key), "user:") {
				score, err := publish.DecodeScore(record.Value)
				if err != nil {
					t.Fatal(err)
				}
				return score
			}
		}
	}
}

func waitReady(t *testing.T, ctx context.Context, url string) {
	t.Helper()
	for {
		if response, err := http.Get(url); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatal("not ready in time")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
