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

// newOptions returns the settings of the connections to Redis.
func newOptions(c Config, t *topology) *redis.Options {
	options := *t.options
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
	if options.TLSConfig != nil && (t.cluster || t.master != "") && (c.TLSConfig == nil || c.TLSConfig.ServerName == "") {
		options.TLSConfig.ServerName = "" // each connection checks the host that it connects to
	}
	options.Protocol = 2 // RESP3 adds push messages, and this package uses none
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.PipelinePoolSize = -1
	options.MaxRetries = -1 // Client.run retries
	options.DialerRetries = 1
	options.DialTimeout = dialTimeout
	options.Dialer = dialer(dialFunc(options.TLSConfig))
	options.ContextTimeoutEnabled = true
	options.ReadTimeout = c.Timeout
	options.WriteTimeout = c.Timeout
	options.PoolTimeout = c.Timeout
	return &options
}

// clusterOptions returns the same settings for the nodes of a Cluster.
func clusterOptions(o *redis.Options, addrs []string) *redis.ClusterOptions {
	return &redis.ClusterOptions{
		Addrs:                    addrs,
		NewClient:                newNode,
		ClientName:               o.ClientName,
		Username:                 o.Username,
		Password:                 o.Password,
		TLSConfig:                o.TLSConfig,
		PoolSize:                 o.PoolSize,
		Protocol:                 o.Protocol,
		DisableIdentity:          o.DisableIdentity,
		DisableRoutingPolicies:   true, // each command has a key; the policies need the COMMAND command
		MaintNotificationsConfig: o.MaintNotificationsConfig,
		PipelinePoolSize:         o.PipelinePoolSize,
		MaxRetries:               o.MaxRetries,
		MaxRedirects:             3, // also the number of retries after a failure; see node
		MaxRetryBackoff:          20 * time.Millisecond,
		DialerRetries:            o.DialerRetries,
		DialTimeout:              o.DialTimeout,
		Dialer:                   o.Dialer,
		ContextTimeoutEnabled:    o.ContextTimeoutEnabled,
		ReadTimeout:              o.ReadTimeout,
		WriteTimeout:             o.WriteTimeout,
		PoolTimeout:              o.PoolTimeout,
	}
}
