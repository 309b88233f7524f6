// Package interop tests bearerkit against authorization servers and clients of
// other projects. It exports nothing.
package interop
