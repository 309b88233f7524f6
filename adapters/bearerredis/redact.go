package bearerredis

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"
)

// shown is what may be seen of a Config.
type shown struct {
	Address         string
	Prefix          string        `json:",omitempty"`
	Timeout         time.Duration `json:",omitempty"`
	DenialsMaxStale time.Duration `json:",omitempty"`
	DenialsLeeway   time.Duration `json:",omitempty"`
	TLSConfig       bool          `json:",omitempty"`
}

func (c Config) shown() shown {
	address := "(an address that cannot be parsed)"
	if options, err := parseAddress(c.Address); err == nil {
		address = options.Addr
	}
	return shown{address, c.Prefix, c.Timeout, c.DenialsMaxStale, c.DenialsLeeway, c.TLSConfig != nil}
}

// LogValue shows the settings, of the address the host and port alone: it may
// hold a password. All ways of printing a Config show the same.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String returns what [Config.LogValue] shows.
func (c Config) String() string { return "bearerredis.Config" + fmt.Sprintf("%+v", c.shown()) }

// GoString returns what [Config.LogValue] shows.
func (c Config) GoString() string { return c.String() }

// Format writes what [Config.LogValue] shows, for every verb.
func (c Config) Format(f fmt.State, verb rune) {
	text := c.String()
	if verb == 'q' {
		text = strconv.Quote(text)
	}
	_, _ = io.WriteString(f, text) // f reports it
}

// MarshalJSON returns what [Config.LogValue] shows, with durations in
// nanoseconds.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.shown()) }
