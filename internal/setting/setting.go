// Package setting reads the optional fields of a Config.
package setting

// OrDefault returns value, or fallback if value is zero. A negative value
// means "none", which is zero.
func OrDefault[T ~int | ~int64](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return max(value, 0)
}
