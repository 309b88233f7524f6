package inspect

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/bearerkit/bearerkit/cmd/bearer/internal/profile"
	"github.com/bearerkit/bearerkit/internal/weburl"
)

// placeholder is the audience in the Go lines when no token has shown one.
const placeholder = "https://api.example.com"

// goLines returns the jwks.Issuer for the issuer, as gofmt formats it. There is none
// for a template, which is no issuer.
func (r *Report) goLines(audience []string) string {
	if weburl.Unfilled(r.Issuer) != nil {
		return ""
	}
	note := ""
	if audience = clipped(audience); len(audience) == 0 {
		audience, note = []string{placeholder}, " // the issuer's name for your API"
	}
	quoted := make([]string, len(audience))
	for i, value := range audience {
		quoted[i] = fmt.Sprintf("%q", value)
	}
	fields := [][2]string{
		{"URL", fmt.Sprintf("%q", r.Issuer)},
		{"Audience", "[]string{" + strings.Join(quoted, ", ") + "}"},
	}
	if r.elsewhere {
		fields = append(fields, [2]string{"Keys", fmt.Sprintf("jwks.KeysFromMetadata(%q)", r.MetadataURL)})
	}
	if r.elsewhere && !Secure(r.Issuer) {
		fields = append(fields, [2]string{"AllowNonHTTPSIdentifier", "true"})
	}
	if !Secure(r.MetadataURL) {
		fields = append(fields, [2]string{"InsecureAllowHTTP", "true"})
	}
	if p, err := profile.Find(r.Profile.Name); err == nil && p.Name != profile.Default.Name {
		fields = append(fields, [2]string{"Profile", p.Go})
	}
	widest := 0
	for _, field := range fields {
		widest = max(widest, len(field[0]))
	}
	var text strings.Builder
	text.WriteString("jwks.Issuer{\n")
	for _, field := range fields {
		line := fmt.Sprintf("\t%-*s %s,", widest+1, field[0]+":", field[1])
		if field[0] == "Audience" {
			line += note
		}
		text.WriteString(line + "\n")
	}
	text.WriteString("}")
	return text.String()
}

// implied reports whether bearerkit finds the metadata by the issuer's URL alone.
func implied(issuer, metadataURL string) bool {
	u, err := url.Parse(issuer)
	return err == nil && slices.Contains(Candidates(u), metadataURL)
}
