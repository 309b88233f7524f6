package demo

import (
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
)

// proofRows are about tokens that are bound to a key (RFC 9449).
func (d *demo) proofRows() []row {
	if d.Proofs.Mode == binding.Off {
		token := d.Issuer.Mint(bearertest.Token{Scope: "orders:read", TTL: 12 * time.Hour,
			Claims: map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}})
		return []row{{401, "a token bound to a key (cnf), where no such binding is checked: invalid_token",
			d.curl("GET", "/orders", d.carry("Bearer", orders(token))...)}}
	}
	token := d.bound(bearertest.Token{Scope: "orders:read"}, true, d.BindsToCertificate)
	unbound := d.bound(bearertest.Token{Scope: "orders:read"}, false, d.BindsToCertificate)
	asDPoP := authorization("DPoP", token)
	twice := append([]string{"-o /dev/null " + quote(d.Origin+"/orders")}, d.carry("DPoP", orders(token))...)
	rows := []row{
		{200, "the development issuer: a fresh token bound to the key of a proof (RFC 9449, Section 5), of the type DPoP",
			"curl -si " + d.tokenRequest("orders:read") + d.bindingToKey()},
		{200, "a token bound to a key, with a proof of that key for this request", d.curl("GET", "/orders", d.carry("DPoP", orders(token))...)},
		{401, "the same without a proof: invalid_dpop_proof", d.curl("GET", "/orders", "-H", asDPoP)},
		{401, "a proof for another URL: invalid_dpop_proof", d.curl("GET", "/orders", "-H", asDPoP, d.proof(call{"GET", "/me", token}))},
		{401, "a proof that is used twice, of which the second answer is shown: invalid_dpop_proof", d.curl("GET", "/orders", twice...)},
		{401, "a token bound to a key, sent as Bearer: invalid_token", d.curl("GET", "/orders", "-H", authorization("Bearer", token))},
		{401, "a token that is not bound, under DPoP: invalid_token", d.curl("GET", "/orders", d.carry("DPoP", orders(unbound))...)},
		{400, "both schemes at once: invalid_request", d.curl("GET", "/orders", "-H", authorization("Bearer", token), "-H", asDPoP)},
	}
	if d.Proofs.Mode == binding.Required {
		rows = append(rows, row{401, "Bearer, where DPoP is required: invalid_token", d.curl("GET", "/orders", "-H", authorization("Bearer", unbound))})
	}
	if d.Proofs.Nonce == binding.Required {
		rows = append(rows, row{401, "a proof without a nonce: use_dpop_nonce, and the nonce to use",
			d.curl("GET", "/orders", "-H", asDPoP, d.proofWith(orders(token), ""))})
	}
	return rows
}

func orders(token string) call { return call{"GET", "/orders", token} }

// certificateRows are about tokens that are bound to a client certificate (RFC
// 8705).
func (d *demo) certificateRows() []row {
	if d.certify == nil {
		return nil
	}
	files := d.Issuer.Files
	mine, other := d.certify(files.Client), d.certify(files.Other)
	token := d.bound(bearertest.Token{Scope: "orders:read"}, d.BindsToKey, true)
	plain := func(token string, more ...string) string {
		return d.plain("GET", "/orders", append(d.carry(d.scheme, orders(token)), more...)...)
	}
	rows := []row{
		{200, "the development issuer: a fresh token bound to a client certificate (RFC 8705, Section 3)",
			"curl -si " + d.tokenRequest("orders:read") + d.bindingToCertificate()},
		{200, "a token bound to a client certificate, with that certificate", plain(token, mine)},
		{401, "the same without a certificate: invalid_token", plain(token)},
		{401, "the same with another certificate: invalid_token", plain(token, other)},
	}
	if strings.HasPrefix(mine, "--cert") {
		rows = append(rows, row{401, "a Client-Cert field of the client's own, which no trusted proxy sent: invalid_token",
			plain(token, clientCert(files.Client))})
	}
	if d.Proofs.Mode != binding.Off {
		both := d.bound(bearertest.Token{Scope: "orders:read"}, true, true)
		rows = append(rows, row{200, "a token bound to a key and to a certificate, with both",
			d.plain("GET", "/orders", append(d.carry("DPoP", orders(both)), mine)...)})
	}
	if d.Transport.Mode == binding.Required {
		unbound := d.bound(bearertest.Token{Scope: "orders:read"}, d.BindsToKey, false)
		rows = append(rows, row{401, "a token that is bound to no certificate, where one is required: invalid_token", plain(unbound, mine)})
	}
	return rows
}
