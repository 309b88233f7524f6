package conform

import (
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// placeholder matches {name}, {name+1} and {name:argument}.
var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*)(?:([+-][0-9]+)|:([^{}]*))?\}`)

// values are the texts of placeholders by name.
type values map[string]string

// expand replaces the placeholders of a text. An unknown name is an error.
func (v values) expand(text string) (string, error) {
	var unknown error
	expanded := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := placeholder.FindStringSubmatch(match)
		name, offset, argument := parts[1], parts[2], parts[3]
		switch name {
		case "now":
			n, _ := strconv.Atoi(offset) // empty is 0
			return strconv.FormatInt(time.Now().Unix()+int64(n), 10)
		case "hex":
			if raw, err := hex.DecodeString(argument); err == nil {
				return string(raw)
			}
		case "repeat":
			count, what, _ := strings.Cut(argument, ":")
			if n, err := strconv.Atoi(count); err == nil && n >= 0 && n <= 1<<20 {
				return strings.Repeat(what, n)
			}
		default:
			if value, ok := v[name]; ok {
				return value
			}
		}
		unknown = fmt.Errorf("unknown placeholder %s", match)
		return match
	})
	return expanded, unknown
}

// with returns the values and more of them.
func (v values) with(more values) values {
	all := maps.Clone(v)
	maps.Copy(all, more)
	return all
}

// object writes a JSON object. Its members are templates; it may break the rules
// of JSON, if they say so.
func (v values) object(members map[string]jsontext.Value) (string, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:", quote(name))
		var decoded any
		if err := json.Unmarshal(members[name], &decoded); err != nil {
			return "", err
		}
		if err := v.value(&b, decoded); err != nil {
			return "", fmt.Errorf("member %q: %w", name, err)
		}
	}
	b.WriteByte('}')
	return b.String(), nil
}

// value writes a decoded JSON value. A text of the form $now+5 becomes a number,
// and $raw:x the bytes x.
func (v values) value(b *strings.Builder, decoded any) error {
	switch decoded := decoded.(type) {
	case string:
		if offset, ok := strings.CutPrefix(decoded, "$now"); ok {
			decoded = "$raw:{now" + offset + "}"
		}
		raw, isRaw := strings.CutPrefix(decoded, "$raw:")
		expanded, err := v.expand(raw)
		if err != nil {
			return err
		}
		if !isRaw {
			expanded = quote(expanded)
		}
		b.WriteString(expanded)
	case []any:
		b.WriteByte('[')
		for i, element := range decoded {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := v.value(b, element); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, name := range slices.Sorted(maps.Keys(decoded)) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(b, "%s:", quote(name))
			if err := v.value(b, decoded[name]); err != nil {
				return err
			}
		}
		b.WriteByte('}')
	default:
		text, err := json.Marshal(decoded)
		if err != nil {
			return err
		}
		b.Write(text)
	}
	return nil
}

// quote returns a text as a JSON string.
func quote(text string) string {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil { // invalid UTF-8, which AppendQuote has replaced
		return string(quoted)
	}
	return string(quoted)
}
