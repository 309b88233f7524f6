// Package redact prints values that hold secrets. A type lists its public
// settings as attributes, and this package writes them as text and as JSON.
//
// A type needs three methods: LogValue for log/slog; Format for fmt, where it
// takes precedence over String and GoString for every verb; and MarshalJSON.
// They cannot protect a value in an unexported field of another struct, because
// fmt calls no methods there.
package redact

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// Group returns a group of the attributes whose values are not zero.
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

// URL returns an attribute with the URL raw without userinfo, query and
// fragment.
func URL(key, raw string) slog.Attr { return slog.String(key, weburl.Redact(raw)) }

// Set returns an attribute that shows only whether a value is set.
func Set(key string, set bool) slog.Attr {
	if set {
		return slog.String(key, "[set]")
	}
	return slog.String(key, "")
}

// Types returns an attribute with the types of values.
func Types[T any](key string, values []T) slog.Attr {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = fmt.Sprintf("%T", v)
	}
	return slog.Any(key, names)
}

// Format writes the value of v to f, quoted if the verb is %q and as it is
// otherwise. A group is written like a struct of v's type:
// name{Key:value Key:value}.
func Format(f fmt.State, verb rune, v slog.LogValuer) {
	value := v.LogValue().Resolve()
	text := value.String()
	if value.Kind() == slog.KindGroup {
		text = strings.TrimPrefix(fmt.Sprintf("%T", v), "*") + string(appendText(nil, value))
	}
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // fmt reports the error
}

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

// JSON encodes the value of v; a group becomes an object.
func JSON(v slog.LogValuer) ([]byte, error) { return encode(v.LogValue()) }

func encode(v slog.Value) ([]byte, error) {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindGroup:
		b := []byte{'{'}
		for i, a := range v.Group() {
			if i > 0 {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, a.Key) // keys are Go names
			value, err := encode(a.Value)
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
