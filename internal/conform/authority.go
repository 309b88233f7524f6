package conform

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Authority is the authorization server of a run.
type Authority interface {
	// URL returns the issuer identifier.
	URL() string
	// Key returns the ID and the JWK of the key that signs for an algorithm.
	Key(alg string) (kid string, jwk []byte, err error)
	// Sign returns a compact JWS.
	Sign(alg string, header, payload []byte) string
	// Opaque returns a new token that introspection answers with answer.
	Opaque(answer []byte) string
	// Fault makes an endpoint fail; the zero Fault makes it work.
	Fault(endpoint string, f Fault)
	// Release breaks the connections of the requests that a fault still holds.
	Release()
	// Publish adds raw JWKs to the key set. No JWK removes all that were added.
	Publish(jwks ...[]byte)
	AddKey(alg string) (kid string, err error)
	Withdraw(kid string)
	Revoke(token string)
	Stop()
	Start() error
}

// Endpoints are the endpoints that may fail.
var Endpoints = []string{"jwks", "oauth-authorization-server", "openid-configuration", "introspection"}

// Fault says how an endpoint fails.
type Fault struct {
	Status  int               `json:"status"`
	Body    string            `json:"body"` // a template
	Header  map[string]string `json:"header"`
	Delay   int               `json:"delay"` // milliseconds
	Drip    int               `json:"drip"`  // milliseconds for each byte
	Hang    bool              `json:"hang"`
	Endless bool              `json:"endless"`
	Reset   bool              `json:"reset"`
}

// Issuer is what a step changes at the issuer before its request. Everything is
// undone after the case.
type Issuer struct {
	Faults map[string]Fault `json:"faults"` // by endpoint; {} makes it work again
	Stop   bool             `json:"stop"`
	Start  bool             `json:"start"`
	// AddKey adds a key for an algorithm. It signs from then on.
	AddKey string `json:"addKey"`
	// Publish adds JWKs, as templates, to the key set.
	Publish []string `json:"publish"`
	// Revoke revokes the tokens of the step before.
	Revoke bool `json:"revoke"`
}

// isHarmless reports whether later cases cannot notice the change.
func (i Issuer) isHarmless() bool {
	for endpoint := range i.Faults {
		if endpoint != "introspection" {
			return false
		}
	}
	return !i.Stop && !i.Start && i.AddKey == "" && len(i.Publish) == 0 && len(i.Faults) == 0
}

// disturbance is what a case has changed at the issuer.
type disturbance struct {
	authority Authority
	stopped   bool
	faulty    bool
	added     []string // kids
}

// apply changes the issuer as a step says.
func (d *disturbance) apply(i *Issuer, v values, token string) error {
	if i == nil {
		return nil
	}
	for _, endpoint := range slices.Sorted(maps.Keys(i.Faults)) {
		f := i.Faults[endpoint]
		if !slices.Contains(Endpoints, endpoint) {
			return fmt.Errorf("unknown endpoint %q", endpoint)
		}
		var err error
		if f.Body, err = v.expand(f.Body); err != nil {
			return err
		}
		header := map[string]string{}
		for name, value := range f.Header {
			if header[name], err = v.expand(value); err != nil {
				return err
			}
		}
		f.Header = header
		d.faulty = true
		d.authority.Fault(endpoint, f)
	}
	if i.AddKey != "" {
		alg, err := v.expand(i.AddKey)
		if err != nil {
			return err
		}
		kid, err := d.authority.AddKey(alg)
		if err != nil {
			return err
		}
		d.added = append(d.added, kid)
	}
	for _, template := range i.Publish {
		jwk, err := v.expand(template)
		if err != nil {
			return err
		}
		d.authority.Publish([]byte(jwk))
	}
	if i.Revoke {
		d.authority.Revoke(token)
	}
	if i.Stop {
		d.stopped = true
		d.authority.Stop()
	}
	if i.Start {
		d.stopped = false
		return d.authority.Start()
	}
	return nil
}

// undo restores the issuer.
func (d *disturbance) undo() error {
	for _, endpoint := range Endpoints {
		d.authority.Fault(endpoint, Fault{})
	}
	if d.faulty { // an API that still waits for a faulty answer would fail the next case
		d.authority.Release()
	}
	for _, kid := range d.added {
		d.authority.Withdraw(kid)
	}
	d.authority.Publish()
	if d.stopped {
		return d.authority.Start()
	}
	return nil
}

// Fields returns the fields of a fault as a header.
func (f Fault) Fields() http.Header {
	header := http.Header{}
	for name, value := range f.Header {
		header.Set(name, value)
	}
	return header
}

// Pause returns the delay and the drip of a fault.
func (f Fault) Pause() (delay, drip time.Duration) {
	return time.Duration(f.Delay) * time.Millisecond, time.Duration(f.Drip) * time.Millisecond
}
