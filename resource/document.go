package resource

import (
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// document encodes the members in the order of RFC 9728, Section 2. It leaves
// out members that are empty or false (Section 3.2).
func (c *Config) document(resource string, scopes []string) []byte {
	var d documentWriter
	d.text("resource", resource)
	d.list("authorization_servers", c.AuthorizationServers)
	d.text("jwks_uri", c.JWKSURI)
	d.list("scopes_supported", scopes)
	d.list("bearer_methods_supported", c.BearerMethods)
	d.list("resource_signing_alg_values_supported", c.SigningAlgorithms)
	d.text("resource_name", c.Name)
	for _, tag := range slices.Sorted(maps.Keys(c.NameByLanguage)) {
		d.text("resource_name#"+tag, c.NameByLanguage[tag]) // Section 2.1
	}
	d.text("resource_documentation", c.Documentation)
	d.text("resource_policy_uri", c.PolicyURI)
	d.text("resource_tos_uri", c.TOSURI)
	d.flag("tls_client_certificate_bound_access_tokens", c.MTLSBound)
	d.list("authorization_details_types_supported", c.AuthorizationDetailsTypes)
	d.list("dpop_signing_alg_values_supported", c.DPoPAlgorithms)
	d.flag("dpop_bound_access_tokens_required", c.DPoPRequired)
	return append(d.buf, "}\n"...)
}

type documentWriter struct{ buf []byte }

func (d *documentWriter) name(name string) {
	if len(d.buf) == 0 {
		d.buf = append(d.buf, '{')
	} else {
		d.buf = append(d.buf, ',')
	}
	d.quote(name)
	d.buf = append(d.buf, ':')
}

// quote cannot fail, because New requires valid UTF-8.
func (d *documentWriter) quote(s string) { d.buf, _ = jsontext.AppendQuote(d.buf, s) }

func (d *documentWriter) text(name, value string) {
	if value != "" {
		d.name(name)
		d.quote(value)
	}
}

func (d *documentWriter) list(name string, values []string) {
	if len(values) == 0 {
		return
	}
	d.name(name)
	for i, value := range values {
		d.buf = append(d.buf, "[,"[min(i, 1)])
		d.quote(value)
	}
	d.buf = append(d.buf, ']')
}

func (d *documentWriter) flag(name string, value bool) {
	if value {
		d.name(name)
		d.buf = append(d.buf, "true"...)
	}
}

// readDocument returns the members of a document, with each value in canonical
// form (RFC 8785).
func readDocument(data []byte) (map[string]strictjson.Value, error) {
	members := map[string]strictjson.Value{}
	err := strictjson.Object(data, func(name []byte, value strictjson.Value) error {
		value = value.Clone()
		if err := value.Canonicalize(); err != nil {
			return fmt.Errorf("the member %q cannot be read", name)
		}
		members[string(name)] = value
		return nil
	})
	if err != nil {
		return nil, err
	}
	return members, nil
}
