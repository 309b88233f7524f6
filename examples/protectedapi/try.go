package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/bearerkit/bearerkit/examples/protectedapi/internal/weburl"
)

// try builds the API and discards it, so that the program can report the mistakes
// that only constructors find together with all others. It sends no requests.
//
// try replaces values that other checks have rejected with valid ones, so that no
// mistake is reported twice.
func (c config) try() error {
	c.client = &http.Client{Transport: unreachable{}}
	c.framework, c.cors = "nethttp", ""
	c.leeway, c.refreshBudget, c.introspection.MaxAge = 5*time.Second, 10*time.Second, time.Minute
	if c.dev || len(c.issuers) == 0 {
		c.issuers = []string{"https://issuer.example.com"}
	}
	if c.dev || !c.asking {
		c.introspection.ClientID, c.introspection.All = "", false
	}
	if c.resource == "" || weburl.CheckResource(c.resource, c.insecureHTTP) != nil {
		c.resource = "https://api.example.com"
	}
	if c.checkProfile() != nil {
		c.profile = rfc9068
	}
	if c.checkIssuerProfile() != nil {
		c.issuerProfile = ""
	}
	c.complete(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})

	discard := slog.New(slog.DiscardHandler)
	var a api
	defer a.close()
	redis := a.openRedis(&c, discard)
	if a.shared != nil { // otherwise build would follow its deny list
		_ = a.shared.Close()
		a.shared = nil
	}
	c.introspection.Redis = ""
	var files error
	if c.transport.FilesNamed() {
		_, files = c.transport.Config()
	}
	return errors.Join(redis, files, a.build(&c, nil, discard))
}

// unreachable is a transport that fails every request.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("not asked")
}
