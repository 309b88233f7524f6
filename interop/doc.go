// Package interop holds tests of bearerkit against authorization servers and
// clients that were written elsewhere. It exports nothing.
package interop
