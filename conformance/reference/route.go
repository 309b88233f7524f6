package reference

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// maxToken is the longest token that is read.
const maxToken = 16 << 10

// route is what a path requires.
type route struct {
	scopes   []string
	stepUp   bool
	optional bool
}

// stepUpAge is how old an authentication may be on StepUpPath.
const stepUpAge = 5 * time.Minute

func (s *server) routes() (http.Handler, error) {
	published, err := json.Marshal(map[string]any{
		"resource": s.Resource, "resource_name": "Reference", "authorization_servers": []string{s.Issuer},
		"scopes_supported": []string{s.Scope}, "bearer_methods_supported": []string{"header"},
		"dpop_signing_alg_values_supported": s.proofAlgorithms, "tls_client_certificate_bound_access_tokens": true,
	})
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	s.metadata = published
	mux := http.NewServeMux()
	mux.Handle(Path, s.protect(route{scopes: []string{s.Scope}}))
	mux.Handle(StrictPath, s.protect(route{scopes: []string{s.Scope, "conform:strict"}}))
	mux.Handle(StepUpPath, s.protect(route{scopes: []string{s.Scope}, stepUp: true}))
	mux.Handle(OptionalPath, s.protect(route{scopes: []string{s.Scope}, optional: true}))
	mux.HandleFunc("GET "+metadataPath, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Access-Control-Allow-Origin", "*") // the document is public
		_, _ = w.Write(s.metadata)
	})
	return mux, nil
}

// credentials matches the grammar of RFC 6750, Section 2.1 for any scheme.
var credentials = regexp.MustCompile(`^([A-Za-z0-9!#$%&'*+.^_|~-]+)(?: +(.*))?$`)

var token68 = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// refusal is an answer that refuses a request.
type refusal struct {
	status int
	scheme string // of the challenge with the code; "" is no challenge at all
	code   string
	params string
}

func (s *server) protect(t route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if refused := s.decide(r, t); refused != nil {
			s.refuse(w, t, *refused)
			return
		}
		_, _ = w.Write([]byte("orders\n"))
	})
}

// decide returns nil for a request that the route serves.
func (s *server) decide(r *http.Request, t route) *refusal {
	lines := r.Header.Values("Authorization")
	if len(lines) == 0 && t.optional {
		return nil
	}
	scheme, text, refused := readCredentials(lines)
	if refused != nil {
		return refused
	}
	if len(text) > maxToken {
		return &refusal{status: http.StatusRequestHeaderFieldsTooLarge, scheme: scheme, code: "invalid_token"}
	}
	found, err := s.judge(text)
	if err == nil {
		err = s.checkBinding(r, scheme, text, found)
	}
	switch {
	case errors.Is(err, errOutage):
		return &refusal{status: http.StatusServiceUnavailable}
	case errors.Is(err, errProof):
		return &refusal{http.StatusUnauthorized, "DPoP", "invalid_dpop_proof", ""}
	case errors.Is(err, errNonce):
		return &refusal{http.StatusUnauthorized, "DPoP", "use_dpop_nonce", ""}
	case err != nil:
		return &refusal{http.StatusUnauthorized, scheme, "invalid_token", ""}
	}
	for _, name := range t.scopes {
		if !slices.Contains(found.scopes, name) {
			return &refusal{http.StatusForbidden, scheme, "insufficient_scope", ""}
		}
	}
	if t.stepUp && !found.isStrong() {
		return &refusal{http.StatusUnauthorized, scheme, "insufficient_user_authentication",
			fmt.Sprintf(`, acr_values="phr", max_age="%d"`, int(stepUpAge.Seconds()))}
	}
	return nil
}

// readCredentials reads the scheme and the token of a request.
func readCredentials(lines []string) (scheme, text string, refused *refusal) {
	malformed := &refusal{http.StatusBadRequest, "Bearer", "invalid_request", ""}
	if len(lines) > 1 {
		return "", "", malformed // RFC 9110, Section 5.3: it is a single value
	}
	anonymous := &refusal{http.StatusUnauthorized, "Bearer", "", ""}
	if len(lines) == 0 {
		return "", "", anonymous
	}
	parts := credentials.FindStringSubmatch(strings.Trim(lines[0], " \t"))
	switch {
	case parts == nil:
		return "", "", anonymous
	case strings.EqualFold(parts[1], "Bearer"):
		scheme = "Bearer"
	case strings.EqualFold(parts[1], "DPoP"):
		scheme = "DPoP"
	default:
		return "", "", anonymous
	}
	if !token68.MatchString(parts[2]) {
		return "", "", malformed
	}
	return scheme, parts[2], nil
}

// checkBinding checks that the sender is the owner of a bound token. The token
// decides, and not the scheme (RFC 9449, Section 7.2).
func (s *server) checkBinding(r *http.Request, scheme, text string, t *token) error {
	if (t.jkt != "") != (scheme == "DPoP") || s.FAPI && t.jkt == "" && t.x5t == "" {
		return errToken
	}
	if t.x5t != "" && (r.TLS == nil || len(r.TLS.PeerCertificates) == 0 || sum(string(r.TLS.PeerCertificates[0].Raw)) != t.x5t) {
		return errToken // RFC 8705, Section 3
	}
	if t.jkt != "" {
		return s.checkProof(r, text, t.jkt)
	}
	return nil
}

// isStrong reports whether a token shows what StepUpPath requires (RFC 9470).
func (t *token) isStrong() bool {
	authenticated, ok := date(t.claims, "auth_time")
	age := time.Since(time.Unix(int64(authenticated), 0))
	return ok && age <= stepUpAge && age >= -leeway && t.claims["acr"] == "phr"
}

// refuse writes a refusal. Its challenges name both schemes, and the scheme that
// was used has the code.
func (s *server) refuse(w http.ResponseWriter, t route, f refusal) {
	if f.scheme == "" {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "The server cannot judge the token now.", f.status)
		return
	}
	for _, scheme := range []string{"Bearer", "DPoP"} {
		challenge := fmt.Sprintf(`%s scope="%s", resource_metadata="%s"`, scheme, strings.Join(t.scopes, " "), s.origin+metadataPath)
		if scheme == "DPoP" {
			challenge += `, algs="` + strings.Join(s.proofAlgorithms, " ") + `"`
		}
		if f.code != "" && scheme == f.scheme {
			challenge += `, error="` + f.code + `"` + f.params
		}
		w.Header().Add("WWW-Authenticate", challenge)
	}
	if s.Nonces {
		w.Header().Set("DPoP-Nonce", s.nonce)
	}
	http.Error(w, http.StatusText(f.status), f.status)
}
