package explain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/internal/fetch"
	"github.com/bearerkit/bearerkit/internal/jose"
	"github.com/bearerkit/bearerkit/internal/keysource"
)

// checkKeys looks for the token's key as the SDK does, and verifies the signature.
func (j *judge) checkKeys(ctx context.Context) {
	switch {
	case !j.knowsAPI():
		j.skip("no --issuer was given, so no key was looked for", "keys", "key", "signature")
		return
	case j.header.Algorithm == "":
		j.skip("the header cannot be read", "keys", "key", "signature")
		return
	}
	source := keysource.New(keysource.Config{
		Issuer: j.config.Issuer, JWKSURI: j.config.KeysURL, File: j.config.KeysFile, OnDemand: j.config.KeysFile == "",
		Client: fetch.New(j.client, j.config.InsecureAllowHTTP),
	})
	defer source.Close()
	query := keysource.QueryFor(&j.header)
	query.Leeway = defaultLeeway
	if at, err := dateOf(j.claims["iat"]); err == nil {
		query.Issued = at
	}
	var found keysource.Candidates
	var by *jose.Key
	err := source.Verify(ctx, time.Now(), query, func(keys keysource.Candidates) error {
		found = keys
		by = j.verifyWith(keys)
		if by == nil {
			return jose.ErrSignature
		}
		return nil
	})
	j.listKeys(source.Stats())
	j.addKeys(err, found, by)
}

// verifyWith returns the key that signed the token, or nil.
func (j *judge) verifyWith(keys keysource.Candidates) *jose.Key {
	end := strings.LastIndexByte(j.token, '.')
	if j.signature == nil || end < 0 {
		return nil
	}
	for _, key := range keys.Keys {
		if key.Verify(jose.Algorithm(j.header.Algorithm), j.token[:end], j.signature) == nil {
			return key
		}
	}
	return nil
}

// addKeys adds the checks of the keys, the key and the signature.
func (j *judge) addKeys(err error, found keysource.Candidates, by *jose.Key) {
	if unavailable, ok := errors.AsType[*keysource.UnavailableError](err); ok || err != nil && j.report.Keys.Keys == nil {
		j.keysFailed = err
		got := err.Error()
		if unavailable != nil {
			got = unavailable.Err.Error()
		}
		j.verdict("keys", false, Check{Log: "keys", Expected: "the issuer's keys", Got: got})
		j.skip("there are no keys", "key", "signature")
		return
	}
	j.verdict("keys", true, Check{Expected: "the issuer's keys", Got: fmt.Sprintf("%d keys, %s", len(j.published), j.report.Keys.From)})
	switch {
	case errors.Is(err, keysource.ErrUnknownKey):
		j.verdict("key", false, Check{Log: "kid", Expected: "a kid that the issuer publishes: " + j.publishedIDs(), Got: j.kidText()})
		j.skip("no key", "signature")
		return
	case errors.Is(err, keysource.ErrKeyAlgorithm):
		j.verdict("key", false, Check{Log: "kid", Expected: "a key for " + j.header.Algorithm, Got: "the kid of a key for other algorithms"})
		j.skip("no key", "signature")
		return
	}
	j.report.Keys.Chosen = j.choiceText(found, by)
	j.verdict("key", true, Check{Expected: "a key for " + j.header.Algorithm, Got: j.report.Keys.Chosen})
	if j.signature == nil {
		j.skip("the signature cannot be read", "signature")
		return
	}
	got := "a signature by another key, or of another text"
	if by != nil {
		got = "a signature by this key"
		j.report.Token.Verified = true
	}
	j.verdict("signature", by != nil, Check{Log: "signature", Expected: "a signature by this key", Got: got})
}

func (j *judge) kidText() string {
	if !j.header.HasKeyID {
		return "no kid, and no key for " + j.header.Algorithm
	}
	return "kid " + shown(j.header.KeyID)
}

func (j *judge) publishedIDs() string {
	var ids []string
	for _, key := range j.published {
		if id, ok := key.ID(); ok && len(ids) < 8 {
			ids = append(ids, id)
		}
	}
	if ids == nil {
		return "it publishes none"
	}
	return quoted(ids)
}

// choiceText says which key was chosen and why.
func (j *judge) choiceText(found keysource.Candidates, by *jose.Key) string {
	name := func(key *jose.Key) string {
		if id, ok := key.ID(); ok {
			return "key " + shown(id)
		}
		return "a key without kid"
	}
	switch {
	case len(found.Keys) == 1 && j.header.HasKeyID && !found.Nameless:
		return name(found.Keys[0]) + ", which the token's kid names"
	case len(found.Keys) == 1:
		return name(found.Keys[0]) + ", the only one that fits " + j.header.Algorithm
	}
	why := "share the token's kid"
	if !j.header.HasKeyID {
		why = "fit " + j.header.Algorithm + ", and the token has no kid"
	}
	text := fmt.Sprintf("one of %d keys that %s", found.Total, why)
	if by != nil {
		text += "; " + name(by) + " fits"
	}
	return text
}

// listKeys records where the keys came from, and which there are.
func (j *judge) listKeys(stats keysource.Stats) {
	k := &Keys{Keys: []Key{}}
	j.report.Keys = k
	for _, e := range j.memo.exchanges() {
		k.Requests = append(k.Requests, e.request())
	}
	k.Clock, k.Age = j.clockText(), j.ageText()
	set, err := j.keySet()
	if err != nil || len(set.Keys) == 0 && len(set.Skipped) == 0 {
		k.Keys = nil
	}
	j.published = set.Keys
	for _, key := range set.Keys {
		id, _ := key.ID()
		k.Keys = append(k.Keys, Key{ID: jose.Printable(id), Algorithms: algorithmsOf(key)})
	}
	for _, skipped := range set.Skipped {
		k.Skipped = append(k.Skipped, fmt.Sprintf("key %d, kid %q: %s", skipped.Index+1, skipped.ID, skipped.Reason))
	}
	switch {
	case j.config.KeysFile != "":
		k.From = "read from the file of --keys"
	case stats.Fetched.IsZero():
		k.From = "none that can be used"
	case j.config.KeysURL != "":
		k.From = "fetched just now from --jwks-uri"
	default:
		k.From = "fetched just now from the jwks_uri of the issuer's metadata"
	}
}

// minClock is the difference of clocks that is worth telling. The field Date has
// whole seconds.
const minClock = 3 * time.Second

// clockText compares the issuer's clock with this machine's by the field Date of its
// answers, or returns nothing if they agree.
func (j *judge) clockText() string {
	for _, e := range j.memo.exchanges() {
		date, err := http.ParseTime(e.header.Get("Date"))
		if err != nil || e.header.Get("Age") != "" { // the answer is a cache's
			continue
		}
		switch off := date.Sub(e.at); {
		case off > minClock:
			return "the issuer's clock is " + durationText(off) + " ahead of this machine's"
		case off < -minClock:
			return "the issuer's clock is " + durationText(-off) + " behind this machine's"
		}
		break
	}
	return ""
}

// keySet returns the last key set that was fetched, or that of the file.
func (j *judge) keySet() (jose.KeySet, error) {
	if j.config.KeysFile != "" {
		data, err := os.ReadFile(j.config.KeysFile)
		if err != nil {
			return jose.KeySet{}, err
		}
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
			return jose.ParseKeySet(data)
		}
		keys, err := jose.ParsePEM(data)
		return jose.KeySet{Keys: keys}, err
	}
	_, set, err := j.keyExchange()
	return set, err
}

// keyExchange returns the last key set that was fetched, with its exchange.
func (j *judge) keyExchange() (*exchange, jose.KeySet, error) {
	exchanges := j.memo.exchanges()
	for i := len(exchanges) - 1; i >= 0; i-- {
		if e := exchanges[i]; e.status == 200 {
			if set, err := jose.ParseKeySet(fetch.WithoutBOM(e.body)); err == nil {
				return e, set, nil
			}
		}
	}
	return nil, jose.KeySet{}, errors.New("no key set was fetched")
}

// The bounds of the time that the SDK uses a key set before it fetches it again, and
// the time without Cache-Control: see package keysource.
const (
	minFresh     = time.Minute
	defaultFresh = 5 * time.Minute
	maxFresh     = 24 * time.Hour
)

// ageText says how old the keys are, and how long an API uses them.
func (j *judge) ageText() string {
	e, _, err := j.keyExchange()
	if err != nil {
		return ""
	}
	fresh, ok := fetch.Freshness(e.header)
	if !ok {
		fresh = defaultFresh
	}
	text := "an API fetches them again after " + durationText(min(max(fresh, minFresh), maxFresh)) + ", so it may still have older ones"
	if age, err := strconv.Atoi(e.header.Get("Age")); err == nil && age > 0 {
		text = "a cache gave this answer, which is " + durationText(time.Duration(age)*time.Second) + " old; " + text
	}
	return text
}

// algorithmsOf lists the algorithms of a key, shortened for keys that serve all of
// a family.
func algorithmsOf(key *jose.Key) string {
	var names []string
	for _, alg := range jose.Algorithms() {
		if key.Can(alg) {
			names = append(names, string(alg))
		}
	}
	return strings.Join(names, " ")
}
