package bearerotel

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// gauges are the instruments that are read when metrics are collected.
type gauges struct {
	keys, keysFetched                          metric.Int64ObservableGauge
	cacheLookups, verifications                metric.Int64ObservableCounter
	cacheEntries                               metric.Int64ObservableUpDownCounter
	resolveCalls                               metric.Int64ObservableCounter
	resolved                                   metric.Int64ObservableUpDownCounter
	circuit                                    metric.Int64ObservableGauge
	rejected, stale, shared                    metric.Int64ObservableCounter
	proofs, proofRefusals                      metric.Int64ObservableCounter
	replays, replayLimit, denials, denialLimit metric.Int64ObservableUpDownCounter
}

// newGauges creates the instruments and returns a list of them.
func newGauges(m metric.Meter) (g gauges, all []metric.Observable, err error) {
	var errs []error
	gauge := func(i *metric.Int64ObservableGauge, name, unit, description string) {
		var err error
		*i, err = m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, *i)
	}
	counter := func(i *metric.Int64ObservableCounter, name, unit, description string) {
		var err error
		*i, err = m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, *i)
	}
	size := func(i *metric.Int64ObservableUpDownCounter, name, unit, description string) {
		var err error
		*i, err = m.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs, all = append(errs, err), append(all, *i)
	}
	gauge(&g.keys, "bearerkit.key.count", "{key}", "Usable keys of the issuer.")
	gauge(&g.keysFetched, "bearerkit.key.last_success.timestamp", "s", "When the issuer's usable keys were fetched, in seconds since 1970; 0 without usable keys.")
	counter(&g.cacheLookups, "bearerkit.cache.lookups", "{lookup}", "Tokens looked up in a verifier's cache.")
	size(&g.cacheEntries, "bearerkit.cache.entries", "{token}", "Tokens in the cache of JWTs.")
	counter(&g.verifications, "bearerkit.signature.verifications", "{verification}", "Signatures checked.")
	counter(&g.resolveCalls, "bearerkit.resolve.calls", "{call}", "Calls of jwks.Config.Resolve.")
	size(&g.resolved, "bearerkit.resolve.issuers", "{issuer}", "Issuers that jwks.Config.Resolve has decided about.")
	gauge(&g.circuit, "bearerkit.introspection.circuit.open", "", "1 while the circuit of an introspection endpoint is open, else 0.")
	counter(&g.rejected, "bearerkit.introspection.rejected", "{introspection}", "Introspections not sent: the circuit was open, too many were under way, or the token had just failed.")
	counter(&g.stale, "bearerkit.introspection.stale", "{use}", "Uses of an old answer because the endpoint failed.")
	counter(&g.shared, "bearerkit.introspection.shared", "{answer}", "Answers from the shared cache.")
	counter(&g.proofs, "bearerkit.proof.checks", "{proof}", "DPoP proofs checked, with any result.")
	counter(&g.proofRefusals, "bearerkit.proof.refusals", "{proof}", "DPoP proofs refused, by the check that failed.")
	size(&g.replays, "bearerkit.replay_store.usage", "{proof}", "Used proofs in the replay store; of several stores, in the fullest one.")
	size(&g.replayLimit, "bearerkit.replay_store.limit", "{proof}", "Proofs that fit into that replay store.")
	size(&g.denials, "bearerkit.deny_list.usage", "{entry}", "Entries in the deny list; of several lists, in the fullest one.")
	size(&g.denialLimit, "bearerkit.deny_list.limit", "{entry}", "Entries that fit into that deny list.")
	return g, all, errors.Join(errs...)
}
