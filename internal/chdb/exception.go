package chdb

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Codes of ClickHouse's exceptions that are made here or have a status.
const (
	codeBadArguments    = 36
	codeNotImplemented  = 48
	codeLogicalError    = 49
	codeUnknownTable    = 60
	codeSyntaxError     = 62
	codeUnknownDatabase = 81
	codeUnknownSetting  = 115
	codeTimeout         = 159
	codeNetwork         = 210
	codeAuthentication  = 516
)

// maxException bounds an exception's text in bytes; clients expect no more.
const maxException = 16<<10 - 256

var (
	errInsertFailed = errors.New("libchdb does not take more data")
	errNotStreamed  = errors.New("libchdb streams only SELECT")
)

// exception is an error of the engine in ClickHouse's own form:
// "Code: 60. DB::Exception: … (UNKNOWN_TABLE)".
type exception struct{ text string }

func (e *exception) Error() string { return e.text }

// refuse makes an exception of the handler's own.
func refuse(code int, name, format string, args ...any) *exception {
	return &exception{fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, fmt.Sprintf(format, args...), name)}
}

var exceptionCode = regexp.MustCompile(`^\s*Code: (\d{1,9})\.`)

// inForm returns an error's code and its text in the form that clients parse.
func inForm(err error) (code int, text string) {
	text = err.Error()
	m := exceptionCode.FindStringSubmatch(text)
	if m == nil {
		e := refuse(codeLogicalError, "LOGICAL_ERROR", "%s", text)
		return codeLogicalError, shorten(e.text)
	}
	code, _ = strconv.Atoi(m[1]) // at most nine digits
	return code, shorten(text)
}

// shorten keeps the beginning, which says what happened, and the end, which
// names the exception.
func shorten(text string) string {
	if len(text) <= maxException {
		return text
	}
	const end = 512
	return strings.ToValidUTF8(text[:maxException-end-5], "") + " … " + strings.ToValidUTF8(text[len(text)-end:], "")
}

// status is the HTTP status that ClickHouse gives an exception.
func status(code int) int {
	switch code {
	case codeBadArguments, codeSyntaxError:
		return http.StatusBadRequest
	case codeAuthentication:
		return http.StatusForbidden
	case codeUnknownTable, codeUnknownDatabase, codeUnknownSetting:
		return http.StatusNotFound
	case codeTimeout:
		return http.StatusRequestTimeout
	case codeNotImplemented:
		return http.StatusNotImplemented
	case codeNetwork:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
