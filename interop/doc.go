// Package interop holds tests of bearerkit against authorization servers that
// were written elsewhere. It exports nothing.
package interop
