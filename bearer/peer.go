package bearer

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// peerOf returns the address of the connection's peer. It returns false if the peer
// has no IP address, or an unknown one.
func peerOf(r *http.Request) (netip.Addr, bool) {
	// The client of a Unix socket may name its own end of the connection like an IP
	// address, such as that of a trusted proxy.
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && strings.HasPrefix(local.Network(), "unix") {
		return netip.Addr{}, false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return peer.Addr().Unmap(), err == nil
}
