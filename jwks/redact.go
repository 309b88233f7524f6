package jwks

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// LogValue returns where the keys come from. It omits a URL's userinfo and
// query, which may contain a secret. fmt and JSON print the same text.
func (k KeySource) LogValue() slog.Value { return slog.StringValue(k.text()) }

func (k KeySource) text() string {
	switch {
	case k.err != nil:
		return "invalid keys"
	case k.url != "":
		return "keys from " + weburl.Redact(k.url)
	case k.metadata != "":
		return "keys by the metadata at " + weburl.Redact(k.metadata)
	case k.file != "":
		return "keys from the file " + strconv.Quote(k.file)
	case k.static != nil:
		return strconv.Itoa(len(k.static)) + " given keys"
	}
	return "keys by discovery"
}

// LogValue returns the settings that are not zero. Of the HTTP client, which may
// add credentials to requests, it shows only the presence. fmt and JSON print the
// same values.
func (i Issuer) LogValue() slog.Value {
	return redact.Group(
		redact.URL("URL", i.URL),
		slog.Any("Audience", i.Audience),
		slog.Any("Keys", i.Keys),
		slog.Any("Algorithms", i.Algorithms),
		slog.Any("Types", i.Profile.Types),
		slog.Any("Roles", i.Profile.Roles),
		slog.Bool("RequireKeyID", i.RequireKeyID),
		slog.Bool("AllowNonHTTPSIdentifier", i.AllowNonHTTPSIdentifier),
		redact.Set("Client", i.Client != nil),
		slog.Bool("InsecureAllowHTTP", i.InsecureAllowHTTP),
	)
}

// LogValue returns the settings that are not zero. The HTTP client may add
// credentials to requests, so only its presence is shown. fmt and JSON print the
// same values.
func (c Config) LogValue() slog.Value {
	return redact.Group(
		slog.Any("Issuers", c.Issuers),
		slog.Duration("Leeway", c.Leeway),
		slog.Duration("RefreshBudget", c.RefreshBudget),
		slog.Duration("MaxStale", c.MaxStale),
		slog.Int("CacheEntries", c.CacheEntries),
		slog.Int("CacheBytes", c.CacheBytes),
		redact.Set("Resolve", c.Resolve != nil),
		slog.Int("MaxResolved", c.MaxResolved),
		slog.Duration("ResolvedIdle", c.ResolvedIdle),
		slog.Duration("UnknownFor", c.UnknownFor),
		redact.Set("Client", c.Client != nil),
		redact.Set("OnFetch", c.OnFetch != nil),
	)
}

// The methods below print the values of LogValue, so that no way of printing
// shows a secret.

// Format writes the values of [KeySource.LogValue] for every verb.
func (k KeySource) Format(f fmt.State, verb rune) { redact.Format(f, verb, k) }

// MarshalJSON returns the values of [KeySource.LogValue].
func (k KeySource) MarshalJSON() ([]byte, error) { return redact.JSON(k) }

// Format writes the values of [Issuer.LogValue] for every verb.
func (i Issuer) Format(f fmt.State, verb rune) { redact.Format(f, verb, i) }

// MarshalJSON returns the values of [Issuer.LogValue].
func (i Issuer) MarshalJSON() ([]byte, error) { return redact.JSON(i) }

// Format writes the values of [Config.LogValue] for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c) }

// MarshalJSON returns the values of [Config.LogValue].
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c) }
