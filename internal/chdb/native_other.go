//go:build !((linux || darwin) && (amd64 || arm64)) || nochdb

package chdb

import "errors"

// errNotHere is the error of Open where libchdb cannot be loaded.
var errNotHere = errors.New("this build of riskstream has no embedded ClickHouse (it is there on Linux and macOS, amd64 and arm64, without the build tag nochdb): use a ClickHouse server")

type (
	library      struct{}
	connection   struct{}
	insertStream struct{}
)

func loadLibrary(string) (*library, error)           { return nil, errNotHere }
func (*library) open(...string) (*connection, error) { return nil, errNotHere }

func (*connection) close()                      {}
func (*connection) classify(string) (int, bool) { return 0, false }

func (*connection) exec(string) error { return errNotHere }

func (*connection) query(_, _ string, _ []parameter, _ func([]byte) error) error { return errNotHere }

func (*connection) stream(_, _ string, _ []parameter, _ func([]byte) error) error { return errNotHere }

func (*connection) insert(_, _ string, _ []parameter) (*insertStream, error) {
	return nil, errNotHere
}

func (*insertStream) Write([]byte) (int, error) { return 0, errNotHere }
func (*insertStream) finish() error             { return errNotHere }
func (*insertStream) cancel()                   {}
