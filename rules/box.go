package rules

import (
	"reflect"
	"unsafe"
)

// box makes an environment inside an interface value, as expr takes it, and a
// pointer to fill it through, again and again.
//
// expr copies a text that it reads through a pointer to a struct, with an
// allocation for each; of a struct that is itself in the interface it does not,
// since nobody can change that. Boxing the struct anew for each event would
// copy 900 bytes each time. So the box is made once and changed in place, which
// the language has no way to say. It is safe as long as no value that a program
// gave is kept past the next event: those of rules are true or false.
func box() (boxed any, env *Env) {
	boxed = reflect.New(reflect.TypeFor[Env]()).Elem().Interface() // on the heap, whatever the compiler knows of it
	type face struct{ typ, data unsafe.Pointer }                   // how an interface value is laid out
	return boxed, (*Env)((*face)(unsafe.Pointer(&boxed)).data)
}
