// Package redact prints values that hold secrets. A type lists what may be seen
// as attributes, and this package writes them as text and as JSON.
//
// A type needs all of String, GoString, Format, LogValue and MarshalJSON: without
// Format, verbs such as %d walk its fields, and without MarshalJSON, JSON does.
// None of them helps a value in an unexported field of somebody else's struct,
// since fmt calls no methods there.
package redact

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Group returns the attributes whose values are not zero.
func Group(attrs ...slog.Attr) slog.Value {
	shown := make([]slog.Attr, 0, len(attrs))
	for _, a := range attrs {
		if !isZero(a.Value.Resolve()) {
			shown = append(shown, a)
		}
	}
	return slog.GroupValue(shown...)
}

func isZero(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindString:
		return v.String() == ""
	case slog.KindBool:
		return !v.Bool()
	case slog.KindInt64:
		return v.Int64() == 0
	case slog.KindDuration:
		return v.Duration() == 0
	case slog.KindTime:
		return v.Time().IsZero()
	case slog.KindGroup:
		return len(v.Group()) == 0
	case slog.KindAny:
		if list, ok := v.Any().([]string); ok {
			return len(list) == 0
		}
		return v.Any() == nil
	}
	return false
}

// URL is an attribute of a URL without userinfo, query and fragment.
func URL(key, raw string) slog.Attr { return slog.String(key, weburl.Redact(raw)) }

// Set is an attribute that says only whether a value is there.
func Set(key string, set bool) slog.Attr {
	if set {
		return slog.String(key, "[set]")
	}
	return slog.String(key, "")
}

// Types is an attribute of the values' types.
func Types[T any](key string, values []T) slog.Attr {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = fmt.Sprintf("%T", v)
	}
	return slog.Any(key, names)
}

// Text writes v, a group, as the struct of that name: name{Key:value Key:value}.
func Text(name string, v slog.Value) string { return name + string(appendText(nil, v)) }

func appendText(b []byte, v slog.Value) []byte {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindString:
		return strconv.AppendQuote(b, v.String())
	case slog.KindGroup:
		b = append(b, '{')
		for i, a := range v.Group() {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(append(b, a.Key...), ':')
			b = appendText(b, a.Value)
		}
		return append(b, '}')
	}
	if list, ok := v.Any().([]string); ok {
		return fmt.Appendf(b, "%q", list)
	}
	return fmt.Append(b, v.Any())
}

// Format writes text for any verb, quoted for %q.
func Format(f fmt.State, verb rune, text string) {
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // f reports it
}

// JSON writes v, a group, as an object.
func JSON(v slog.Value) ([]byte, error) {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindGroup:
		b := []byte{'{'}
		for i, a := range v.Group() {
			if i > 0 {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, a.Key) // keys are Go names
			value, err := JSON(a.Value)
			if err != nil {
				return nil, err
			}
			b = append(append(b, ':'), value...)
		}
		return append(b, '}'), nil
	case slog.KindDuration:
		return json.Marshal(v.Duration().String())
	}
	return json.Marshal(v.Any(), jsontext.AllowInvalidUTF8(true))
}
