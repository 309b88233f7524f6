package dev

import (
	"cmp"
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// maxMetadata bounds the metadata of a client, in bytes.
const maxMetadata = 16 << 10

// registration is a client's metadata (RFC 7591, Section 2). Unknown members are
// ignored.
type registration struct {
	Client
	Method    string   `json:"token_endpoint_auth_method,omitempty"`
	Responses []string `json:"response_types,omitempty"`

	// In the answer only.
	IssuedAt      int64  `json:"client_id_issued_at,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"`
}

// register is the registration endpoint (RFC 7591, Section 3). It is open.
func (i *issuer) register(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodPost {
		(&refusal{http.StatusMethodNotAllowed, "invalid_request", "POST JSON"}).write(w, r)
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, errBody := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMetadata))
	var c registration
	if err != nil || media != "application/json" || errBody != nil || json.Unmarshal(body, &c) != nil {
		badRequest("invalid_client_metadata", "POST the client's metadata as application/json, of at most 16 KiB").write(w, r)
		return
	}
	if refused := c.complete(); refused != nil {
		refused.write(w, r)
		return
	}
	known := c.Client
	// Clients register with the scopes that they need first, and want more later. The
	// server is open, so a limit would protect nothing.
	known.Scope = ""
	i.registered.put(known.ID, &known, registrationLife)
	note(r, &known)
	writeJSON(w, http.StatusCreated, c)
}

// complete checks the metadata and adds what the client did not choose.
func (c *registration) complete() *refusal {
	if c.Grants == nil {
		c.Grants = []string{codeGrant, refreshGrant}
	}
	if c.Responses == nil && slices.Contains(c.Grants, codeGrant) {
		c.Responses = []string{"code"}
	}
	c.Method = cmp.Or(c.Method, "client_secret_basic") // RFC 7591, Section 2
	if errs := c.mistakes(); len(errs) > 0 {
		first, _ := errors.AsType[fault](errs[0])
		return badRequest(first.code, strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
	}
	switch {
	case slices.Contains(c.Grants, codeGrant) && len(c.RedirectURIs) == 0:
		return badRequest("invalid_redirect_uri", "redirect_uris is missing")
	case !slices.Contains([]string{"none", "client_secret_basic", "client_secret_post"}, c.Method):
		return badRequest("invalid_client_metadata", "token_endpoint_auth_method must be none, client_secret_basic or client_secret_post")
	case slices.ContainsFunc(c.Responses, func(s string) bool { return s != "code" }):
		return badRequest("invalid_client_metadata", "response_types must be code")
	case c.Method == "none" && slices.Contains(c.Grants, clientGrant):
		return badRequest("invalid_client_metadata", "client_credentials needs a client with a secret")
	}
	c.ID, c.Secret, c.SecretExpires = "client-"+rand.Text(), "", nil
	if c.Method != "none" {
		c.Secret, c.SecretExpires = randomText(), new(int64)
	}
	c.IssuedAt = time.Now().Unix()
	return nil
}
