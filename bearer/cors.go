package bearer

import (
	"net/http"
	"slices"
	"strings"
)

// This file contains everything that the guard does about CORS (Fetch Standard,
// Section 3.2). CORS middleware around the guard does the rest: it answers
// preflights and sets Access-Control-Allow-Origin.

// isPreflight reports whether r is a CORS preflight: OPTIONS with one Origin and
// one Access-Control-Request-Method. It requires all three, because with
// [Config.InsecurePassPreflights] such a request needs no credentials.
func isPreflight(r *http.Request) bool {
	origin, method := r.Header["Origin"], r.Header["Access-Control-Request-Method"]
	return r.Method == http.MethodOptions &&
		len(origin) == 1 && origin[0] != "" && len(method) == 1 && method[0] != ""
}

// expose lets scripts read fields of an answer (RFC 9449, Sections 7.1 and 8) if
// CORS middleware lets them read the answer itself.
func expose(h http.Header, fields ...string) {
	if origin := h["Access-Control-Allow-Origin"]; len(origin) == 0 || origin[0] == "" {
		return
	}
	hidden := slices.DeleteFunc(fields, func(field string) bool { return exposes(h, field) })
	if len(hidden) > 0 {
		h.Add("Access-Control-Expose-Headers", strings.Join(hidden, ", "))
	}
}

// exposes reports whether CORS middleware already exposes a field.
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
