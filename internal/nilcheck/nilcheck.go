// Package nilcheck finds values whose use would panic at the first request, so
// that constructors refuse them.
package nilcheck

import "reflect"

// IsNil reports whether v is nil, or holds a nil pointer or function, in which
// case v == nil is false. A nil map or slice is a value like any other.
func IsNil(v any) bool {
	switch value := reflect.ValueOf(v); value.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Func:
		return value.IsNil()
	}
	return false
}
