package dev

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/bearerkit/bearerkit/internal/strictjson"
)

// ParseConfig reads the issuers, users and clients of a configuration file, which is
// strict JSON. It reports all mistakes at once, each with its place and with what it
// should be.
func ParseConfig(document []byte) (Config, error) {
	var c Config
	r := &reader{wrong: map[string]bool{}}
	r.object("", document, fields{
		"issuers": list(r, &c.Issuers, r.issuer),
		"users":   list(r, &c.Users, r.user),
		"clients": list(r, &c.Clients, r.client),
	})
	err := errors.Join(r.errs...)
	if err != nil && !r.wrong[wholeFile] { // else New finds the other mistakes
		other := c
		other.URL = "http://127.0.0.1:9000"
		err = errors.Join(err, other.withDefaults().check())
	}
	return c, err
}

// wholeFile is the place of a mistake that concerns no member.
const wholeFile = "the file"

// reader reads JSON and collects the mistakes in it.
type reader struct {
	errs  []error
	wrong map[string]bool // the places of the mistakes
}

// isWrong reports whether there is a mistake at a place or in what surrounds it, so that
// the value there is not the file's.
func (r *reader) isWrong(path, member string) bool { return r.wrong[path] || r.wrong[path+"."+member] }

// field reads one value. The path says where it is.
type field func(path string, v strictjson.Value)

// fields are the members that an object may have.
type fields map[string]field

func (r *reader) mistake(path, format string, args ...any) {
	r.wrong[path] = true
	r.errs = append(r.errs, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
}

func (r *reader) object(path string, v strictjson.Value, known fields) {
	err := strictjson.Object(v, func(name []byte, value strictjson.Value) error {
		at := strings.TrimPrefix(path+"."+string(name), ".")
		read, ok := known[string(name)]
		if !ok {
			r.mistake(at, "unknown name; want one of %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return nil
		}
		read(at, value)
		return nil
	})
	if err != nil {
		r.mistake(cmp.Or(path, wholeFile), "want a JSON object: %v", err)
	}
}

// list returns a field that is an array of objects.
func list[T any](r *reader, to *[]T, read func(path string, v strictjson.Value) T) field {
	return func(path string, v strictjson.Value) {
		*to = []T{}
		err := strictjson.Array(v, func(element strictjson.Value) error {
			*to = append(*to, read(fmt.Sprintf("%s[%d]", path, len(*to)), element))
			return nil
		})
		if err != nil {
			r.mistake(path, "want an array of objects: %v", err)
			*to = nil
		}
	}
}

// text returns a field that is a string.
func (r *reader) text(to *string) field {
	return func(path string, v strictjson.Value) {
		text, err := strictjson.String(v)
		if err != nil {
			r.mistake(path, "want a string")
		}
		*to = text
	}
}

// texts returns a field that is an array of strings.
func (r *reader) texts(to *[]string) field {
	return func(path string, v strictjson.Value) {
		texts, err := strictjson.Strings(v)
		if err != nil || texts == nil {
			r.mistake(path, "want an array of strings")
		}
		*to = texts
	}
}

// flag returns a field that is true or false.
func (r *reader) flag(to *bool) field {
	return func(path string, v strictjson.Value) {
		is, err := strictjson.Bool(v)
		if err != nil {
			r.mistake(path, "want true or false")
		}
		*to = is
	}
}

// duration returns a field that is a duration as Go writes it.
func (r *reader) duration(to *time.Duration) field {
	return func(path string, v strictjson.Value) {
		text, err := strictjson.String(v)
		if err == nil {
			*to, err = time.ParseDuration(text)
		}
		if err != nil || *to <= 0 {
			r.mistake(path, `want a duration such as "15m" or "24h"`)
			*to = time.Hour
		}
	}
}

// claims returns a field that is an object with claims.
func (r *reader) claims(to *map[string]any) field {
	return func(path string, v strictjson.Value) {
		if json.Unmarshal(v, to) != nil || *to == nil {
			r.mistake(path, "want an object whose members are claims")
		}
	}
}

func (r *reader) issuer(path string, v strictjson.Value) (i Issuer) {
	r.object(path, v, fields{
		"path":     r.text(&i.Path),
		"audience": r.texts(&i.Audience),
		"profile": func(path string, v strictjson.Value) {
			var name string
			r.text(&name)(path, v)
			shape, err := ParseProfile(name)
			if err != nil {
				r.mistake(path, "%v", err)
			}
			i.Profile = shape
		},
		"token_format": func(path string, v strictjson.Value) {
			var format string
			r.text(&format)(path, v)
			if format != formatJWT && format != formatOpaque {
				r.mistake(path, "%q; want jwt or opaque", format)
			}
			i.Opaque = format == formatOpaque
		},
		"access_token_lifetime":  r.duration(&i.AccessTTL),
		"refresh_token_lifetime": r.duration(&i.RefreshTTL),
		"dpop_nonces":            r.flag(&i.Nonces),
	})
	if r.isWrong(path, "path") {
		i.Path = fmt.Sprintf("/unknown-%d", len(r.errs))
	}
	return i
}

func (r *reader) user(path string, v strictjson.Value) (u User) {
	r.object(path, v, fields{
		"name": r.text(&u.Name), "email": r.text(&u.Email), "roles": r.texts(&u.Roles), "claims": r.claims(&u.Claims),
	})
	if r.isWrong(path, "name") {
		u.Name = path
	}
	return u
}

func (r *reader) client(path string, v strictjson.Value) (c Client) {
	r.object(path, v, fields{
		"client_id":                 r.text(&c.ID),
		"client_secret":             r.text(&c.Secret),
		"client_name":               r.text(&c.Name),
		"redirect_uris":             r.texts(&c.RedirectURIs),
		"any_loopback_redirect":     r.flag(&c.AnyLoopback),
		"post_logout_redirect_uris": r.texts(&c.PostLogoutRedirectURIs),
		"backchannel_logout_uri":    r.text(&c.BackchannelLogoutURI),
		"grant_types":               r.texts(&c.Grants),
		"scope":                     r.text(&c.Scope),
		"roles":                     r.texts(&c.Roles),
	})
	if r.isWrong(path, "client_id") {
		c.ID = path
	}
	return c
}
