package enrich

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// maxProblems bounds the errors that one file can list.
const maxProblems = 50

// problems collects the errors of a file.
type problems struct {
	found []problem
	more  int
}

type problem struct {
	line, column int
	err          error
}

func (p *problems) add(line, column int, err error) {
	if len(p.found) == maxProblems {
		p.more++
		return
	}
	p.found = append(p.found, problem{line, column, err})
}

// join is the one error of all problems in the order of the file, nil for none.
func (p *problems) join(path string) error {
	slices.SortStableFunc(p.found, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	errs := make([]error, 0, len(p.found)+1)
	for _, f := range p.found {
		errs = append(errs, f.err)
	}
	if p.more > 0 {
		errs = append(errs, fmt.Errorf("%s: and %d more problems", path, p.more))
	}
	return errors.Join(errs...)
}
