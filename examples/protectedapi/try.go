package main

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// try builds what the command line describes and throws it away, so that the
// mistakes that only constructors see are told together with all others. It
// reaches nothing and nobody.
//
// What other checks have judged is replaced by what is right, so that no mistake
// is told twice.
func (c config) try() error {
	c.client = &http.Client{Transport: unreachable{}}
	c.framework, c.cors = "nethttp", ""
	c.leeway, c.refreshBudget, c.introspection.maxAge = 5*time.Second, 10*time.Second, time.Minute
	if c.dev || len(c.issuers) == 0 {
		c.issuers = []string{"https://issuer.example.com"}
	}
	if c.dev || !c.introspection.sound {
		c.introspection.clientID, c.introspection.all = "", false
	}
	if c.resource == "" || checkResource(c.resource, c.insecureHTTP) != nil {
		c.resource = "https://api.example.com"
	}
	if c.checkProfile() != nil {
		c.profile = rfc9068
	}
	c.complete(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})

	discard := slog.New(slog.DiscardHandler)
	var a api
	defer a.close()
	redis := a.openRedis(&c, discard)
	if a.shared != nil { // whose deny list would be followed
		_ = a.shared.Close()
		a.shared = nil
	}
	c.introspection.redis = ""
	var files error
	if (c.transport.cert == "") == (c.transport.key == "") {
		_, files = c.transport.config()
	}
	return errors.Join(redis, files, a.build(c, nil, discard))
}

// unreachable is a transport to nowhere.
type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("not asked")
}
