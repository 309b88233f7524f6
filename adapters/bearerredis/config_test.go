package bearerredis_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bearerkit/bearerkit/adapters/bearerredis"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"localhost:6379",
		"[::1]:6379",
		"redis.internal:1",
		"redis://localhost",
		"redis://[::1]",
		"redis://localhost:6380/2",
		"redis://user:p%40ss@localhost:6380",
		"redis://:pass@localhost?db=1&client_name=api&pool_size=5",
		"rediss://localhost:6380",
	} {
		t.Run(address, func(t *testing.T) {
			c, err := bearerredis.New(bearerredis.Config{Address: address})
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, tt := range []struct {
		name   string
		config bearerredis.Config
		want   []string
	}{
		{"nothing", bearerredis.Config{}, []string{"Config.Address: empty"}},
		{"no port", bearerredis.Config{Address: "localhost"}, []string{"HOST:PORT"}},
		{"no host", bearerredis.Config{Address: ":6379"}, []string{"HOST:PORT"}},
		{"a port too large", bearerredis.Config{Address: "localhost:65536"}, []string{"65535"}},
		{"port 0", bearerredis.Config{Address: "localhost:0"}, []string{"65535"}},
		{"a port's name", bearerredis.Config{Address: "localhost:redis"}, []string{"65535"}},
		{"a URL's port too large", bearerredis.Config{Address: "redis://localhost:65536"}, []string{"65535"}},
		{"a URL without a host", bearerredis.Config{Address: "redis://:" + secret + "@/0"}, []string{"no host"}},
		{"a password without a scheme", bearerredis.Config{Address: "user:" + secret + "@localhost:6379"}, []string{"no scheme"}},
		{"another scheme", bearerredis.Config{Address: "http://:" + secret + "@localhost:6379"}, []string{"redis:// or rediss://"}},
		{"a socket", bearerredis.Config{Address: "unix:///run/redis.sock"}, []string{"redis:// or rediss://"}},
		{"no URL", bearerredis.Config{Address: "redis://:" + secret + "%zz@localhost"}, []string{"percent-encode"}},
		{"# in the password", bearerredis.Config{Address: "redis://:1#" + secret + "@localhost:6379"}, []string{"%23"}},
		{"? in the password", bearerredis.Config{Address: "redis://:1?" + secret + "@localhost:6379"}, []string{"no host"}},
		{"/ in the password", bearerredis.Config{Address: "redis://u:1/" + secret + "@localhost:6379"}, []string{"database number"}},
		{"a database by name", bearerredis.Config{Address: "redis://localhost/" + secret}, []string{"database number"}},
		{"a database below 0", bearerredis.Config{Address: "redis://localhost/-1"}, []string{"database number"}},
		{"no connections", bearerredis.Config{Address: "redis://localhost?pool_size=0"}, []string{"pool_size"}},
		{"skip_verify", bearerredis.Config{Address: "rediss://localhost?skip_verify=true"}, []string{"parameter"}},
		{"a timeout in the URL", bearerredis.Config{Address: "redis://localhost?read_timeout=3"}, []string{"parameter"}},
		{"a parameter with a secret for a name", bearerredis.Config{Address: "redis://localhost?" + secret}, []string{"parameter"}},
		{"TLSConfig without TLS", bearerredis.Config{Address: "redis://localhost", TLSConfig: &tls.Config{}}, []string{"rediss://"}},
		{"everything", bearerredis.Config{Prefix: "a b", Timeout: -time.Second}, []string{"Config.Address", "Config.Prefix", "Config.Timeout"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := bearerredis.New(tt.config)
			if err == nil || c != nil {
				t.Fatalf("New = %v, %v; want an error alone", c, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q; want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error %q has the password", err)
			}
		})
	}
}

// Reports G8: no way of printing a Config reveals the password in its address.
func TestConfigDoesNotShowThePassword(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2"
	certificate := tls.Certificate{Certificate: [][]byte{[]byte(secret)}}
	for _, address := range []string{
		"redis://user:" + secret + "@redis.internal:6380/2",
		"redis://:" + secret + "%zz@redis.internal:6380", // malformed, so nothing is certain
		secret,
	} {
		config := bearerredis.Config{Address: address, Prefix: "orders:", TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
		var texts []string
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			for _, v := range []any{config, &config, []any{config}, struct{ Field any }{config}} {
				texts = append(texts, fmt.Sprintf(verb, v))
			}
		}
		for _, v := range []any{config, &config} {
			var text, lines bytes.Buffer
			slog.New(slog.NewTextHandler(&text, nil)).Info("m", "config", v)
			slog.New(slog.NewJSONHandler(&lines, nil)).Info("m", "config", v)
			document, err := json.Marshal(v)
			if err != nil {
				t.Error(err)
			}
			texts = append(texts, text.String(), lines.String(), string(document))
		}
		for _, text := range texts {
			if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
				t.Errorf("the password shows: %s", text)
			}
			if !strings.Contains(text, "orders:") || strings.Contains(address, "/2") && !strings.Contains(text, "redis.internal:6380") {
				t.Errorf("prefix and host do not show: %s", text)
			}
		}
	}
}
