package bearerredis

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"
)

// shown has the settings of a Config that may be printed. The address of a
// Config may contain passwords, so only its hosts and ports and the name of
// the master are shown.
type shown struct {
	Address         string
	Prefix          string        `json:",omitempty"`
	Timeout         time.Duration `json:",omitempty"`
	DenialsMaxStale time.Duration `json:",omitempty"`
	DenialsLeeway   time.Duration `json:",omitempty"`
	TLSConfig       bool          `json:",omitempty"`
}

func (c Config) shown() shown {
	address := "(invalid address)"
	if parsed, err := parseAddress(c.Address); err == nil {
		address = parsed.String()
	}
	return shown{address, c.Prefix, c.Timeout, c.DenialsMaxStale, c.DenialsLeeway, c.TLSConfig != nil}
}

func (c Config) redacted() string { return fmt.Sprintf("bearerredis.Config%+v", c.shown()) }

// Format implements [fmt.Formatter]. For every verb it writes the settings
// without the secrets.
func (c Config) Format(f fmt.State, verb rune) {
	text := c.redacted()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // f reports the error
}

// LogValue implements [slog.LogValuer]. It returns the text of [Config.Format].
func (c Config) LogValue() slog.Value { return slog.StringValue(c.redacted()) }

// MarshalJSON returns the settings without the secrets, durations in
// nanoseconds.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }
