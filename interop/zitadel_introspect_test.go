package interop_test

import (
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// zitadelAsks returns the configuration of a client of the OP. The OP introspects
// only tokens whose audience is the client.
func zitadelAsks(o *zitadelOP, c oauthClient) introspect.Config {
	return introspect.Config{
		Issuer:   o.issuer,
		Auth:     introspect.ClientSecretBasic(c.id, c.secret),
		Audience: []string{c.id},
	}
}

const zitadelScope = "openid orders:read offline_access"

func TestZitadelIntrospection(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setSendAud()
	keyed, given := zitadelAsks(o, zitadelOpaque), zitadelAsks(o, zitadelOpaque)
	keyed.Auth = introspect.PrivateKeyJWT(zitadelOpaque.id, o.assertionKey)
	given.Endpoint = o.endpoint("/oauth/introspect")
	elsewhere := zitadelAsks(o, zitadelOpaque)
	elsewhere.Audience = []string{"https://api.example.com", "opaqu", "opaque2"}
	for _, tt := range []struct {
		name   string
		config introspect.Config
	}{
		{"client_secret_basic", zitadelAsks(o, zitadelOpaque)},
		{"client_secret_basic, endpoint given", given},
		{"private_key_jwt", keyed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newOpaqueAPI(t, tt.config)
			user := o.codeFlow(t, zitadelOpaque, zitadelScope)
			got := a.accepts(t, "/me", user.Access)
			if got.Issuer != o.issuer || got.Subject != "id1" || got.ClientID != zitadelOpaque.id || got.Client {
				t.Errorf("principal %+v", got)
			}
			a.refuses(t, user.Refresh, "active")
			a.refuses(t, "unknown", "active")
			a.refuses(t, user.ID, "form")
			a.refuses(t, o.codeFlow(t, zitadelWeb, zitadelScope).Access, "form")
			newOpaqueAPI(t, elsewhere).refuses(t, user.Access, "aud")

			zitadelOpaque.revoke(t, o.endpoint("/revoke"), user.Access)
			a.accepts(t, "/me", user.Access) // the answer is still cached
			if err := a.opaque.Forget(t.Context(), user.Access); err != nil {
				t.Fatal(err)
			}
			a.refuses(t, user.Access, "active")
		})
	}
}

// The example OP's answers have no aud, so only a weaker configuration accepts its
// tokens.
func TestZitadelSendsNoAudience(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	token := o.codeFlow(t, zitadelOpaque, zitadelScope).Access
	newOpaqueAPI(t, zitadelAsks(o, zitadelOpaque)).refuses(t, token, "aud")
	c := zitadelAsks(o, zitadelOpaque)
	c.InsecureAudienceNotSent = true
	newOpaqueAPI(t, c).accepts(t, "/me", token)
	// For another client the OP reports the token as inactive.
	c = zitadelAsks(o, zitadelWeb)
	c.InsecureAudienceNotSent = true
	newOpaqueAPI(t, c).refuses(t, token, "active")
}

func TestZitadelIntrospectionRevocationIsSeen(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setSendAud()
	c := zitadelAsks(o, zitadelOpaque)
	c.MaxAge = 500 * time.Millisecond
	a := newOpaqueAPI(t, c)
	token := o.codeFlow(t, zitadelOpaque, zitadelScope).Access
	a.accepts(t, "/me", token)
	zitadelOpaque.revoke(t, o.endpoint("/revoke"), token)
	<-time.After(c.MaxAge)
	a.refuses(t, token, "active")
}

func TestZitadelIntrospectionOfOurselves(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setSendAud()
	private, _, err := newClientKey()
	if err != nil {
		t.Fatal(err)
	}
	token := o.codeFlow(t, zitadelOpaque, zitadelScope).Access
	for name, auth := range map[string]introspect.Auth{
		"another secret":    introspect.ClientSecretBasic(zitadelOpaque.id, "another-secret"),
		"an unknown client": introspect.ClientSecretBasic("unknown", "another-secret"),
		"a method that this endpoint does not accept": introspect.ClientSecretPost(zitadelOpaque.id, zitadelOpaque.secret),
		"another key": introspect.PrivateKeyJWT(zitadelOpaque.id, private),
	} {
		t.Run(name, func(t *testing.T) {
			c := zitadelAsks(o, zitadelOpaque)
			c.Auth = auth
			newOpaqueAPI(t, c).refusesOurs(t, token, "another-secret")
		})
	}
	t.Run("signed answers, which the OP does not support", func(t *testing.T) {
		c := zitadelAsks(o, zitadelOpaque)
		c.Signed = &introspect.Signed{Audience: zitadelOpaque.id}
		newOpaqueAPI(t, c).unavailable(t, token)
	})
}

// The API verifies JWTs with the OP's keys and also introspects them.
func TestZitadelJWTsAskedAbout(t *testing.T) {
	t.Parallel()
	o := newZitadelOP(t, "", "")
	o.store.setSendAud()
	tokens, err := jwks.New(jwks.Config{Issuers: []jwks.Issuer{{URL: o.issuer, Audience: []string{zitadelWeb.id}, Profile: jwks.Zitadel()}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	c := zitadelAsks(o, zitadelWeb)
	c.MaxAge = -1
	opaque, err := introspect.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opaque.Close)
	asked, mixed := &api{events: make(map[string]bearer.Event)}, &api{events: make(map[string]bearer.Event)}
	asked.serve(t, bearer.Both(tokens, opaque.TakingJWTs()), opaque)
	mixed.serve(t, tokens, opaque)

	token := o.codeFlow(t, zitadelWeb, zitadelScope).Access
	if got := asked.accepts(t, "/orders", token); got.Subject != "id1" || got.ClientID != zitadelWeb.id {
		t.Errorf("principal %+v", got)
	}
	zitadelWeb.revoke(t, o.endpoint("/revoke"), token)
	asked.refuses(t, token, "active")
	before := opaque.Stats().Requests
	mixed.accepts(t, "/orders", token) // this API does not introspect it
	stranger := newZitadelOP(t, "", "")
	asked.refuses(t, stranger.codeFlow(t, zitadelWeb, zitadelScope).Access, "iss")
	if got := opaque.Stats().Requests - before; got != 0 {
		t.Errorf("%d requests for JWTs that the API does not introspect", got)
	}
}
