package bearer

import (
	"net/http"
	"slices"
	"strings"
)

// checkBinding judges whether a token is in the hands of whom it is bound to.
// The token decides whether it is bound, not the scheme under which it was sent
// (RFC 9449, Section 7.2; RFC 8705, Section 3), and every binding that is known
// must hold. Proofs come last, since a valid one is used up by it.
func (g *Guard) checkBinding(r *http.Request, p *Principal, c *credentials) *Error {
	cnf := p.Confirmation
	switch {
	case cnf.JKT == "" && c.scheme == schemeDPoP:
		return Invalid("cnf", "a token bound to a key (jkt), under the DPoP scheme", "another")
	case cnf.JKT != "" && g.proofs == nil:
		return Invalid("cnf", "no jkt, since Config.Proofs checks none", "a token bound to a key")
	case cnf.JKT != "" && c.scheme != schemeDPoP:
		return Invalid("cnf", "a token bound to a key (jkt) under the DPoP scheme", "it under Bearer")
	case cnf.X5TS256 != "" && g.certificates == nil:
		return Invalid("cnf", "no x5t#S256, since Config.Certificates has none", "a token bound to a certificate")
	case cnf.JKT == "" && cnf.X5TS256 == "" && cnf.Other:
		return Invalid("cnf", "jkt or x5t#S256", "a binding that is not known")
	case cnf.JKT == "" && cnf.X5TS256 == "" && g.boundOnly:
		return Invalid("cnf", "a bound token (Config.BoundTokensOnly)", "one that is not")
	}
	if cnf.X5TS256 == "" && g.certificates != nil && g.certificates.Required {
		return Invalid("cnf", "a token bound to a certificate (Certificates.Required)", "another")
	}
	if cnf.X5TS256 != "" {
		if e := g.certificates.check(r, cnf.X5TS256); e != nil {
			return e
		}
	}
	if cnf.JKT != "" {
		return g.checkProof(r, c.token, cnf.JKT)
	}
	return nil
}

func (g *Guard) checkProof(r *http.Request, token, jkt string) *Error {
	err := g.proofs.CheckProof(r, token, jkt)
	if err == nil {
		return nil
	}
	e := classify(err, CodeUnavailable)
	switch e.Code {
	case CodeInvalidDPoPProof, CodeUseDPoPNonce, CodeInvalidToken, CodeUnavailable, CodeCanceled:
	default: // no answer that a checker may give
		e = &Error{Code: CodeUnavailable, Err: err}
	}
	own := *e
	if own.Check == "" {
		own.Check = "DPoP proof"
	}
	return &own
}

// giveNonce gives the client a nonce for its next proof (RFC 9449, Section 8),
// where nonces are in use.
func (g *Guard) giveNonce(h http.Header) {
	nonce := g.proofs.Nonce()
	if nonce == "" {
		return
	}
	h.Set("DPoP-Nonce", nonce)
	h.Set("Cache-Control", "no-store") // RFC 9449, Section 8.2
	expose(h, "DPoP-Nonce", "WWW-Authenticate")
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
