package bearertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/bearerkit/bearerkit/internal/weburl"
)

// serveAt makes the issuer one that the caller serves at a URL.
func (i *Issuer) serveAt(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || !weburl.IsLoopback(u.Hostname()) || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("bearertest: IssuerConfig.URL %q; want an http URL on a loopback host, without query and fragment, since an Issuer gives a token to any client", raw)
	}
	i.url = strings.TrimSuffix(raw, "/")
	i.path = strings.TrimSuffix(u.Path, "/")
	i.addr = ""
	return nil
}

// ServeHTTP serves the issuer's endpoints. Only an Issuer with [IssuerConfig.URL]
// needs it: the others serve themselves. [Issuer.Start] is an error for
// such an Issuer, and [Issuer.Stop] does nothing.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.serving.Do(func() { i.endpoints = i.handler() })
	i.endpoints.ServeHTTP(w, r)
}
