//go:build !((linux || darwin) && (amd64 || arm64)) || nochdb

package chdb

// canLoad says that this build cannot load libchdb; what follows is never called.
const canLoad = false

type (
	library      struct{}
	connection   struct{}
	insertStream struct{}
)

func loadLibrary(string) (*library, error)           { return nil, ErrUnsupported }
func (*library) open(...string) (*connection, error) { return nil, ErrUnsupported }

func (*connection) close()                      {}
func (*connection) classify(string) (int, bool) { return 0, false }

func (*connection) exec(string) error { return ErrUnsupported }

func (*connection) query(_, _ string, _ []parameter, _ func([]byte) error) error {
	return ErrUnsupported
}

func (*connection) stream(_, _ string, _ []parameter, _ func([]byte) error) error {
	return ErrUnsupported
}

func (*connection) insert(_, _ string, _ []parameter) (*insertStream, error) {
	return nil, ErrUnsupported
}

func (*insertStream) Write([]byte) (int, error) { return 0, ErrUnsupported }
func (*insertStream) finish() error             { return ErrUnsupported }
func (*insertStream) cancel()                   {}
