package chdb

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxSQL bounds a statement in bytes, data after VALUES included. Data that
// follows a FORMAT clause has no bound.
const maxSQL = 16 << 20

// statement is what a request asks for.
type statement struct {
	sql        string
	insert     string // the format of the data in the request's body; "" if there is none
	database   string
	settings   []parameter // sorted by name
	parameters []parameter // sorted by name
	format     string      // of the result
	revision   uint64      // of the Native format that the client wants its result in
	queryID    string
}

// parameter is a setting or the value of a {name:Type}.
type parameter struct{ name, value string }

var (
	settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]{0,127}$`)
	// insertFormat is an INSERT whose data comes apart from it.
	insertFormat = regexp.MustCompile(`(?is)^\s*(INSERT\s.*\S)\s+FORMAT\s+([A-Za-z0-9_]+)\s*;?\s*$`)
)

// parseRequest reads the statement; only of an INSERT with data it leaves the
// body alone. Its errors are exceptions.
func parseRequest(r *http.Request) (*statement, error) {
	if r.Method != http.MethodPost {
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "Method %s is not supported, only POST is", r.Method)
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded ClickHouse takes no compressed requests (%.40q): turn compression off in the client's options", encoding)
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "External tables are not supported by the embedded ClickHouse")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refuse(codeBadArguments, "BAD_ARGUMENTS", "The URL's parameters cannot be read: %v", err)
	}
	s := &statement{format: "TabSeparated"}
	if err := s.take(values); err != nil {
		return nil, err
	}
	sql := values.Get("query")
	if m := insertFormat.FindStringSubmatch(sql); m != nil {
		s.sql, s.insert = m[1], m[2]
		return s, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSQL+1))
	if err != nil {
		return nil, refuse(codeNetwork, "NETWORK_ERROR", "The request has no end: %v", err)
	}
	if len(body) > maxSQL {
		return nil, refuse(codeBadArguments, "BAD_ARGUMENTS", "The statement has more than %d bytes: insert with a batch, or in smaller pieces", maxSQL)
	}
	s.sql = strings.TrimSpace(strings.TrimSpace(sql) + "\n" + string(body))
	return s, nil
}

// take sorts the parameters of the URL by what they are.
func (s *statement) take(values url.Values) error {
	for name, all := range values {
		value := all[len(all)-1]
		switch name {
		case "query", "quota_key", "buffer_size", "wait_end_of_query":
			// The statement is read elsewhere; the rest is about a server's buffers and quotas.
		case "database":
			s.database = value
		case "default_format":
			s.format = value
		case "query_id":
			s.queryID = value
		case "client_protocol_version":
			revision, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return refuse(codeBadArguments, "BAD_ARGUMENTS", "client_protocol_version is no number: %.40q", value)
			}
			s.revision = revision
		case "compress", "decompress":
			if value != "0" && value != "false" {
				return refuse(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded ClickHouse does not compress (%s): turn compression off in the client's options", name)
			}
		case "session_id", "session_timeout", "session_check", "close_session", "user", "password", "role":
			return refuse(codeNotImplemented, "NOT_IMPLEMENTED", "The embedded ClickHouse has no %s", name)
		default:
			if rest, ok := strings.CutPrefix(name, "param_"); ok {
				s.parameters = append(s.parameters, parameter{rest, value})
				continue
			}
			if !settingName.MatchString(name) {
				return refuse(codeUnknownSetting, "UNKNOWN_SETTING", "%.40q is no name of a setting", name)
			}
			s.settings = append(s.settings, parameter{name, value})
		}
	}
	byName := func(a, b parameter) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(s.settings, byName)
	slices.SortFunc(s.parameters, byName)
	return nil
}

// set is the statement that makes the settings so, on the connection of that
// name; "" if there are none.
func (s *statement) set(connection string) string {
	if len(s.settings) == 0 {
		return ""
	}
	assignments := make([]string, len(s.settings))
	for i, p := range s.settings {
		if p.name == "log_comment" {
			p.value = commentOf(connection, p.value)
		}
		assignments[i] = p.name + " = " + quote(p.value)
	}
	return "SET " + strings.Join(assignments, ", ")
}

// commentOf keeps a client's comment out of the way of kill, which looks for
// the connection's name.
func commentOf(connection, comment string) string {
	return fmt.Sprintf("%s %s", connection, comment)
}
