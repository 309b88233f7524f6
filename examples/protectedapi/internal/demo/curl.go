package demo

import (
	"strings"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/binding"
)

// call is a request that carries a token. The token may be a word that the shell
// expands.
type call struct{ method, path, token string }

// send returns the command line of a call, with the proof that it needs.
func (d *demo) send(method, path, token string) string {
	return d.curl(method, path, d.carry(d.scheme, call{method, path, token})...)
}

// curl returns a command line. The words follow the URL as they are.
func (d *demo) curl(method, path string, words ...string) string {
	if d.BindsToCertificate && d.certify != nil {
		words = append(words, d.certify(d.Issuer.Files.Client))
	}
	return d.plain(method, path, words...)
}

// plain is curl without a client certificate.
func (d *demo) plain(method, path string, words ...string) string {
	line := []string{"curl -si", quote(d.Origin + path)}
	switch {
	case d.Transport.Cert != "":
		line = append(line, "--cacert "+quote(d.Transport.Cert))
	case strings.HasPrefix(d.Origin, "https:"):
		line = append(line, "--cacert "+quote(d.Issuer.Files.Server.File))
	}
	if method != "GET" {
		line = append(line, "-X "+method)
	}
	return strings.Join(append(line, words...), " ")
}

// carry returns the words that send a call's token under a scheme.
func (d *demo) carry(scheme string, c call) []string {
	words := []string{"-H", authorization(scheme, c.token)}
	if scheme == "DPoP" {
		words = append(words, d.proof(c))
	}
	return words
}

// authorization returns the word for an Authorization field.
func authorization(scheme, token string) string {
	if strings.Contains(token, "$") {
		return `"Authorization: ` + scheme + " " + token + `"`
	}
	return quote("Authorization: " + scheme + " " + token)
}

// proof returns the words for a proof, with a nonce if the API requires one.
func (d *demo) proof(c call) string {
	nonce := ""
	if d.Proofs.Nonce == binding.Required {
		// The API sends the nonce in reply to any request under DPoP.
		nonce = ` -nonce "$(` + d.plain("GET", "/me", "-H 'Authorization: DPoP x'") +
			` | tr -d '\r' | sed -n 's/^[Dd][Pp][Oo][Pp]-[Nn]once: //p')"`
	}
	return d.proofWith(c, nonce)
}

// proofWith returns the words for a proof; more are further flags of the command
// proof.
func (d *demo) proofWith(c call, more string) string {
	token := c.token
	if strings.Contains(token, "$") {
		token = `"` + token + `"`
	}
	line := d.program + " proof -key " + quote(d.Issuer.Files.Key)
	if c.method != "GET" {
		line += " -method " + c.method
	}
	return `-H "DPoP: $(` + line + " -url " + quote(d.proofURL(c.path)) + " -token " + token + more + `)"`
}

// tokenRequest returns what follows "curl" to get a token for alice.
func (d *demo) tokenRequest(scope string) string {
	return quote(d.Issuer.URL()+"/token") + " -d grant_type=client_credentials -d client_id=app -d sub=alice -d " + quote("scope="+scope)
}

// binding returns what follows a token request, so that the token is bound as
// the API requires.
func (d *demo) binding() string {
	words := ""
	if d.BindsToKey {
		words += d.bindingToKey()
	}
	if d.BindsToCertificate {
		words += d.bindingToCertificate()
	}
	return words
}

func (d *demo) bindingToKey() string {
	return ` -H "DPoP: $(` + d.program + " proof -key " + quote(d.Issuer.Files.Key) + " -method POST -url " + quote(d.Issuer.URL()+"/token") + `)"`
}

func (d *demo) bindingToCertificate() string {
	return " --data-urlencode " + quote("client_certificate@"+d.Issuer.Files.Client.File)
}

// quote quotes a word for /bin/sh if it needs quotes.
func quote(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:=%@+") == "" && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
