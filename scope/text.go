package scope

import "encoding"

var (
	_ encoding.TextMarshaler   = Set{}
	_ encoding.TextUnmarshaler = (*Set)(nil)
)

// MarshalText returns what [Set.String] does, so that a Set is a string in JSON
// and in logs.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText reads what [Parse] reads.
func (s *Set) UnmarshalText(text []byte) error {
	set, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = set
	return nil
}
