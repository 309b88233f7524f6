package bearer

import (
	"errors"
	"net/http"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// checkBinding judges whether the sender holds the key and the certificate to
// which the token is bound. The token decides whether it is bound, not the scheme
// of the request (RFC 9449, Section 7.2; RFC 8705, Section 3). Every known binding
// must hold. checkBinding stores a valid proof in d; useProof uses it later.
func (g *Guard) checkBinding(r *http.Request, d *Decision) *Error {
	cnf, scheme := d.admitted.shared.Confirmation, d.credentials.scheme
	switch {
	case cnf.JKT == "" && scheme == schemeDPoP:
		return unmetBinding("a token bound to a key (jkt), under the DPoP scheme", "an unbound token",
			"the client must send unbound tokens under the scheme Bearer")
	case cnf.JKT != "" && g.proofs == nil:
		return unmetBinding("no jkt, since Config.Proofs is not set", "a token bound to a key", "set Config.Proofs to a dpop.Checker")
	case cnf.JKT != "" && scheme != schemeDPoP:
		return unmetBinding("a token bound to a key (jkt), under the DPoP scheme", "the Bearer scheme",
			"the client must use the scheme DPoP, with a proof (RFC 9449)")
	case cnf.X5TS256 != "" && g.certificates == nil:
		return unmetBinding("no x5t#S256, since Config.Certificates is not set", "a token bound to a certificate", "set Config.Certificates")
	case cnf.JKT == "" && cnf.X5TS256 == "" && cnf.Other:
		return unmetBinding("jkt or x5t#S256", "an unknown binding", "the issuer binds tokens by a method that the guard cannot check")
	case cnf.JKT == "" && cnf.X5TS256 == "" && g.boundOnly:
		return unmetBinding("a bound token (Config.BoundTokensOnly)", "an unbound token",
			"the client must get a bound token; otherwise leave Config.BoundTokensOnly off")
	}
	if cnf.X5TS256 == "" && g.certificates != nil && g.certificates.Required {
		return unmetBinding("a token bound to a certificate (Certificates.Required)", "a token without x5t#S256",
			"the client must get a token that is bound to its certificate; otherwise leave Certificates.Required off")
	}
	if cnf.X5TS256 != "" {
		if e := g.certificates.check(r, cnf.X5TS256); e != nil {
			return e
		}
	}
	if cnf.JKT != "" {
		return g.checkProof(r, d)
	}
	return nil
}

func unmetBinding(expected, got, hint string) *Error {
	e := Invalid("cnf", expected, got)
	e.Hint = hint
	return e
}

// checkProof judges the proof of the request. If an outer route accepted the same
// proof, checkProof accepts it again: a proof that was fresh when the request
// arrived does not age while the request is served.
func (g *Guard) checkProof(r *http.Request, d *Decision) *Error {
	token, p := d.credentials.token, d.admitted.principal()
	held := d.outer.proofFor(r, g, token, p.Confirmation.JKT)
	if held == nil {
		proof, err := g.proofs.CheckProof(r, token, p)
		if err == nil && nilcheck.IsNil(proof) {
			err = errNoProof
		}
		if err != nil {
			return proofRefusal(err)
		}
		held = g.hold(r, token, p.Confirmation.JKT, proof)
	}
	d.admitted.judged.proof = held
	return nil
}

var errNoProof = errors.New("the proof checker returned neither a proof nor an error")

// useProof marks the proof of a request as used, once the request has passed
// every other check. held is nil if the request needs no proof.
func useProof(r *http.Request, held *heldProof) *Error {
	if held == nil {
		return nil
	}
	if err := held.use(r.Context()); err != nil {
		return proofRefusal(err)
	}
	return nil
}

func proofRefusal(err error) *Error {
	own := *classifyAmong(err, CodeUnavailable,
		CodeInvalidDPoPProof, CodeUseDPoPNonce, CodeInvalidToken, CodeUnavailable, CodeCanceled)
	if own.Check == "" {
		own.Check = "DPoP proof"
	}
	return &own
}

// giveNonce sends the client a nonce for its next proof (RFC 9449, Section 8), if
// the checker uses nonces.
func (g *Guard) giveNonce(h http.Header) {
	nonce := g.proofs.Nonce()
	if nonce == "" {
		return
	}
	h.Set("DPoP-Nonce", nonce)
	h.Set("Cache-Control", "no-store") // RFC 9449, Section 8.2
	expose(h, "DPoP-Nonce", "WWW-Authenticate")
}
