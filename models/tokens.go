package models

import "maps"

// Tokens is the model of a token cache. The cache may evict any entry when it is
// full, and otherwise keeps each entry until it expires or its issuer's version
// changes. It never returns another token's entry, nor one of an old version.
type Tokens struct {
	Entries, Bytes int

	versions map[string]uint64 // by issuer
	kept     map[string]keptToken
}

// Proven is an entry of a token cache.
type Proven struct {
	Issuer  string
	Serial  int // tells the entries of a token apart
	Version uint64
	Weight  int
	Expires int64 // in nanoseconds since 1970
}

type keptToken struct {
	Proven
	maybe bool // the cache may have evicted it
}

// Clone returns a copy.
func (m *Tokens) Clone() *Tokens {
	c := *m
	c.versions, c.kept = maps.Clone(m.versions), maps.Clone(m.kept)
	return &c
}

// Version returns an issuer's version, and Rotate changes it.
func (m *Tokens) Version(issuer string) uint64 { return m.versions[issuer] + 1 }

// Rotate changes an issuer's version.
func (m *Tokens) Rotate(issuer string) {
	if m.versions == nil {
		m.versions = map[string]uint64{}
	}
	m.versions[issuer]++
}

// Get reports whether the cache may return the entry with this serial number for a
// token. Zero stands for no entry.
func (m *Tokens) Get(token string, serial int) bool {
	k, kept := m.kept[token]
	switch {
	case !kept:
		return serial == 0
	case k.Version != m.Version(k.Issuer):
		delete(m.kept, token)
		return serial == 0
	case serial == 0:
		delete(m.kept, token)
		return k.maybe
	}
	return serial == k.Serial
}

// Add adds an entry at a time, in nanoseconds since 1970, to a cache that holds this
// many entries and bytes.
func (m *Tokens) Add(token string, p Proven, now int64, entries, bytes int) {
	if p.Weight > m.Bytes {
		return
	}
	delete(m.kept, token)
	full := entries >= m.Entries || bytes+p.Weight > m.Bytes
	for other, k := range m.kept {
		k.maybe = k.maybe || full || k.Expires <= now || k.Version != m.Version(k.Issuer)
		m.kept[other] = k
	}
	if m.kept == nil {
		m.kept = map[string]keptToken{}
	}
	m.kept[token] = keptToken{Proven: p}
}

// Remove removes a token's entry.
func (m *Tokens) Remove(token string) { delete(m.kept, token) }

// Size reports whether the cache may hold this many entries and bytes.
func (m *Tokens) Size(entries, bytes int) bool {
	if entries > m.Entries || bytes > m.Bytes {
		return false
	}
	least, leastBytes := 0, 0
	for _, k := range m.kept {
		if !k.maybe {
			least++
			leastBytes += k.Weight
		}
	}
	most, mostBytes := m.most()
	return least <= entries && entries <= most && leastBytes <= bytes && bytes <= mostBytes
}

// most returns the size if the cache has evicted nothing.
func (m *Tokens) most() (entries, bytes int) {
	for _, k := range m.kept {
		bytes += k.Weight
	}
	return len(m.kept), bytes
}
