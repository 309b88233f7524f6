package bearer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
)

const (
	assertionField = "Cf-Access-Jwt-Assertion"
	hostCookie     = "__Host-token"
)

// fromSources returns a Config with these sources.
func fromSources(sources ...bearer.TokenSource) bearer.Config {
	return bearer.Config{Sources: sources}
}

// requestWith returns a request whose header has the given names and values.
func requestWith(method string, pairs ...string) *http.Request {
	r := httptest.NewRequest(method, "https://api.example.com/orders", nil)
	r.Host = "api.example.com" // httptest leaves it to the target of CONNECT
	for i := 0; i < len(pairs); i += 2 {
		r.Header[http.CanonicalHeaderKey(pairs[i])] = append(r.Header[http.CanonicalHeaderKey(pairs[i])], pairs[i+1])
	}
	return r
}

// Checklist B1, B14, C1: RFC 6750, Section 2 and Section 3.1, with other sources.
func TestTokenSources(t *testing.T) {
	field, cookie := bearer.FromHeader("cf-access-jwt-assertion"), bearer.FromCookie(hostCookie)
	all := []bearer.TokenSource{bearer.FromAuthorization(), field, cookie}
	tests := []struct {
		name    string
		sources []bearer.TokenSource
		header  []string
		status  int
	}{
		{"a field", []bearer.TokenSource{field}, []string{assertionField, "good"}, 200},
		{"a field that is not a source", nil, []string{assertionField, "good"}, 401},
		{"Authorization, which is not a source", []bearer.TokenSource{field}, []string{"Authorization", "Bearer good"}, 401},
		{"Authorization beside a field, which is the only source", []bearer.TokenSource{field}, []string{"Authorization", "Bearer x", assertionField, "good"}, 200},
		{"an empty field", []bearer.TokenSource{field}, []string{assertionField, ""}, 401},
		{"a field in two lines", []bearer.TokenSource{field}, []string{assertionField, "good", assertionField, "good"}, 400},
		{"a field in two lines, one empty", []bearer.TokenSource{field}, []string{assertionField, "good", assertionField, ""}, 400},
		{"a list in a field", []bearer.TokenSource{field}, []string{assertionField, "good, good"}, 400},
		{"a scheme in a field", []bearer.TokenSource{field}, []string{assertionField, "Bearer good"}, 400},
		{"a field with an underscore", []bearer.TokenSource{field}, []string{"Cf_access_jwt_assertion", "good"}, 401},
		{"a field with an underscore beside it", []bearer.TokenSource{field}, []string{"Cf_access_jwt_assertion", "forged", assertionField, "good"}, 200},
		{"a field that is too long", []bearer.TokenSource{field}, []string{assertionField, strings.Repeat("a", 16<<10+1)}, 431},
		{"padding within", []bearer.TokenSource{field}, []string{assertionField, "a=.b=.c="}, 400},

		{"a cookie", []bearer.TokenSource{cookie}, []string{"Cookie", "a=b; __Host-token=good; c=d"}, 200},
		{"a cookie in the second line", []bearer.TokenSource{cookie}, []string{"Cookie", "a=b", "Cookie", "__Host-token=good"}, 200},
		{"a cookie that is not a source", nil, []string{"Cookie", "__Host-token=good"}, 401},
		{"a cookie of another case", []bearer.TokenSource{cookie}, []string{"Cookie", "__host-token=good"}, 401},
		{"a cookie without a name", []bearer.TokenSource{cookie}, []string{"Cookie", "=__Host-token=good"}, 401},
		{"another cookie with the name in its value", []bearer.TokenSource{cookie}, []string{"Cookie", "a=__Host-token=good"}, 401},
		{"an empty cookie", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token="}, 401},
		{"a cookie without =", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token"}, 401},
		{"an empty cookie beside one of the name", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token=; __Host-token=good"}, 400},
		{"an empty cookie after one of the name", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token=good; __Host-token="}, 400},
		{"a cookie in quotes", []bearer.TokenSource{cookie}, []string{"Cookie", `__Host-token="good"`}, 400},
		{"two cookies of the name", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token=good; __Host-token=good"}, 400},
		{"two cookies of the name in two lines", []bearer.TokenSource{cookie}, []string{"Cookie", "__Host-token=good", "Cookie", "__Host-token=good"}, 400},
		{"another cookie by choice", []bearer.TokenSource{bearer.InsecureFromCookie("session")}, []string{"Cookie", "session=good"}, 200},

		{"one of several sources", all, []string{"Authorization", "Bearer good"}, 200},
		{"two sources", all, []string{"Authorization", "Bearer good", assertionField, "good"}, 400},
		{"two sources, one of them bad", all, []string{assertionField, "x", "Cookie", "__Host-token=good"}, 400},
		{"three sources", all, []string{"Authorization", "Bearer good", assertionField, "good", "Cookie", "__Host-token=good"}, 400},
		{"an empty cookie beside Authorization", all, []string{"Authorization", "Bearer good", "Cookie", "__Host-token="}, 200},
		{"an empty field beside Authorization", all, []string{"Authorization", "Bearer good", assertionField, ""}, 200},
		{"another scheme beside a cookie", all, []string{"Authorization", "Basic YTpi", "Cookie", "__Host-token=good"}, 200},
		{"a malformed Authorization beside a cookie", all, []string{"Authorization", "Bearer", "Cookie", "__Host-token=good"}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := serve(newRoute(t, fromSources(tt.sources...), bearer.RouteConfig{}), requestWith("GET", tt.header...))
			if got.status != tt.status || got.known != (tt.status == 200) {
				t.Errorf("%d %v, want %d", got.status, got.known, tt.status)
			}
			want := map[int]string{400: `error="invalid_request"`, 401: `Bearer realm="api"`, 200: "", 431: ""}[tt.status]
			if !strings.Contains(got.challenge(), want) || (want == "") != (got.challenge() == "") {
				t.Errorf("the challenge is %q", got.challenge())
			}
		})
	}
}

// RFC 6750, Section 3.1: a malformed request is refused in any source. The log
// says in which one, and why.
func TestRecordNamesTheMalformedSource(t *testing.T) {
	plain, encoded := bearer.FromWebSocketProtocol("t."), bearer.FromWebSocketProtocolBase64("b64.")
	tests := []struct {
		name                 string
		source               bearer.TokenSource
		request              *http.Request
		check, expected, got string
	}{
		{"two lines of Authorization", bearer.FromAuthorization(), get("Bearer good", "Bearer good"), "Authorization", "one field line", "2 lines"},
		{"no token after the scheme", bearer.FromAuthorization(), get("Bearer "), "Authorization", "a token after the scheme", "none"},
		{"a tab after the scheme", bearer.FromAuthorization(), get("Bearer\tgood"), "Authorization", "a space after the scheme", "another character"},
		{"two lines of a field", bearer.FromHeader(assertionField), requestWith("GET", assertionField, "good", assertionField, "good"), assertionField, "one field line", "2 lines"},
		{"two cookies of the name", bearer.FromCookie(hostCookie), requestWith("GET", "Cookie", "__Host-token=good; __Host-token=good"), "cookie", "one of each name", "several"},
		{"two subprotocols", plain, handshake("t.good, t.good"), "Sec-WebSocket-Protocol", "one token", "several"},
		{"a subprotocol that is not base64url", encoded, handshake("b64.a+b"), "Sec-WebSocket-Protocol", "a token in base64url without padding", "another encoding"},
		{"a subprotocol without a token", plain, handshake("t."), "token", "a token68", "none"},
		{"other characters", bearer.FromHeader(assertionField), requestWith("GET", assertionField, "go od"), "token", "a token68", "other characters"},
	}
	for _, tt := range tests {
		var log eventLog
		got := serve(newRoute(t, log.config(fromSources(tt.source)), bearer.RouteConfig{}), tt.request)
		if _, event := log.only(t); got.status != 400 || event.Check != tt.check || event.Expected != tt.expected || event.Got != tt.got {
			t.Errorf("%s: %d, %+v", tt.name, got.status, event)
		}
	}
}

// RFC 9111, Section 3.5: a response to a request without Authorization could be
// stored by a shared cache.
func TestOtherSourcesMakeResponsesPrivate(t *testing.T) {
	rt := newRoute(t, fromSources(bearer.FromAuthorization(), bearer.FromHeader(assertionField), bearer.FromCookie(hostCookie)), bearer.RouteConfig{Optional: true})
	for want, header := range map[string][]string{"": {"Authorization", "Bearer good"}, "private": {assertionField, "good"}, "private ": {"Cookie", "__Host-token=good"}, " ": nil} {
		if got := serve(rt, requestWith("GET", header...)); got.status != 200 || got.header.Get("Cache-Control") != strings.TrimSpace(want) {
			t.Errorf("%v: %d, Cache-Control %q, want %q", header, got.status, got.header.Get("Cache-Control"), want)
		}
	}
}

// Checklist D16 and RFC 9449, Section 7.1: a key-bound token needs the scheme
// DPoP, which only Authorization has.
func TestOtherSourcesCarryNoBoundTokens(t *testing.T) {
	c := fromSources(bearer.FromAuthorization(), bearer.FromHeader(assertionField), bearer.FromCookie(hostCookie), bearer.FromWebSocketProtocol("t."))
	c.Proofs = &proofs{}
	rt := newRoute(t, c, bearer.RouteConfig{})
	for name, r := range map[string]*http.Request{
		"field":     requestWith("GET", assertionField, "key-bound"),
		"cookie":    requestWith("GET", "Cookie", "__Host-token=key-bound"),
		"WebSocket": handshake("t.key-bound"),
	} {
		r.Header.Set("DPoP", "proof")
		if got := serve(rt, r); got.status != 401 || !strings.Contains(got.challenge(), `Bearer realm="api", error="invalid_token"`) {
			t.Errorf("%s: %d %s", name, got.status, got.challenge())
		}
	}
	both := requestWith("GET", "Authorization", "DPoP key-bound", "DPoP", "proof", "Cookie", "__Host-token=good")
	if got := serve(rt, both); got.status != 400 || strings.Count(got.challenge(), `error="invalid_request"`) != 2 {
		t.Errorf("under DPoP, and in a cookie: %d %s", got.status, got.challenge())
	}
}

// Reports V16: a foreign page can make a browser send bad tokens to every source
// but Authorization.
func TestOtherSourcesDoNotCountAsFailures(t *testing.T) {
	c := fromSources(bearer.FromAuthorization(), bearer.FromHeader(assertionField), bearer.FromCookie(hostCookie), bearer.FromWebSocketProtocol("t."))
	c.FailureLimit = &bearer.FailureLimit{Burst: 1, Every: time.Hour}
	rt := newRoute(t, c, bearer.RouteConfig{})
	for range 3 {
		for _, r := range []*http.Request{
			requestWith("GET", "Cookie", "__Host-token=forged"), requestWith("GET", assertionField, "forged"), handshake("t.forged"),
		} {
			if got := serve(rt, r); got.status != 401 {
				t.Fatalf("%v: %d", r.Header, got.status)
			}
		}
	}
	if got := serve(rt, get("Bearer forged")); got.status != 401 {
		t.Errorf("the first one in Authorization: %d", got.status)
	}
	if got := serve(rt, requestWith("GET", "Cookie", "__Host-token=good")); got.status != 429 {
		t.Errorf("a cookie after it: %d, want 429", got.status)
	}
}

func TestTokenSourceMistakes(t *testing.T) {
	tests := []struct {
		config bearer.Config
		want   []string
	}{
		{fromSources(bearer.TokenSource{}, bearer.FromHeader("a b"), bearer.FromHeader(""), bearer.FromHeader("authorization"), bearer.FromHeader("dpop")),
			[]string{"Sources[0] is the zero TokenSource", `Sources[1] is FromHeader("a b")`, `Sources[2] is FromHeader("")`, `Sources[3] is FromHeader("Authorization"): the value`, `Sources[4] is FromHeader("Dpop")`}},
		{fromSources(bearer.FromHeader("x-amzn-oidc-data")), []string{`Sources[0] is FromHeader("X-Amzn-Oidc-Data"): its tokens are padded`}},
		{fromSources(bearer.FromCookie("token"), bearer.FromCookie("__host-token"), bearer.InsecureFromCookie("a=b"), bearer.FromWebSocketProtocol("a/")),
			[]string{`Sources[0] is FromCookie("token"): want a name that begins with __Host-`, `Sources[1] is FromCookie("__host-token")`, `Sources[2] is InsecureFromCookie("a=b")`, `Sources[3] is FromWebSocketProtocol("a/")`}},
		{fromSources(bearer.FromHeader("a"), bearer.FromHeader("A"), bearer.FromCookie(hostCookie), bearer.InsecureFromCookie(hostCookie)),
			[]string{`Sources[1] FromHeader("A") reads the same value as Sources[0] FromHeader("A")`, `Sources[3] InsecureFromCookie`}},
		{fromSources(bearer.FromWebSocketProtocol("t."), bearer.FromWebSocketProtocolBase64("t.b64."), bearer.FromAuthorization(), bearer.FromAuthorization()),
			[]string{`Sources[1] FromWebSocketProtocolBase64("t.b64.") reads`, "Sources[3] FromAuthorization() reads"}},
		{bearer.Config{CrossOrigin: http.NewCrossOriginProtection()}, []string{"CrossOrigin has no effect"}},
		{bearer.Config{CrossOrigin: http.NewCrossOriginProtection(), Sources: []bearer.TokenSource{bearer.FromFormBody()}}, []string{"CrossOrigin has no effect"}},
		{bearer.Config{Proofs: &proofs{}, Sources: []bearer.TokenSource{bearer.FromCookie(hostCookie)}}, []string{"Proofs needs FromAuthorization"}},
		{bearer.Config{FailureLimit: &bearer.FailureLimit{}, Sources: []bearer.TokenSource{bearer.FromHeader("a")}}, []string{"FailureLimit has no effect"}},
		{bearer.Config{Proofs: &proofs{}, ProofsRequired: true, Sources: []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromCookie(hostCookie)}}, []string{"ProofsRequired conflicts with Sources"}},
		{bearer.Config{Proofs: &proofs{}, ProofsRequired: true, Sources: []bearer.TokenSource{bearer.FromCookie(hostCookie)}}, []string{"ProofsRequired conflicts with Sources", "Proofs needs FromAuthorization"}},
	}
	for _, tt := range tests {
		tt.config.Verifiers = []bearer.Verifier{bearer.VerifierFunc(byName)}
		_, err := bearer.New(tt.config)
		for _, want := range tt.want {
			if err == nil || !strings.Contains(err.Error(), "bearer: Config."+want) {
				t.Errorf("%v: error %v lacks %q", tt.config.Sources, err, want)
			}
		}
		if err != nil && strings.Count(err.Error(), "\n")+1 != len(tt.want) {
			t.Errorf("%v: more mistakes: %v", tt.config.Sources, err)
		}
	}
	own := []bearer.TokenSource{bearer.FromAuthorization(), bearer.FromHeader(assertionField)}
	guard := newGuard(t, fromSources(own...))
	own[0] = bearer.FromFormBody()
	if got := guard.Sources(); len(got) != 2 || got[0] != bearer.FromAuthorization() || got[1] != bearer.FromHeader("cf-access-jwt-assertion") {
		t.Errorf("the guard's sources are %v", got)
	}
	if got := newGuard(t, bearer.Config{}).Sources(); len(got) != 1 || got[0] != bearer.FromAuthorization() {
		t.Errorf("the default sources are %v", got)
	}
}

// A source prints as the call that creates it.
func TestTokenSourcesPrintAsCalls(t *testing.T) {
	for want, source := range map[string]bearer.TokenSource{
		"TokenSource{}":                   {},
		"FromAuthorization()":             bearer.FromAuthorization(),
		"FromFormBody()":                  bearer.FromFormBody(),
		"InsecureFromQuery()":             bearer.InsecureFromQuery(),
		`FromHeader("X-Token")`:           bearer.FromHeader("X-Token"),
		`FromCookie("__Host-token")`:      bearer.FromCookie("__Host-token"),
		`InsecureFromCookie("token")`:     bearer.InsecureFromCookie("token"),
		`FromWebSocketProtocol("bearer")`: bearer.FromWebSocketProtocol("bearer"),
	} {
		if got := source.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// New refuses sources that may read the same value, and accepts others.
func TestSourcesThatOverlap(t *testing.T) {
	authorization := bearer.FromAuthorization()
	for _, tt := range []struct {
		name    string
		sources []bearer.TokenSource
		ok      bool
	}{
		{"the same twice", []bearer.TokenSource{authorization, authorization}, false},
		{"two cookies", []bearer.TokenSource{bearer.FromCookie("__Host-a"), bearer.FromCookie("__Host-b")}, true},
		{"two cookies of one name", []bearer.TokenSource{bearer.FromCookie("__Host-a"), bearer.InsecureFromCookie("__Host-a")}, false},
		{"a cookie and a field of one name", []bearer.TokenSource{bearer.InsecureFromCookie("X-A"), bearer.FromHeader("X-A")}, true},
		{"a field and a cookie of one name", []bearer.TokenSource{bearer.FromHeader("X-A"), bearer.InsecureFromCookie("X-A")}, true},
		{"a protocol that begins as another", []bearer.TokenSource{bearer.FromWebSocketProtocol("a."), bearer.FromWebSocketProtocol("a.b.")}, false},
		{"a protocol that another begins with", []bearer.TokenSource{bearer.FromWebSocketProtocol("a.b."), bearer.FromWebSocketProtocol("a.")}, false},
		{"two protocols", []bearer.TokenSource{bearer.FromWebSocketProtocol("a."), bearer.FromWebSocketProtocol("b.")}, true},
		{"a cookie named as a field of others", []bearer.TokenSource{bearer.InsecureFromCookie("Cookie"), bearer.InsecureFromCookie("X-Amzn-Oidc-Data")}, true},
		{"a field of others", []bearer.TokenSource{bearer.FromHeader("Cookie")}, false},
		{"the data of AWS", []bearer.TokenSource{bearer.FromHeader("X-Amzn-Oidc-Data")}, false},
	} {
		if _, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{boundVerifier}, Sources: tt.sources}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Settings that Sources leave without effect, or that Sources contradict.
func TestSourcesAndOtherSettings(t *testing.T) {
	authorization, cookie, field := bearer.FromAuthorization(), bearer.FromCookie("__Host-a"), bearer.FromHeader("X-Token")
	limit, protection := &bearer.FailureLimit{}, http.NewCrossOriginProtection()
	for _, tt := range []struct {
		name   string
		config bearer.Config
		ok     bool
	}{
		{"a limit", bearer.Config{FailureLimit: limit}, true},
		{"a limit and Authorization among others", bearer.Config{FailureLimit: limit, Sources: []bearer.TokenSource{cookie, authorization}}, true},
		{"a limit without Authorization", bearer.Config{FailureLimit: limit, Sources: []bearer.TokenSource{cookie}}, false},
		{"proofs", bearer.Config{Proofs: &proofs{}, ProofsRequired: true}, true},
		{"proofs and Authorization alone", bearer.Config{Proofs: &proofs{}, ProofsRequired: true, Sources: []bearer.TokenSource{authorization}}, true},
		{"proofs required, and another source", bearer.Config{Proofs: &proofs{}, ProofsRequired: true, Sources: []bearer.TokenSource{authorization, field}}, false},
		{"proofs, and another source", bearer.Config{Proofs: &proofs{}, Sources: []bearer.TokenSource{authorization, field}}, true},
		{"proofs without Authorization", bearer.Config{Proofs: &proofs{}, Sources: []bearer.TokenSource{field}}, false},
		{"proofs required without Authorization", bearer.Config{Proofs: &proofs{}, ProofsRequired: true, Sources: []bearer.TokenSource{field}}, false},
		{"a protection, and a cookie before others", bearer.Config{CrossOrigin: protection, Sources: []bearer.TokenSource{cookie, authorization}}, true},
		{"a protection, and a cookie after others", bearer.Config{CrossOrigin: protection, Sources: []bearer.TokenSource{authorization, cookie}}, true},
		{"a protection without effect", bearer.Config{CrossOrigin: protection, Sources: []bearer.TokenSource{authorization}}, false},
	} {
		tt.config.Verifiers = []bearer.Verifier{boundVerifier}
		if _, err := bearer.New(tt.config); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
