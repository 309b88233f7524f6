package bearertest

import (
	"maps"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/jose"
)

const (
	// introspectionType is the typ of a signed answer (RFC 9701, Section 5).
	introspectionType = "token-introspection+jwt"

	// introspectionAlgorithm is the default for clients that have not registered
	// an algorithm (RFC 9701, Section 6).
	introspectionAlgorithm = jose.RS256
)

// OverlayIntrospection makes the introspection endpoint send the result of change
// in place of its answer. A test can thus send wrong answers, or a different
// answer to each client ID. The answer has active (true or false) and the members
// of the token as decoded JSON, with numbers as float64; change may modify it. A
// nil member is sent as null. In a signed answer it is the claim
// token_introspection. A nil change restores the true answers. The endpoint may
// call change concurrently.
func (i *Issuer) OverlayIntrospection(change func(client string, answer map[string]any) map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.overlay = change
}

// introspect is the introspection endpoint (RFC 7662, Section 2.2).
func (i *Issuer) introspect(w http.ResponseWriter, r *http.Request, client, token string) {
	if raw := i.rawAnswer(token); raw != nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
		return
	}
	answer := map[string]any{"active": false}
	if claims := i.lookup(token); claims != nil {
		answer = map[string]any{"active": true, "token_type": "Bearer"}
		if cnf, ok := claims["cnf"].(map[string]any); ok && cnf["jkt"] != nil {
			answer["token_type"] = "DPoP" // RFC 9449, Section 6.2
		}
		maps.Copy(answer, claims)
	}
	i.mu.Lock()
	change := i.overlay
	i.mu.Unlock()
	if change != nil {
		answer = change(client, answer)
	}
	if !acceptsSigned(r) {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	signed, err := i.signIntrospection(client, answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/"+introspectionType)
	_, _ = w.Write([]byte(signed))
}

// rawAnswer returns the answer that was set for a token, unless it is revoked.
func (i *Issuer) rawAnswer(token string) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.revoked[digestOf(token)] {
		return nil
	}
	return i.answers[digestOf(token)]
}

// acceptsSigned reports whether a request names the media type of a signed answer
// (RFC 9701, Section 4), whatever its weight.
func acceptsSigned(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept") {
		for element := range strings.SplitSeq(line, ",") {
			if name, _, err := mime.ParseMediaType(element); err == nil && name == "application/"+introspectionType {
				return true
			}
		}
	}
	return false
}

func (i *Issuer) signIntrospection(client string, answer map[string]any) (string, error) {
	k, err := i.signer(introspectionAlgorithm)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(map[string]any{
		"iss": i.url, "aud": client, "iat": time.Now().Unix(), "token_introspection": answer,
	}, json.Deterministic(true))
	if err != nil {
		return "", err
	}
	header := overlay(map[string]any{"typ": introspectionType, "alg": string(introspectionAlgorithm), "kid": k.id}, nil)
	return sign(k, string(introspectionAlgorithm), header, payload), nil
}
