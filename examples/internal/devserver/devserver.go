// Package devserver serves an example's API on this machine, so that you can try
// it.
package devserver

import (
	"cmp"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"

	"github.com/bearerkit/bearerkit/bearer/bearertest"
)

// Run calls serve with an address whose port is $PORT, or 8080, and exits with
// its error.
func Run(serve func(address string, stdout io.Writer) error) {
	log.Fatal(serve("127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), os.Stdout))
}

// ServeWithIssuer starts a development issuer, and serves the API that newAPI
// returns for the issuer's URL and the API's origin, as [Serve] does. The
// variable ISSUER is the issuer's URL.
//
// The issuer gives tokens to anyone who asks: never deploy an API that trusts it.
func ServeWithIssuer(address string, stdout io.Writer, c bearertest.IssuerConfig, newAPI func(issuer, origin string) (http.Handler, error)) error {
	issuer, err := bearertest.NewIssuer(c)
	if err != nil {
		return err
	}
	defer issuer.Close()
	return Serve(address, stdout, map[string]string{"ISSUER": issuer.URL()}, func(origin string) (http.Handler, error) {
		return newAPI(issuer.URL(), origin)
	})
}

// Serve listens and serves the API that newAPI returns for its origin. The first
// line that Serve writes is shell assignments: API is the origin, and each name in
// issuers is the URL of that issuer.
func Serve(address string, stdout io.Writer, issuers map[string]string, newAPI func(origin string) (http.Handler, error)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	origin := "http://" + listener.Addr().String()
	handler, err := newAPI(origin)
	if err != nil {
		return err
	}
	line := "API=" + origin
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		line += " " + name + "=" + issuers[name]
	}
	if _, err := fmt.Fprintln(stdout, line); err != nil {
		return err
	}
	return http.Serve(listener, handler)
}
