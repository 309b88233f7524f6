package claims_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bearerkit/bearerkit/internal/claims"
)

// For any document: only a malformed strict claim rejects it, a cnf that was
// sent binds the token, and every granted scope is named in the document.
func FuzzPrincipal(f *testing.F) {
	f.Add(documentOf(complete))
	for _, document := range []string{
		`{}`, `{"cnf":null}`, `{"cnf":{}}`, `{"cnf":{"jkt":null,"kid":null}}`, `{"acr":["a"],"auth_time":"x","amr":"pwd","sub":7}`,
		`{"scope":" a  b "}`, `{"scope":"a\tb"}`, `{"scope":"\u0061\u0020\u0020b"}`, `{"scope":null,"scp":["a","",null]}`, `{"scope":7,"scp":["a"]}`,
		`{"exp":"1"}`, `{"exp":1e400}`, `{"nbf":-1}`, `{"aud":["a",7]}`,
	} {
		f.Add([]byte(document))
	}
	strict := []string{"iss", "aud", "exp", "nbf", "iat", "cnf"}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, names := range []*claims.Names{claims.NewNames(), claims.NewAnswerNames()} {
			scopes := []int{names.Add("scope"), names.Add("scp")}
			v, p, err := read(names, document)
			if err != nil {
				if e, ok := errors.AsType[*claims.Error](err); ok && !slices.Contains(strict, e.Claim) {
					t.Errorf("%s: rejected: %v", document, err)
				}
				continue
			}
			if v.Sent(claims.Cnf) && p.Confirmation.IsZero() {
				t.Errorf("%s: the token is not bound", document)
			}
			set, err := v.Scopes(scopes, func(i int) bool { return i == scopes[0] })
			if err != nil {
				t.Errorf("%s: rejected: %v", document, err)
			}
			escaped := strings.Contains(string(document), `\`)
			for _, name := range set.Names() {
				if !escaped && !strings.Contains(string(document), name) {
					t.Errorf("%s: grants %q", document, name)
				}
			}
		}
	})
}
