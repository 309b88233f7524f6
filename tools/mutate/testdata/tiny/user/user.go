// Package user uses package limit.
package user

import "example.com/owner/tiny/limit"

// Size returns a size within the limit.
func Size(n int) int { return limit.Cut(n) }
