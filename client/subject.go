package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/internal/handover"
)

// ErrNoSubject is the error of a [Relay] and of an [Exchange] if no token came with
// the request that is being handled: it is anonymous, no guard admitted it, or the
// outgoing request does not have its context.
var ErrNoSubject = errors.New("client: the context has no token of a request that a guard admitted; pass the handler's r.Context() to http.NewRequestWithContext, in a tool of an MCP server that of bearermcp.WithCaller, and require a token for the route")

// subject is the token of the request that is being handled, and whose it is. The
// guard has verified it.
type subject struct {
	token     string
	principal bearer.Principal
}

// subjectOf returns the subject in the context of the outgoing request, which is
// that of the request being handled, or derived from it.
func subjectOf(ctx context.Context) (subject, error) {
	token, ok := handover.Token(ctx)
	p, known := bearer.FromContext(ctx)
	if !ok || !known {
		return subject{}, &sourceError{remedy: SignIn, text: strings.TrimPrefix(ErrNoSubject.Error(), "client: "), err: ErrNoSubject}
	}
	// The handler may be running for long, so the token may have expired since.
	if !p.Expires.IsZero() && !time.Now().Before(p.Expires) {
		return subject{}, &sourceError{remedy: SignIn, text: "the token of the request that is being handled has expired"}
	}
	return subject{token, p}, nil
}

// quoted returns a list of a verified token's claims, or of the configuration, for
// an error.
func quoted(list []string) string {
	const most = 8
	text := fmt.Sprintf("%.200q", list[:min(len(list), most)])
	if len(list) > most {
		text += fmt.Sprintf(" and %d more", len(list)-most)
	}
	return text
}
