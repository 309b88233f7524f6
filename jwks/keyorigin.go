package jwks

import (
	"time"

	"github.com/bearerkit/bearerkit/internal/keysource"
)

// keyOrigin says where an issuer's keys come from and how they are fetched. A
// reconfiguration keeps the keys of an issuer whose keyOrigin stays the same.
type keyOrigin struct {
	issuer, url, metadata, file string

	given [32]byte // identifies the keys that the configuration contains

	client                  clientSettings
	refreshBudget, maxStale time.Duration
	onDemand                bool // see keysource.Config.OnDemand
}

func (i Issuer) keyOrigin(c *Config) keyOrigin {
	if i.Keys.static != nil {
		return keyOrigin{issuer: i.URL, given: keysource.Fingerprint(i.Keys.static)}
	}
	base := i.Client
	if base == nil {
		base = c.Client
	}
	return keyOrigin{
		issuer: i.URL, url: i.Keys.url, metadata: i.Keys.metadata, file: i.Keys.file,
		client:        clientSettings{base: base, insecureHTTP: i.InsecureAllowHTTP},
		refreshBudget: c.RefreshBudget, maxStale: c.MaxStale,
	}
}

// open opens the key source of an issuer. Close it with [Verifier.shut].
func (v *Verifier) open(i *issuer, s *snapshot, delay time.Duration) {
	from := &i.origin
	if i.given != nil {
		i.source = keysource.Static(i.given)
		return
	}
	var onFetch func(keysource.Fetch)
	if observe := s.onFetch; observe != nil {
		onFetch = func(f keysource.Fetch) { observe(Fetch(f)) }
	}
	i.source = keysource.New(keysource.Config{
		Issuer:        from.issuer,
		JWKSURI:       from.url,
		MetadataURL:   from.metadata,
		File:          from.file,
		Client:        v.clients.get(from.client),
		RefreshBudget: from.refreshBudget,
		MaxStale:      from.maxStale,
		OnDemand:      from.onDemand,
		Delay:         delay,
		Logger:        s.logger,
		OnFetch:       onFetch,
	})
}

// shut closes the key source of an issuer, for good.
func (v *Verifier) shut(i *issuer) {
	i.source.Close()
	if i.given == nil {
		v.clients.release(i.origin.client)
	}
}
