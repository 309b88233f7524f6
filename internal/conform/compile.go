package conform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// compiled is what a step sends, with the texts of its placeholders.
type compiled struct {
	exchange exchange
	values   values
	token    string

	signatures []string // of the tokens and proofs
}

// compile makes the tokens, the proofs and the request of a step. The step before
// gives its tokens to a step that asks for the same.
func (r *run) compile(s Step, before *compiled) (*compiled, error) {
	request := Request{}
	if s.Request != nil {
		request = *s.Request
	}
	v := r.values.with(values{"path": r.target.path(request.Route), "method": orText(request.Method, r.target.Method), "nonce": r.nonce})
	v["htu"] = r.target.base.Scheme + "://" + r.target.base.Host + v["path"]
	v["url"] = v["htu"]
	v["htu-upper-host"] = r.target.base.Scheme + "://" + strings.ToUpper(r.target.base.Host) + v["path"]
	v["htu-encoded"] = encodeLast(v["htu"])
	if request.Body == "" && request.Method == "" {
		request.Body = r.target.Body
	}
	request.bind(r.target.Binding)
	s.bind(r.target.Binding)
	c := &compiled{values: v}
	if s.Same && before != nil {
		maps.Copy(v, values{"token": before.values["token"], "other": before.values["other"], "proof": before.values["proof"], "proof2": before.values["proof2"]})
		c.signatures = before.signatures
	} else {
		r.maker.signatures = nil
		if err := r.make(s, v); err != nil {
			return nil, err
		}
		c.signatures = r.maker.signatures
	}
	c.token = v["token"]
	var lines []string
	lines = append(lines, r.target.Header...)
	usual := usualLines(v)
	if request.Headers == nil {
		lines = append(lines, usual...)
	}
	for _, line := range request.Headers {
		if line == "{authorization}" {
			lines = append(lines, usual...)
		} else {
			lines = append(lines, line)
		}
	}
	text, err := request.text(v, lines)
	if err != nil {
		return nil, err
	}
	c.exchange = exchange{method: v["method"], text: text}
	if name := request.Certificate; name != "" && name != "none" {
		if c.exchange.client = r.keys.certificates[name]; c.exchange.client == nil {
			return nil, fmt.Errorf("unknown certificate %q", name)
		}
	}
	for _, name := range []string{"token", "other", "proof", "proof2"} {
		if v[name] != "" {
			c.exchange.secrets = append(c.exchange.secrets, v[name])
		}
	}
	c.exchange.secrets = append(c.exchange.secrets, c.signatures...)
	return c, nil
}

// encodeLast percent-encodes the last character of a URL that needs no encoding.
func encodeLast(url string) string {
	if last := url[len(url)-1]; last != '/' {
		return fmt.Sprintf("%s%%%02X", url[:len(url)-1], last)
	}
	return url
}

// make makes the tokens and proofs of a step.
func (r *run) make(s Step, v values) (err error) {
	for _, m := range []struct {
		name   string
		recipe *Recipe
		make   func(Recipe, values) (string, error)
	}{
		{"token", s.Token, r.maker.token}, {"other", s.Other, r.maker.token},
		{"proof", s.Proof, r.maker.proof}, {"proof2", s.Proof2, r.maker.proof},
	} {
		v[m.name] = ""
		if m.name == "proof" {
			v["ath"], v["other-ath"] = ath(v["token"]), ath(v["other"])
		}
		if m.recipe == nil {
			continue
		}
		if v[m.name], err = m.make(*m.recipe, v); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

// usualLines returns the lines for the token and the proof of a step.
func usualLines(v values) []string {
	switch {
	case v["token"] == "":
		return nil
	case v["proof"] != "":
		return []string{"Authorization: DPoP {token}", "DPoP: {proof}"}
	}
	return []string{"Authorization: Bearer {token}"}
}

// bind gives a request the client's certificate if the API takes no other tokens.
func (r *Request) bind(binding string) {
	if binding == "mtls" {
		r.Certificate = orText(r.Certificate, "client")
	}
}

// bind binds the tokens of a step if the API takes no others.
func (s *Step) bind(binding string) {
	if binding == "" || s.Token == nil {
		return
	}
	cnf := map[string]string{"dpop": `{"jkt":"{jkt}"}`, "mtls": `{"x5t#S256":"{x5t}"}`}[binding]
	token := *s.Token
	token.Claims = maps.Clone(token.Claims)
	if token.Claims == nil {
		token.Claims = map[string]jsontext.Value{}
	}
	if _, has := token.Claims["cnf"]; !has && !strings.Contains(strings.Join(token.NoClaims, " "), "cnf") {
		token.Claims["cnf"] = jsontext.Value(cnf)
	}
	s.Token = &token
	if binding == "dpop" && s.Proof == nil && (s.Request == nil || s.Request.Headers == nil || slices.Contains(s.Request.Headers, "{authorization}")) {
		s.Proof = &Recipe{}
	}
}
