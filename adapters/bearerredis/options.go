package bearerredis

import (
	"crypto/tls"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// dialTimeout limits an attempt to connect. It may exceed [Config.Timeout]: a
// command does not wait that long, and a later one uses the connection.
const dialTimeout = time.Second

// newOptions returns the settings of the go-redis client. The address is the
// result of Config.complete.
func newOptions(c Config, address *redis.Options) *redis.Options {
	options := *address
	if c.TLSConfig != nil {
		host := options.TLSConfig.ServerName
		options.TLSConfig = c.TLSConfig.Clone()
		if options.TLSConfig.ServerName == "" {
			options.TLSConfig.ServerName = host
		}
		if options.TLSConfig.MinVersion == 0 {
			options.TLSConfig.MinVersion = tls.VersionTLS12
		}
	}
	options.Protocol = 2 // RESP3 adds push messages, and this package uses none
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.PipelinePoolSize = -1
	options.MaxRetries = -1 // Client.run retries
	options.DialerRetries = 1
	options.DialTimeout = dialTimeout
	options.Dialer = dialer(options.TLSConfig)
	options.ContextTimeoutEnabled = true
	options.ReadTimeout = c.Timeout
	options.WriteTimeout = c.Timeout
	options.PoolTimeout = c.Timeout
	return &options
}
