package client

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/nilcheck"
)

// FromTokenSource returns a Source for a token source of package oauth2, such as
// oauth2.StaticTokenSource. It cannot request more scopes and cannot step up, and it
// can replace a refused token only if ts returns another one. The sources of package
// oauth2 keep a token until it expires, so prefer [NewClientCredentials] and
// [NewRefreshToken] where they fit. It calls ts once at a time, and does not end the
// call when the caller gives up, since ts takes no context. For a nil ts it returns nil, which [New] reports.
func FromTokenSource(ts oauth2.TokenSource) Source {
	if nilcheck.IsNil(ts) {
		return nil
	}
	return tokenSource{ts, newTurns()}
}

type tokenSource struct {
	source oauth2.TokenSource
	turn   turns // callers that gave up would otherwise pile up behind one that hangs
}

func (s tokenSource) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	if want.StepUp != nil {
		return nil, ErrNoStepUp
	}
	if code, _ := want.Challenge.Param("error"); code == "insufficient_scope" {
		return nil, ErrNoMoreScope
	}
	return s.turn.run(ctx, s.source.Token)
}
