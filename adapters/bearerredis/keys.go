package bearerredis

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/bearerkit/bearerkit/denylist"
	"github.com/bearerkit/bearerkit/dpop"
)

// keyspace is the prefix of all keys and of the channel. This file defines all
// names and formats in Redis. The scripts in script.go read and write the same
// formats:
//
//	PREFIX KEY                 a cached value, or the tombstone of a forgotten key
//	PREFIX forgotten           the channel that announces forgotten keys
//	PREFIX proof: HASH         a used proof; its value is empty
//	PREFIX proofs-of: HASH     how many used proofs one user or client has
//	PREFIX proofs-of-key: JKT  the same for proofs without an owner, by key
//	PREFIX denied              hash: deny list entries by name
//	PREFIX denied:until        sorted set: names by the end of their entry
//	PREFIX denied:log          sorted set: names by the version that changed them
//	PREFIX denied:version      "VERSION EPOCH" of the deny list
//
// In a Cluster the names of the deny list's keys have {denied} for denied: a
// script can use only keys of one slot, and the hash tag puts the four into one.
type keyspace string

func (k keyspace) value(key string) string { return string(k) + key }
func (k keyspace) channel() string         { return string(k) + "forgotten" }

func (k keyspace) proof(p *dpop.UsedProof) string { return string(k) + "proof:" + encodeHash(p.ID) }

// quota returns the key that counts the used proofs of the owner of p.
func (k keyspace) quota(p *dpop.UsedProof) string {
	if p.Owner == ([32]byte{}) {
		return string(k) + "proofs-of-key:" + p.JKT
	}
	return string(k) + "proofs-of:" + encodeHash(p.Owner)
}

// denials returns the keys of the deny list in the order that its scripts
// expect.
func (k keyspace) denials(cluster bool) []string {
	name := string(k) + "denied"
	if cluster {
		name = string(k) + "{denied}"
	}
	return []string{name, name + ":until", name + ":log", name + ":version"}
}

// emptyTag reports whether a prefix disables hash tags: Redis hashes the whole
// name if there is nothing between the first { and the next }.
func emptyTag(prefix string) bool {
	_, rest, _ := strings.Cut(prefix, "{")
	return strings.HasPrefix(rest, "}")
}

func encodeHash(sum [sha256.Size]byte) string { return base64.RawURLEncoding.EncodeToString(sum[:]) }

func decodeHash(s string) (sum [sha256.Size]byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(sum) {
		return sum, false
	}
	return [sha256.Size]byte(b), true
}

// present is the first byte of a stored value; setScript writes it. A forgotten
// key holds the empty string instead, its tombstone. Value and tombstone share a
// key, so no reader sees both and a script needs only one key.
const present = 'v'

// parseValue returns the cached value, or nil for a missing key, a tombstone, a
// value that is too large, and a value in another format.
func parseValue(stored []byte) []byte {
	if len(stored) == 0 || stored[0] != present || len(stored) > 1+maxValue {
		return nil
	}
	return stored[1:]
}

// denialName hashes the key of an entry, so that Redis does not reveal who is
// denied.
func denialName(key denylist.Key) [sha256.Size]byte {
	b := append(make([]byte, 0, 256), byte(key.Kind))
	b = binary.BigEndian.AppendUint32(b, uint32(len(key.Issuer)))
	b = append(append(b, key.Issuer...), key.Value...)
	return sha256.Sum256(b)
}

// always replaces IssuedBefore in an entry that denies tokens regardless of when
// they were issued.
const always = "*"

// maxUntil limits the end of an entry: Lua's numbers are doubles.
var maxUntil = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// formatDenial returns the two fields of an entry, "UNTIL BEFORE": the first
// millisecond in which the entry has ended, and the last second in which denied
// tokens were issued.
func formatDenial(t denylist.Times) (until int64, before string) {
	if t.IssuedBefore.IsZero() {
		return t.Until.UnixMilli() + 1, always
	}
	return t.Until.UnixMilli() + 1, strconv.FormatInt(t.IssuedBefore.Unix(), 10)
}

// parseDenial parses an entry, "UNTIL BEFORE".
func parseDenial(s string) (denial, bool) {
	until, before, _ := strings.Cut(s, " ")
	ms, err := strconv.ParseInt(until, 10, 64)
	d := denial{Times: denylist.Times{Until: time.UnixMilli(ms)}}
	if err != nil || before == always {
		return d, err == nil
	}
	second, err := strconv.ParseInt(before, 10, 64)
	d.IssuedBefore = time.Unix(second, 0)
	return d, err == nil
}
