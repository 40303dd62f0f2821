package expression

import (
	"errors"
	"fmt"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// memoryBudget bounds the elements that one run may make, in arrays that it
// builds. A literal list in a rule rarely has a hundred.
const memoryBudget = 10_000

// VM runs programs. It reuses its memory and belongs to one goroutine.
type VM struct{ vm vm.VM }

// NewVM makes a VM.
func NewVM() *VM { return &VM{vm.VM{MemoryBudget: memoryBudget}} }

// Run evaluates a program over an environment of the type it was compiled for,
// or a pointer to one. What cannot be evaluated, as a division of integers by
// zero, is an *Error; it never panics.
func (m *VM) Run(p *Program, env any) (any, error) {
	result, err := m.vm.Run(p.code, env)
	if err == nil {
		return result, nil
	}
	text := text{source: p.source, at: p.at}
	var placed *file.Error
	if errors.As(err, &placed) {
		return nil, text.fail(placed.From, "%s", placed.Message)
	}
	return nil, text.fail(0, "%v", err)
}

// RunBool evaluates a program that was compiled as Bool.
func (m *VM) RunBool(p *Program, env any) (bool, error) {
	result, err := m.Run(p, env)
	if err != nil {
		return false, err
	}
	value, ok := result.(bool)
	if !ok {
		return false, p.mistyped(result, "true or false")
	}
	return value, nil
}

// RunText evaluates a program that was compiled as Text. What is absent is the
// empty text.
func (m *VM) RunText(p *Program, env any) (string, error) {
	result, err := m.Run(p, env)
	if err != nil || result == nil {
		return "", err
	}
	value, ok := result.(string)
	if !ok {
		return "", p.mistyped(result, "a text; string(…) makes one")
	}
	return value, nil
}

func (p *Program) mistyped(result any, want string) error {
	return text{source: p.source, at: p.at}.fail(0, "the result is %s; want %s", typeName(result), want)
}

// typeName is a value's type in the words of docs/rules.md.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "absent"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int, int64, float64, uint32:
		return "a number"
	}
	return fmt.Sprintf("of type %T", value)
}
