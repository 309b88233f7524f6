package fetch

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxFreshness bounds the values of header fields, so that no arithmetic overflows.
const maxFreshness = 10 * 365 * 24 * time.Hour

// Freshness returns how long a response with header h is fresh: the max-age of
// Cache-Control minus the Age on arrival (RFC 9111, Section 4.2), or zero for
// no-store and no-cache. It returns false if h has none of them. It ignores
// malformed directives, and uses the smaller of two max-age.
func Freshness(h http.Header) (time.Duration, bool) {
	var age time.Duration
	known := false
	for _, line := range h.Values("Cache-Control") {
		for line != "" {
			var name, value string
			name, value, line = directive(line)
			switch {
			// With a value, no-cache applies only to the header fields that it
			// names (RFC 9111, Section 5.2.2.4).
			case name == "no-store", name == "no-cache" && value == "":
				return 0, true
			case name == "max-age":
				if d, ok := seconds(value); ok && (!known || d < age) {
					age, known = d, true
				}
			}
		}
	}
	if !known {
		return 0, false
	}
	if spent, ok := seconds(strings.TrimSpace(h.Get("Age"))); ok {
		age = max(0, age-spent)
	}
	return age, true
}

// directive splits the first directive off a Cache-Control line. A comma within
// quotes does not end a directive.
func directive(line string) (name, value, rest string) {
	inQuotes, end := false, len(line)
scan:
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"':
			inQuotes = !inQuotes
		case c == '\\' && inQuotes:
			i++
		case c == ',' && !inQuotes:
			end = i
			break scan
		}
	}
	if end < len(line) {
		rest = line[end+1:]
	}
	name, value, _ = strings.Cut(line[:end], "=")
	name = strings.ToLower(strings.TrimSpace(name))
	value = strings.Trim(strings.TrimSpace(value), `"`)
	return name, value, rest
}

func seconds(s string) (time.Duration, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || n > uint64(maxFreshness/time.Second) {
		// RFC 9111, Section 1.2.2: a number that overflows is a very large one.
		return maxFreshness, true
	}
	return time.Duration(n) * time.Second, true
}
