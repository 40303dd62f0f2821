//go:build unix && !linux

package kafkatest

import "syscall"

// ownGroup puts a process into a group of its own. Without Linux's death
// signal, a test binary that is killed leaves the broker behind.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
