package jwks

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/claims"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// eventTypes are the accepted types of security event tokens. Many issuers do not
// type their logout tokens: the type is only recommended (OpenID Connect
// Back-Channel Logout, Section 2.4).
var eventTypes = []string{"secevent+jwt", "logout+jwt", "jwt", ""}

// eventChecks is what a Verifier needs for security event tokens.
type eventChecks struct {
	names *claims.Names
	kind  int // the claim events

	// turn has room for one value. The call that holds it may check signatures.
	turn chan struct{}
}

func newEventChecks() eventChecks {
	names := claims.NewNames()
	return eventChecks{names: names, kind: names.AddStrict("events"), turn: make(chan struct{}, 1)}
}

// VerifyEvent verifies a security event token (RFC 8417), such as a logout token,
// with the keys, the algorithms and the leeway for the issuer's access tokens. It
// refuses access tokens and ID tokens, and [Verifier.Verify] refuses events. Its
// errors are those of Verify.
//
// The token must have iss, iat, jti, and events, an object. If it has exp or nbf,
// these must hold. VerifyEvent does not check aud, does not detect replays and does
// not limit the token's length: the caller must, as a denylist.Receiver does.
//
// Checks that need no key come first. VerifyEvent checks one signature at a time,
// because anybody may send events: junk then takes no more than one processor
// from the API. Events are not cached, and [Stats.Refusals] does not count them.
func (v *Verifier) VerifyEvent(ctx context.Context, token string) (*bearer.SecurityEvent, error) {
	if !beginsAsJWT(token) {
		return nil, notJWT()
	}
	m := memories.Get().(*memory)
	defer m.release()
	jws, err := v.parse(token, m)
	if err != nil {
		return nil, err
	}
	t := &unverified{text: token, jws: jws, claims: &m.values}
	for {
		t.snapshot = v.current.Load()
		event, err := v.verifyEventUnder(ctx, t, m)
		if v.current.Load() == t.snapshot {
			return event, err
		}
	}
}

// verifyEventUnder verifies an event by the configuration t.snapshot.
func (v *Verifier) verifyEventUnder(ctx context.Context, t *unverified, m *memory) (*bearer.SecurityEvent, error) {
	if err := t.claims.Read(v.events.names, t.jws.Payload); err != nil {
		return nil, hinted(bearer.Invalid("claims", expectIssuer, err.Error()))
	}
	if err := t.findIssuer(ctx); err != nil {
		return nil, err
	}
	if refused := v.checkEventKind(t); refused != nil {
		return nil, t.refuse(refused)
	}
	if err := v.proveEvent(ctx, t, m); err != nil {
		return nil, err
	}
	event, refused := v.readEvent(t)
	if refused != nil {
		return nil, t.refuse(refused)
	}
	return event, nil
}

// checkEventKind makes the checks that need no key.
func (v *Verifier) checkEventKind(t *unverified) *bearer.Error {
	h := &t.jws.Header
	if refused := t.issuer.checkKeyChoice(h); refused != nil {
		return refused
	}
	const hint = "the sender sent another kind of token: only logout tokens and security event tokens are accepted here"
	if !slices.Contains(eventTypes, jose.NormalizeType(h.Type)) {
		refused := bearer.Invalid("typ", fmt.Sprintf("one of %q", eventTypes), fmt.Sprintf("%.64q", h.Type))
		refused.Hint = hint
		return refused
	}
	if t.claims.Raw(v.events.kind).Kind() != '{' {
		refused := bearer.Invalid("kind", "a security event, which has the claim events, an object (RFC 8417, Section 2.2)", "another kind of token")
		refused.Hint = hint
		return refused
	}
	return nil
}

// proveEvent verifies an event's signature.
func (v *Verifier) proveEvent(ctx context.Context, t *unverified, m *memory) error {
	q := keysource.QueryFor(&t.jws.Header)
	q.Issued, q.Leeway = t.issued(), t.snapshot.leeway
	var tried keysource.Candidates
	err := t.issuer.source.Verify(ctx, time.Now(), q, func(keys keysource.Candidates) error {
		select {
		case v.events.turn <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-v.events.turn }()
		tried = keys
		v.signatures.Add(1)
		m.input.Set(bytesOf(t.jws.SigningInput))
		return keys.Verify(jose.Algorithm(t.jws.Header.Algorithm), &m.input, t.jws.Signature)
	})
	switch err {
	case nil:
		return nil
	case jose.ErrSignature:
		return t.refuse(t.signatureError(tried))
	}
	return t.keyError(err)
}

// readEvent reads and judges the claims of an event whose signature was verified.
func (v *Verifier) readEvent(t *unverified) (*bearer.SecurityEvent, *bearer.Error) {
	p, err := t.claims.Principal()
	if err != nil {
		return nil, malformed(err)
	}
	audience, err := t.claims.List(claims.Aud)
	if err != nil {
		return nil, malformed(err)
	}
	notBefore, err := t.claims.Date(claims.Nbf)
	if err != nil {
		return nil, malformed(err)
	}
	missing := func(claim string, i int) *bearer.Error {
		refused := bearer.Invalid("claims", "the claim "+claim+" (RFC 8417, Section 2.2)", t.claims.Found(i))
		refused.Hint = "the issuer omits this claim from its events, or sends it malformed: fix it at the issuer"
		return refused
	}
	switch {
	case p.IssuedAt.IsZero():
		return nil, missing("iat", claims.Iat)
	case p.TokenID == "":
		return nil, missing("jti", claims.Jti)
	}
	if refused := claims.CheckTimes(time.Now(), notBefore, &p, t.snapshot.leeway); refused != nil {
		if refused.Check == "exp" {
			refused.Hint = "the event was delivered late, or it was sent again; otherwise compare the clocks"
		}
		return nil, refused
	}
	return &bearer.SecurityEvent{
		Type: jose.NormalizeType(t.jws.Header.Type), Issuer: t.issuer.url, TokenID: p.TokenID, Audience: audience,
		IssuedAt: p.IssuedAt, Expires: p.Expires, Claims: string(t.jws.Payload),
	}, nil
}
