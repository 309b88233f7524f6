package probe

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/finding"
	"github.com/bearerkit/bearerkit/cmd/bearer/internal/inspect"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// maxIssuers bounds the issuers that are examined.
const maxIssuers = 3

// maxClock is the leeway of bearerkit by default, and the second that a Date is
// inexact.
const maxClock = 6 * time.Second

func (d *doctor) examineIssuers(ctx context.Context) {
	for _, issuer := range d.issuers[:min(len(d.issuers), maxIssuers)] {
		d.examineIssuer(ctx, issuer)
	}
	switch n := len(d.issuers); {
	case n == 0:
		d.step("issuer-metadata", "issuer's metadata").skip("no protected resource metadata names an issuer; bearer issuer examines one by its URL")
	case n > maxIssuers:
		d.step("issuer-metadata", fmt.Sprintf("metadata of %d more issuers", n-maxIssuers)).skip("bearer issuer examines them one by one")
	}
}

func (d *doctor) examineIssuer(ctx context.Context, issuer string) {
	step := d.step("issuer-metadata", "metadata of "+finding.Clip(issuer))
	if !inspect.Secure(issuer) {
		step.fault("issuer-http", "the issuer is not an https URL: "+finding.Quote(weburl.Redact(issuer)), "name the issuer's https URL in authorization_servers, as its own metadata does", "RFC 8414, Section 2")
		return
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return // Secure has parsed it
	}
	found, attempts, ok := inspect.Discover(ctx, d.Client, inspect.Candidates(u), issuer)
	if !ok {
		step.add(inspect.NoMetadata(attempts))
		return
	}
	step.Found = finding.Clip(found.URL)
	if name := found.Metadata.Issuer; name != issuer {
		text := "the issuer in the metadata is " + finding.Quote(name) + ", want " + finding.Quote(issuer)
		if difference := inspect.Difference(name, issuer); difference != "" {
			text += ": " + difference
		}
		step.fault("issuer-mismatch", text, "name the issuer in authorization_servers exactly as its metadata does, and configure the API with the same text", "RFC 8414, Section 3.3")
	}
	step.add(d.withoutKnown(found.Check())...)
	if found.Response.HasClock {
		d.clocks = append(d.clocks, clock{"the issuer " + finding.Clip(issuer), found.Response.Clock})
	}
	if keys := found.Metadata.Endpoints["jwks_uri"]; keys != "" && inspect.Secure(keys) {
		d.examineKeys(ctx, issuer, keys)
	}
}

// withoutKnown removes the findings that a step has already.
func (d *doctor) withoutKnown(found []finding.Finding) []finding.Finding {
	known := d.report.Findings()
	return slices.DeleteFunc(found, func(f finding.Finding) bool { return slices.Contains(known, f) })
}

func (d *doctor) examineKeys(ctx context.Context, issuer, at string) {
	step := d.step("issuer-keys", "keys of "+finding.Clip(issuer))
	set, err := inspect.FetchKeys(ctx, d.Client, at)
	if err != nil {
		step.add(inspect.KeysUnavailable(at, err))
		return
	}
	usable, algorithms := set.Usable()
	step.Found = fmt.Sprintf("%d of %d keys usable", usable, len(set.Keys))
	if len(algorithms) > 0 {
		step.Found += ", for " + strings.Join(algorithms, " ")
	}
	step.add(d.withoutKnown(set.Check())...)
	step.add(d.withoutKnown(set.Response.Certificate)...)
}

// compareClocks compares the clocks of the servers with each other and with this
// machine's.
func (d *doctor) compareClocks() {
	step := d.step("clock", "clocks")
	if len(d.clocks) == 0 {
		step.skip("no answer has a Date")
		return
	}
	byTime := slices.SortedFunc(slices.Values(d.clocks), func(a, b clock) int { return cmp.Compare(a.ahead, b.ahead) })
	earliest, latest := byTime[0], byTime[len(byTime)-1]
	const spec = "RFC 7519, Section 4.1.4"
	const do = "synchronize the clocks (NTP): tokens are refused as expired too early, or as used before they were issued"
	switch spread := latest.ahead - earliest.ahead; {
	case spread > maxClock:
		step.fault("clock", fmt.Sprintf("the clock of %s is %s ahead of that of %s; compared with this machine, they are %s and %s off",
			latest.server, rounded(spread), earliest.server, rounded(latest.ahead), rounded(earliest.ahead)), do, spec)
	case max(latest.ahead.Abs(), earliest.ahead.Abs()) <= maxClock:
		step.Found = fmt.Sprintf("at most %s from this machine's", max(rounded(latest.ahead.Abs()), rounded(earliest.ahead.Abs())))
	case len(d.clocks) == 1:
		step.fault("clock", fmt.Sprintf("the clock of %s is %s off, compared with this machine's", latest.server, rounded(latest.ahead)), do, spec)
	default:
		step.warn("clock-here", fmt.Sprintf("this machine's clock is %s off, compared with the API's and the issuer's", rounded(-latest.ahead)), "synchronize this machine's clock (NTP)", spec)
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(time.Second) }
