package bearer

import (
	"net/http"
	"slices"
	"strings"
)

// isPreflight reports whether r is a CORS preflight: OPTIONS with an Origin and
// an Access-Control-Request-Method, and nothing less.
func isPreflight(r *http.Request) bool {
	origin, method := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	return r.Method == http.MethodOptions &&
		len(origin) == 1 && origin[0] != "" && len(method) == 1 && method[0] != ""
}

// expose lets scripts read fields of an answer (RFC 9449, Sections 7.1 and 8)
// where CORS middleware lets them read the answer itself.
func expose(h http.Header, fields ...string) {
	if origin := h["Access-Control-Allow-Origin"]; len(origin) == 0 || origin[0] == "" {
		return
	}
	hidden := slices.DeleteFunc(fields, func(field string) bool { return exposes(h, field) })
	if len(hidden) > 0 {
		h.Add("Access-Control-Expose-Headers", strings.Join(hidden, ", "))
	}
}

// exposes reports whether CORS middleware lets scripts read a field.
func exposes(h http.Header, field string) bool {
	for _, line := range h["Access-Control-Expose-Headers"] {
		for name := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(name), field) {
				return true
			}
		}
	}
	return false
}
