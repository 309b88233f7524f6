package bearertest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

func (h *hostile) claims() {
	url := h.issuer.url
	now := time.Now()
	add := func(rule, claim string, values ...any) {
		for _, value := range values {
			name := fmt.Sprintf("%s that is %.40q", claim, fmt.Sprint(value))
			if raw, ok := value.(rawJSON); ok {
				name = fmt.Sprintf("%s that is %.40s", claim, string(raw))
			}
			if value == nil {
				name = "no " + claim
			}
			h.add(name, rule, h.with(nil, map[string]any{claim: value}))
		}
	}
	add("RFC 9068, Section 4: iss is the issuer, exactly", "iss",
		nil, url+"/", strings.ToUpper(url), strings.TrimSuffix(url, "m")+"м", "https://evil.example.com", "",
		[]string{url}, rawJSON("null"), 1)
	add("RFC 9068, Section 4: aud contains the API", cmp.Or(h.form.audience, "aud"),
		nil, "https://evil.example.com", "", []string{}, rawJSON("null"), 1, map[string]any{"a": 1},
		rawJSON(`["https://api.example.com",1]`), "https://api.example.com/", "https://api.example.co")
	add("RFC 7519, Section 4.1.4: exp is in the future", "exp",
		nil, fmt.Sprint(now.Add(time.Hour).Unix()), -1, rawJSON("1e400"), rawJSON("1e300"),
		rawJSON("null"), true, []int64{now.Add(time.Hour).Unix()})
	h.add("expired", "RFC 9068, Section 4: now is before exp", h.with(nil, map[string]any{"exp": now.Add(-time.Hour).Unix()}))
	h.list[len(h.list)-1].Expired = true
	add("RFC 7519, Section 4.1.5: nbf is in the past", "nbf", now.Add(time.Hour).Unix(), "0", -1, []int{0})
	add("a token is not issued in the future", "iat", now.Add(time.Hour).Unix(), "0")
	for _, claim := range h.form.required {
		add("the issuer's access tokens have it", claim, nil, rawJSON("null"))
	}
	for _, claim := range h.form.texts {
		add("RFC 9068, Section 2.2: required", claim, nil, "", 1, rawJSON("null"), []string{"a"})
	}
	if len(h.form.clients) > 0 {
		for _, value := range []any{nil, "", 1, rawJSON("null"), []string{"a"}} {
			client := members{}
			for _, claim := range h.form.clients {
				client[claim] = nil
			}
			client[h.form.clients[0]] = value
			h.add(fmt.Sprintf("a client that is %v", value), "RFC 9068, Section 2.2: required", h.with(nil, client))
		}
	}
	add("RFC 9449, Section 7.2: a bound token needs its proof", "cnf",
		map[string]string{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		map[string]string{"x5t#S256": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
		map[string]string{"unknown": "x"}, map[string]string{}, map[string]string{"jkt": "short"},
		map[string]int{"jkt": 1}, "jkt", rawJSON("null"), rawJSON(`{"jkt":null}`), []string{})
}

func (h *hostile) documents() {
	header, payload := h.parts()
	inject := func(document []byte, members string) []byte {
		return slices.Concat([]byte("{"+members+","), document[1:])
	}
	const unique = "RFC 7515, Section 4; RFC 7519, Section 4: names are unique"
	h.add("alg twice", unique, h.signed(inject(header, `"alg":"none"`), nil))
	h.add("kid twice", unique, h.signed(inject(header, `"kid":"nobody"`), nil))
	for _, member := range []string{`"iss":"https://evil.example.com"`, `"aud":"https://evil.example.com"`, `"exp":99999999999`, `"sub":"root"`} {
		again := inject(payload, member)
		if name, _, _ := strings.Cut(member, ":"); !bytes.Contains(payload, []byte(name+":")) {
			again = inject(again, member)
		}
		h.add(member+" and again", unique, h.signed(nil, again))
	}
	h.add("a name twice, deeper", unique, h.signed(nil, inject(payload, `"x":{"a":1,"a":2}`)))
	const object = "RFC 7519, Section 7.2: one JSON object in UTF-8"
	h.add("data after the payload", object, h.signed(nil, append(slices.Clone(payload), '1')))
	h.add("data after the header", object, h.signed(append(slices.Clone(header), '1'), nil))
	h.add("a byte order mark", object, h.signed(nil, append([]byte("\xef\xbb\xbf"), payload...)))
	h.add("invalid UTF-8", object, h.signed(nil, inject(payload, "\"x\":\"\xff\"")))
	h.add("a lone surrogate", object, h.signed(nil, inject(payload, `"x":"\ud800"`)))
	for _, document := range []string{"", "null", "[]", `"x"`, "{", "{}"} {
		h.add(fmt.Sprintf("payload %q", document), object, h.signed(nil, []byte(document)))
		h.add(fmt.Sprintf("header %q", document), object, h.signed([]byte(document), nil))
	}
	h.add("names in another case", "RFC 7519, Section 4: names are case-sensitive",
		h.signed(nil, bytes.Replace(payload, []byte(`"exp"`), []byte(`"Exp"`), 1)))
}

func (h *hostile) sizes() {
	const depth = "nesting is bounded"
	header, payload := h.parts()
	deep := []byte(`{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `,`)
	h.add("a deep payload", depth, h.signed(nil, slices.Concat(deep, payload[1:])))
	h.add("a deep header", depth, h.signed(slices.Concat(deep, header[1:]), nil))
	h.add("nothing but brackets", depth, encode([]byte(`{"a":`+strings.Repeat("[", 10_000)))+".e30.e30")
	h.add("8 KiB of dots", "RFC 7515, Section 7.1: three segments", strings.Repeat(".", 8<<10))
	h.add("over 16 KiB", "tokens are bounded", h.with(nil, map[string]any{"x": strings.Repeat("x", 16<<10)}))
	h.list[len(h.list)-1].Status = 431
	h.add("garbage", "not a JWT", "garbage")
	h.add("an opaque token", "not a JWT", "ory_at_3s2kV.x1")
}
