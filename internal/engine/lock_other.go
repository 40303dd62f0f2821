//go:build !unix

package engine

// lock does nothing where the system has no flock; the group still refuses a
// second process of the same name.
func lock(string) (release func(), err error) { return func() {}, nil }
