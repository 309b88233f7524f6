package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/zitadel/oidc/v3/pkg/client/rs"
	zitadel "github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/bearerkit/bearerkit/adapters/bearerhttp"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/scope"
)

const naiveHTTP = "net/http by hand"

// introspectors are the contenders that introspect opaque tokens.
var introspectors = []contender{
	{name: "bearerkit", open: openIntrospect},
	{name: naiveHTTP, open: openNaive},
	{name: "zitadel/oidc rs", open: openZitadelRS},
}

func openIntrospect(s setup) (http.Handler, func(), error) {
	tokens, err := introspect.New(introspect.Config{
		Issuer: s.issuer, Endpoint: s.issuer + "/introspect",
		Auth: introspect.ClientSecretBasic(clientID, clientSecret), Audience: []string{audience},
	})
	if err != nil {
		return nil, nil, err
	}
	guard, err := bearer.New(bearer.Config{Verifiers: []bearer.Verifier{tokens}})
	if err != nil {
		return nil, nil, err
	}
	handler := answer(func(r *http.Request) string {
		p, _ := bearer.FromContext(r.Context())
		return p.Subject
	})
	return bearerhttp.Require(guard, scope.All(neededScope))(handler), tokens.Close, nil
}

var errInactive = errors.New("the token is not active, or another API's")

func openNaive(s setup) (http.Handler, func(), error) {
	return byHand(func(ctx context.Context, token string) (caller, error) {
		form := strings.NewReader(url.Values{"token": {token}}.Encode())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.issuer+"/introspect", form)
		if err != nil {
			return caller{}, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(clientID, clientSecret)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return caller{}, err
		}
		defer response.Body.Close()
		var claims struct {
			Active   bool     `json:"active"`
			Audience []string `json:"aud"`
			Subject  string   `json:"sub"`
			Scope    string   `json:"scope"`
		}
		if err := json.NewDecoder(response.Body).Decode(&claims); err != nil {
			return caller{}, err
		}
		if !claims.Active || !slices.Contains(claims.Audience, audience) {
			return caller{}, errInactive
		}
		return caller{claims.Subject, claims.Scope}, nil
	}), func() {}, nil
}

func openZitadelRS(s setup) (http.Handler, func(), error) {
	server, err := rs.NewResourceServerClientCredentials(context.Background(), s.issuer, clientID, clientSecret,
		rs.WithStaticEndpoints(s.issuer+"/token", s.issuer+"/introspect"))
	if err != nil {
		return nil, nil, err
	}
	return byHand(func(ctx context.Context, token string) (caller, error) {
		claims, err := rs.Introspect[*zitadel.IntrospectionResponse](ctx, server, token)
		if err != nil {
			return caller{}, err
		}
		if !claims.Active || !slices.Contains(claims.Audience, audience) {
			return caller{}, errInactive
		}
		return caller{claims.Subject, strings.Join(claims.Scope, " ")}, nil
	}), func() {}, nil
}

// introspection measures one repeated opaque token, or a new token each time.
func introspection(h *harness, i *issuer, cs []contender, again bool) (result, error) {
	var entries []entry
	for _, c := range cs {
		handler, closer, err := c.open(i.setup())
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", c.name, err)
		}
		defer closer()
		if again {
			r := request("opaque-again")
			if err := serving(handler, accepted, r)(20); err != nil {
				return result{}, fmt.Errorf("%s: %w", c.name, err)
			}
			entries = append(entries, entry{name: c.name, run: serving(handler, accepted, r)})
			continue
		}
		var fresh []*http.Request
		asked, w := 0, newWriter()
		entries = append(entries, entry{name: c.name, n: 20, prepare: func(n int) error {
			fresh = fresh[:0]
			for range n {
				asked++
				fresh = append(fresh, request(fmt.Sprintf("opaque-%s-%d", strings.Fields(c.name)[0][:3], asked)))
			}
			return nil
		}, run: func(n int) error {
			for _, r := range fresh {
				w.serve(handler, r)
			}
			return w.takeAnswers(n, accepted)
		}})
	}
	name := "introspection, a new token"
	if again {
		name = "introspection, the same token"
	}
	return h.measure(name, entries...)
}
