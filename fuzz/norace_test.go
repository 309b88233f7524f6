//go:build !race

package fuzz_test

const poolsForget = false
