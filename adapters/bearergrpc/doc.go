// Package bearergrpc protects the methods of a gRPC server with a [bearer.Guard].
// It passes calls to the guard, turns refusals into gRPC statuses, and makes no
// decisions of its own. A method without a rule is refused.
//
// [New] returns the interceptors of a server, and [Gateway] carries their refusals
// through grpc-gateway.
package bearergrpc
