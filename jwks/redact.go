package jwks

import (
	"fmt"
	"log/slog"
	"strconv"

	"github.com/bearerkit/bearerkit/internal/redact"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// String says where the keys come from. A URL is shown without userinfo and
// query, which may hold a secret.
func (k KeySource) String() string {
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

// GoString returns what [KeySource.String] does.
func (k KeySource) GoString() string { return "jwks.KeySource{" + k.String() + "}" }

// Format writes what [KeySource.String] returns, for every verb.
func (k KeySource) Format(f fmt.State, verb rune) { redact.Format(f, verb, k.String()) }

// LogValue shows what [KeySource.String] does.
func (k KeySource) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON returns what [KeySource.String] does.
func (k KeySource) MarshalJSON() ([]byte, error) { return redact.JSON(k.LogValue()) }

// LogValue shows the settings that are set. All ways of printing an Issuer show
// the same.
func (i Issuer) LogValue() slog.Value {
	return redact.Group(
		redact.URL("URL", i.URL),
		slog.Any("Audience", i.Audience),
		slog.Any("Keys", i.Keys),
		slog.Any("Algorithms", i.Algorithms),
		slog.Any("Types", i.Profile.Types),
		slog.Bool("RequireKeyID", i.RequireKeyID),
		slog.Bool("AllowNonHTTPSIdentifier", i.AllowNonHTTPSIdentifier),
		slog.Bool("InsecureAllowHTTP", i.InsecureAllowHTTP),
	)
}

// String returns what [Issuer.LogValue] shows.
func (i Issuer) String() string { return redact.Text("jwks.Issuer", i.LogValue()) }

// GoString returns what [Issuer.LogValue] shows.
func (i Issuer) GoString() string { return i.String() }

// Format writes what [Issuer.LogValue] shows, for every verb.
func (i Issuer) Format(f fmt.State, verb rune) { redact.Format(f, verb, i.String()) }

// MarshalJSON returns what [Issuer.LogValue] shows.
func (i Issuer) MarshalJSON() ([]byte, error) { return redact.JSON(i.LogValue()) }

// LogValue shows the settings that are set. Of the HTTP client, which may add
// credentials, it shows only that there is one. All ways of printing a Config
// show the same.
func (c Config) LogValue() slog.Value {
	return redact.Group(
		slog.Any("Issuers", c.Issuers),
		slog.Duration("Leeway", c.Leeway),
		slog.Duration("RefreshBudget", c.RefreshBudget),
		slog.Duration("MaxStale", c.MaxStale),
		slog.Int("CacheEntries", c.CacheEntries),
		slog.Int("CacheBytes", c.CacheBytes),
		redact.Set("Client", c.Client != nil),
	)
}

// String returns what [Config.LogValue] shows.
func (c Config) String() string { return redact.Text("jwks.Config", c.LogValue()) }

// GoString returns what [Config.LogValue] shows.
func (c Config) GoString() string { return c.String() }

// Format writes what [Config.LogValue] shows, for every verb.
func (c Config) Format(f fmt.State, verb rune) { redact.Format(f, verb, c.String()) }

// MarshalJSON returns what [Config.LogValue] shows.
func (c Config) MarshalJSON() ([]byte, error) { return redact.JSON(c.LogValue()) }
