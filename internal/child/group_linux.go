package child

import "syscall"

// ownGroup puts a process into a group of its own and has the kernel end it
// when the starting thread ends, also by a panic, a test's time-out or kill -9.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
