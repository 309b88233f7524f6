package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"golang.org/x/oauth2"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/nilcheck"
	"github.com/bearerkit/bearerkit/internal/redact"
)

// DiscoveringConfig configures a [DiscoveringSource].
type DiscoveringConfig struct {
	// Discovery says which authorization servers are trusted. If Source sends a
	// secret, set its Issuers: otherwise the API chooses who gets the secret.
	Discovery DiscoveryConfig

	// Source returns the source that asks the authorization server which was found,
	// such as one for client credentials. It is called once, unless it fails. A
	// [ContextSource] is an error: the Transport would keep its tokens for all
	// requests. Required.
	Source func(found Discovery) (Source, error)
}

// DiscoveringSource is a [Source] that finds the authorization server by the first
// challenge of the API, and leaves the rest to another source. It is for one API. It
// is safe for concurrent use. Use [NewDiscovering].
type DiscoveringSource struct {
	config DiscoveringConfig
	client *fetch.Client

	mu       sync.Mutex
	source   Source // nil: not known yet
	resource string // the API whose challenge led to source
}

var _ Source = (*DiscoveringSource)(nil)

// NewDiscovering returns a DiscoveringSource. It reports all mistakes in the
// configuration at once and does not use the network.
func NewDiscovering(c DiscoveringConfig) (*DiscoveringSource, error) {
	var missing error
	if c.Source == nil {
		missing = errors.New("client: DiscoveringConfig.Source is nil; want a function that returns a source of tokens")
	}
	if err := errors.Join(missing, c.Discovery.check("DiscoveringConfig.Discovery")); err != nil {
		return nil, err
	}
	c.Discovery.Issuers = slices.Clone(c.Discovery.Issuers)
	return &DiscoveringSource{config: c, client: fetch.New(c.Discovery.HTTP, c.Discovery.InsecureAllowHTTP)}, nil
}

// Token implements [Source].
func (s *DiscoveringSource) Token(ctx context.Context, want Want) (*oauth2.Token, error) {
	source, err := s.found(ctx, want)
	if err != nil {
		return nil, err
	}
	return source.Token(ctx, want)
}

func (s *DiscoveringSource) found(ctx context.Context, want Want) (Source, error) {
	s.mu.Lock()
	known, resource := s.source, s.resource
	s.mu.Unlock()
	if known != nil {
		return known, sameAPI(resource, want.Resource)
	}
	if want.Challenge.Scheme == "" {
		return nil, ErrNeedChallenge
	}
	found, err := s.config.Discovery.discover(ctx, s.client, want.Resource, want.Challenge)
	if err != nil {
		return nil, err
	}
	source, err := s.config.Source(found)
	if err != nil {
		return nil, err
	}
	if nilcheck.IsNil(source) {
		return nil, &sourceError{remedy: FixRequest, text: "DiscoveringConfig.Source returned nil and no error"}
	}
	if _, ok := source.(ContextSource); ok {
		return nil, &sourceError{remedy: FixRequest, text: fmt.Sprintf("DiscoveringConfig.Source returned a %T, whose tokens depend on the request; call Discover, and give it to a Transport", source)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.source == nil { // a concurrent call may have found it too
		s.source, s.resource = source, want.Resource
	}
	return s.source, sameAPI(s.resource, want.Resource)
}

// sameAPI checks that a token for the API asked is wanted from the server that the API
// found named. Otherwise one API would choose the authorization server of another.
func sameAPI(found, asked string) error {
	if found == asked {
		return nil
	}
	return &sourceError{remedy: FixRequest, text: "the DiscoveringSource is for another API; use one DiscoveringSource for each API"}
}

// LogValue shows the fields that are set. All ways of printing a DiscoveringConfig
// show the same.
func (c DiscoveringConfig) LogValue() slog.Value {
	return redact.Group(slog.Attr{Key: "Discovery", Value: c.Discovery.LogValue()}, redact.Set("Source", c.Source != nil))
}

// Format writes the values of [DiscoveringConfig.LogValue] for every verb.
func (c DiscoveringConfig) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [DiscoveringConfig.LogValue].
func (c DiscoveringConfig) MarshalJSON() ([]byte, error) { return redact.JSON(c) }
