//go:build race

package fuzz_test

// poolsForget reports that a sync.Pool drops some of what it gets, which the race
// detector makes it do at random. What is allocated then says nothing.
const poolsForget = true
