package bearergrpc_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Whatever the metadata and the method, the handler runs exactly if the method has
// a rule and authorization has one value, which is the good token. Checklist 2.7.
func FuzzMetadata(f *testing.F) {
	f.Add(unaryMethod, "authorization: Bearer good")
	f.Add(unaryMethod, "Authorization: bearer  good")
	f.Add(unaryMethod, "authorization: Bearer good\nauthorization: Bearer good")
	f.Add(unaryMethod, "authorization-bin: Bearer good\n:authority: Bearer good\ndpop: x")
	f.Add(unaryMethod, "authorization: DPoP good\ncookie: good\ncontent-type: application/x-www-form-urlencoded")
	f.Add("grpc.testing.TestService/UnaryCall", "authorization: Bearer good")
	f.Add(unaryMethod+"?access_token=good", "origin: https://a.example\naccess-control-request-method: POST")
	i := newInterceptors(f, bearergrpc.Config{Guard: newGuard(f, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.All("orders:read")})})
	interceptor := i.UnaryInterceptor()
	credentials := regexp.MustCompile(`\A(?i:bearer) +good\z`)
	f.Fuzz(func(t *testing.T, method, lines string) {
		md := metadata.MD{}
		for line := range strings.SplitSeq(lines, "\n") {
			key, value, _ := strings.Cut(line, ": ")
			md.Append(key, value)
		}
		ran := false
		_, err := interceptor(metadata.NewIncomingContext(t.Context(), md), nil, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, _ any) (any, error) {
			ran = true
			if p, _ := bearer.FromContext(ctx); p.Subject != "alice" {
				t.Errorf("principal %v", p)
			}
			return nil, nil
		})
		values := md.Get("authorization")
		rule := method == unaryMethod || method == clientMethod || method == serverMethod || method == bidiMethod
		if want := rule && len(values) == 1 && credentials.MatchString(values[0]); ran != want || (err == nil) != want {
			t.Errorf("ran %v, error %v, want %v", ran, err, want)
		}
		if err != nil && (status.Code(err) == codes.Unknown || len(status.Convert(err).Details()) == 0) {
			t.Errorf("not the status of a refusal: %v", err)
		}
	})
}
