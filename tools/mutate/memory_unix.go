//go:build unix

package main

import "syscall"

// limitMemory bounds the address space of the tests: a mutant may allocate
// without end.
func limitMemory() {
	const most = 6 << 30
	var now syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_AS, &now) != nil || now.Cur < most {
		return
	}
	now.Cur = most
	_ = syscall.Setrlimit(syscall.RLIMIT_AS, &now) // a limit is not necessary
}
