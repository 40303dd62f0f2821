package chdb

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// literal is a whole string literal of ClickHouse's SQL and nothing else.
var literal = regexp.MustCompile(`(?s)^'([^'\\]|\\.)*'$`)

func FuzzRequest(f *testing.F) {
	f.Add("POST", "default_format=Native&client_protocol_version=54460&database=x", "", "SELECT 1")
	f.Add("POST", "query=INSERT+INTO+t+(a)+FORMAT+Native&insert_deduplication_token=a%27b", "", "\x01\x01")
	f.Add("POST", "param_x=1&log_comment=hello&query_id=q", "", "SELECT {x:UInt8}")
	f.Add("POST", "compress=1&decompress=1", "gzip", "")
	f.Add("GET", "%zz&&=&a;b", "", "")
	f.Fuzz(func(t *testing.T, method, query, encoding, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Method, r.URL.RawQuery = method, query
		r.Header.Set("Content-Encoding", encoding)
		s, err := parseRequest(r)
		if err != nil {
			var e *exception
			if !errors.As(err, &e) {
				t.Fatalf("%v is no exception", err)
			}
			if code, _ := inForm(err); code == codeLogicalError {
				t.Fatalf("%v has no code", err)
			}
			return
		}
		for _, p := range s.settings {
			if !settingName.MatchString(p.name) {
				t.Fatalf("setting %q", p.name)
			}
			if !literal.MatchString(quote(p.value)) {
				t.Fatalf("%q is quoted as %s", p.value, quote(p.value))
			}
		}
		if s.insert != "" && !settingName.MatchString("_"+s.insert) {
			t.Fatalf("format %q", s.insert)
		}
	})
}

func TestInsertIsToldFromItsData(t *testing.T) {
	tests := []struct{ query, sql, format string }{
		{"INSERT INTO t FORMAT Native", "INSERT INTO t", "Native"},
		{" insert into `a b`.t (x,\n y) SETTINGS async_insert=1 format\nNative ;", "insert into `a b`.t (x,\n y) SETTINGS async_insert=1", "Native"},
		{"INSERT INTO t (format) FORMAT JSONEachRow", "INSERT INTO t (format)", "JSONEachRow"},
		{"INSERT INTO t SELECT 1", "", ""},
		{"SELECT 1 FORMAT Native", "", ""},
		{"INSERT INTO t FORMAT Native x", "", ""},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(http.MethodPost, "/?query="+url.QueryEscape(tt.query), strings.NewReader("data"))
		s, err := parseRequest(r)
		if err != nil {
			t.Errorf("%s: %v", tt.query, err)
			continue
		}
		if tt.format == "" {
			tt.sql = strings.TrimSpace(tt.query) + "\ndata"
		}
		if s.sql != tt.sql || s.insert != tt.format {
			t.Errorf("%s: %q with %q", tt.query, s.sql, s.insert)
		}
	}
}
