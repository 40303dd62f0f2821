package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/riskstream/riskstream/internal/expression"
)

// Error is one problem of a configuration file, with its place.
type Error struct {
	File         string
	Line, Column int
	Msg          string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Msg)
}

// placed gives the file's name to a problem that a section's own reader found
// and placed: an expression's, or a text that begins with line:column.
func (c *checker) placed(err error, n *yaml.Node) error {
	var of *expression.Error
	if errors.As(err, &of) {
		in := *of
		in.File = c.file
		return &in
	}
	at := &Error{File: c.file, Line: max(n.Line, 1), Column: max(n.Column, 1), Msg: err.Error()}
	var line, column int
	if n, _ := fmt.Sscanf(at.Msg, "%d:%d:", &line, &column); n == 2 {
		at.Line, at.Column = line, column
		at.Msg = strings.TrimPrefix(at.Msg, fmt.Sprintf("%d:%d: ", line, column))
	}
	return at
}

// err joins the problems in the order of the file; those of the environment
// come first.
func (c *checker) err() error {
	slices.SortStableFunc(c.errs, func(a, b error) int {
		lineA, columnA := position(a)
		lineB, columnB := position(b)
		return cmp.Or(cmp.Compare(lineA, lineB), cmp.Compare(columnA, columnB))
	})
	return errors.Join(c.errs...)
}

func position(err error) (line, column int) {
	var e *Error
	var x *expression.Error
	switch {
	case errors.As(err, &e):
		return e.Line, e.Column
	case errors.As(err, &x):
		return x.Line, x.Column
	}
	return 0, 0
}

// Place gives the configuration's file, line and column to those problems that
// begin with one of its keys: what opening the things that it names has found.
func (c *Config) Place(err error) error {
	if err == nil || c.root == nil {
		return err
	}
	if many, is := err.(interface{ Unwrap() []error }); is {
		var placed []error
		for _, e := range many.Unwrap() {
			placed = append(placed, c.Place(e))
		}
		return errors.Join(placed...)
	}
	key, _, _ := strings.Cut(err.Error(), ": ")
	n := locate(c.root, key)
	if n == c.root || n == locate(c.root, key[:max(strings.LastIndex(key, "."), 0)]) {
		return err // begins with something else, as the name of a file
	}
	return &Error{c.file, max(n.Line, 1), max(n.Column, 1), err.Error()}
}
