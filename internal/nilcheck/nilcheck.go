// Package nilcheck finds nil values inside interfaces, so that a constructor
// can reject a value that would panic at the first request.
package nilcheck

import "reflect"

// IsNil reports whether v is nil or holds a nil pointer or nil function, for
// which v == nil is false. A nil map or slice is usable, so it does not count
// as nil.
func IsNil(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	}
	return false
}
