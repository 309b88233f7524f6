module github.com/bearerkit/bearerkit/conformance

go 1.26.0
