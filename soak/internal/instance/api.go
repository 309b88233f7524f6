package instance

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
	"github.com/bearerkit/bearerkit/introspect"
	"github.com/bearerkit/bearerkit/jwks"
)

// api holds the guards of an instance and what they use.
type api struct {
	tokens *jwks.Verifier
	sides  []*half
}

// half is what one side uses.
type half struct {
	path, issuer string
	shared       *bearerredis.Client
	opaque       *introspect.Verifier
	denials      denylist.List
	guard        *bearer.Guard
}

func newAPI(c Config, logger *slog.Logger) (*api, error) {
	keys := jwks.Config{RefreshBudget: RefreshBudget, CacheEntries: CacheEntries, Logger: logger}
	for _, side := range c.Sides {
		keys.Issuers = append(keys.Issuers, jwks.Issuer{URL: side.Issuer, Audience: []string{Audience}})
	}
	tokens, err := jwks.New(keys)
	if err != nil {
		return nil, err
	}
	a := &api{tokens: tokens}
	for _, side := range c.Sides {
		half, err := newHalf(side, tokens, logger)
		if err != nil {
			a.close()
			return nil, err
		}
		a.sides = append(a.sides, half)
	}
	return a, nil
}

func newHalf(side Side, tokens *jwks.Verifier, logger *slog.Logger) (*half, error) {
	shared, err := bearerredis.New(bearerredis.Config{
		Address: side.Redis, Prefix: "soak:", Timeout: RedisTimeout, Logger: logger.With("side", side.Path),
	})
	if err != nil {
		return nil, err
	}
	h := &half{path: side.Path, issuer: side.Issuer, shared: shared, denials: shared.Denials()}
	h.opaque, err = introspect.New(introspect.Config{
		Issuer: side.Issuer, Auth: introspect.ClientSecretBasic(ClientID, side.Secret),
		Audience: []string{Audience}, Timeout: AskTimeout, MaxAge: MaxAge, NegativeAge: NegativeAge,
		CacheEntries: CacheEntries, Shared: shared.Cache(), Logger: logger,
	})
	if err != nil {
		return nil, errors.Join(err, shared.Close())
	}
	proofs, err := dpop.New(dpop.Config{Origin: Origin, Replays: shared.Replays(), Logger: logger})
	if err == nil {
		h.guard, err = bearer.New(bearer.Config{
			Verifiers: []bearer.Verifier{tokens, h.opaque},
			Proofs:    proofs, Certificates: &bearer.Certificates{}, DenyList: h.denials,
		})
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *half) close() {
	h.opaque.Close()
	_ = h.shared.Close() // it only fails if it is closed already
}

func (a *api) close() {
	a.tokens.Close()
	for _, h := range a.sides {
		h.close()
	}
}

// orders is the handler of every route. It says who the caller is, so that the
// driver notices if one caller is taken for another.
func orders(w http.ResponseWriter, r *http.Request) {
	p, _ := bearer.FromContext(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Caller{Issuer: p.Issuer, Subject: p.Subject}) // the client has gone
}

// Caller is the body of an admitted answer.
type Caller struct{ Issuer, Subject string }
