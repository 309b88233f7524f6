package scope

import "encoding"

var (
	_ encoding.TextMarshaler   = Set{}
	_ encoding.TextUnmarshaler = (*Set)(nil)
)

// MarshalText returns the text of [Set.String], so that a Set is a string in
// JSON and in logs.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.text), nil }

// UnmarshalText parses text as [Parse] does. After an error, s is unchanged.
func (s *Set) UnmarshalText(text []byte) error {
	set, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = set
	return nil
}
