//go:build unix && !linux

package child

import "syscall"

// ownGroup puts a process into a group of its own. Without Linux's death
// signal, a parent that is killed leaves its children behind.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
