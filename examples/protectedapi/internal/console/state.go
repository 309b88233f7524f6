package console

import (
	"net/http"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/reply"
	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
	"github.com/bearerkit/bearerkit/scope"
)

// state is what the page must know.
type state struct {
	Framework string `json:"framework"`
	Resource  string `json:"resource"`
	// Origin is what DPoP proofs name, and Twin the same API under another name.
	Origin        string      `json:"origin"`
	Twin          string      `json:"twin"`
	Issuer        issuerState `json:"issuer"`
	DPoP          string      `json:"dpop"`
	MTLS          string      `json:"mtls"`
	Leeway        float64     `json:"leeway"`  // seconds
	MaxAge        float64     `json:"max_age"` // seconds
	AsksAboutJWTs bool        `json:"asks_about_jwts"`
	Scopes        []string    `json:"scopes"` // all that some route needs
	People        []person    `json:"people"`
	Routes        []row       `json:"routes"`
}

type issuerState struct {
	URL           string `json:"url"`
	TokenEndpoint string `json:"token_endpoint"`
	Running       bool   `json:"running"`
	keysState
}

func (c *Console) state(w http.ResponseWriter, r *http.Request) {
	keys, err := c.keys.state()
	if err != nil {
		reply.Fail(w, http.StatusInternalServerError, "The issuer's key cannot be read.")
		return
	}
	var scopes scope.Set
	for _, row := range c.matrix {
		for _, names := range row.Scopes {
			scopes = scopes.Union(scope.Of(names...))
		}
	}
	reply.JSON(w, http.StatusOK, state{
		Framework: c.config.Framework,
		Resource:  c.config.Resource,
		Origin:    weburl.Origin(c.config.Resource),
		Twin:      twinOf(r),
		Issuer: issuerState{
			URL: c.config.Issuer.URL(), TokenEndpoint: c.config.Issuer.URL() + "/token", Running: c.issuer.running(), keysState: keys,
		},
		DPoP: c.config.DPoP, MTLS: c.config.MTLS,
		Leeway: c.config.Leeway.Seconds(), MaxAge: c.config.MaxAge.Seconds(), AsksAboutJWTs: c.config.AsksAboutJWTs,
		Scopes: scopes.Names(), People: people(), Routes: c.matrix,
	})
}
