package bearergrpc_test

import (
	"strings"
	"testing"

	"google.golang.org/grpc"
	pb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/bearerkit/bearerkit/adapters/bearergrpc"
	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

func TestMistakes(t *testing.T) {
	guard := newGuard(t, bearer.Config{})
	read := bearer.RouteConfig{Rule: scope.All("orders:read")}
	tests := []struct {
		name   string
		config bearergrpc.Config
		want   []string // lines of the error, in this order
	}{
		{"no guard", bearergrpc.Config{Methods: map[string]bearer.RouteConfig{unaryMethod: read}},
			[]string{"bearergrpc: Config.Guard: New did not build this Guard; check the error of New"}},
		{"a guard that New did not build", bearergrpc.Config{Guard: &bearer.Guard{}, Public: []string{unaryMethod}},
			[]string{"bearergrpc: Config.Guard: New did not build this Guard; check the error of New"}},
		{"no methods", bearergrpc.Config{Guard: guard},
			[]string{"bearergrpc: Config.Methods is empty; want the rules of the server's methods"}},
		{"a rule and a requirement are missing", bearergrpc.Config{Guard: guard, Methods: map[string]bearer.RouteConfig{
			unaryMethod: {Requirements: []bearer.Requirement{nil}},
		}}, []string{
			`bearergrpc: Config.Methods["` + unaryMethod + `"]: RouteConfig.Rule: `,
			`bearergrpc: Config.Methods["` + unaryMethod + `"]: RouteConfig.Requirements[0]: `,
		}},
		{"names", bearergrpc.Config{Guard: guard, Methods: map[string]bearer.RouteConfig{
			"/shop.v1.Orders/*": read, "": read, "/": read, "//List": read, "/shop.v1.Orders": read, "/shop.v1.Orders/": read, "/shop.v1.Orders/List/x": read,
			"/shop.v1.Orders/List?x": read, "/shop.v1 .Orders/List": read, "shop.v1.Orders/List": read,
		}, Public: []string{"Check"}}, []string{
			`bearergrpc: Config.Methods[""]: want a full method, such as /shop.v1.Orders/List`,
			`bearergrpc: Config.Methods["/"]: want a full`,
			`bearergrpc: Config.Methods["//List"]: want a full`,
			`bearergrpc: Config.Methods["/shop.v1 .Orders/List"]: want a full`,
			`bearergrpc: Config.Methods["/shop.v1.Orders"]: want a full`,
			`bearergrpc: Config.Methods["/shop.v1.Orders/"]: want a full`,
			`bearergrpc: Config.Methods["/shop.v1.Orders/*"]: wildcards are not supported; list each method`,
			`bearergrpc: Config.Methods["/shop.v1.Orders/List/x"]: want a full`,
			`bearergrpc: Config.Methods["/shop.v1.Orders/List?x"]: want a full`,
			`bearergrpc: Config.Methods["shop.v1.Orders/List"]: want a full`,
			`bearergrpc: Config.Public[0] "Check": want a full`,
		}},
		{"protected and public", bearergrpc.Config{Guard: guard, Methods: map[string]bearer.RouteConfig{unaryMethod: read}, Public: []string{unaryMethod, bidiMethod, bidiMethod}}, []string{
			`bearergrpc: Config.Public[0] "` + unaryMethod + `": the method is already in Methods or Public`,
			`bearergrpc: Config.Public[2] "` + bidiMethod + `": the method is already in Methods or Public`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := bearergrpc.New(tt.config)
			wantLines(t, err, tt.want)
		})
	}
}

func wantLines(t *testing.T, err error, want []string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d:\n%v", len(got), len(want), err)
	}
	for n, line := range got {
		if !strings.HasPrefix(line, want[n]) {
			t.Errorf("line %d: %s\nwant %s", n, line, want[n])
		}
	}
}

// listed is a server with the given services.
type listed map[string]grpc.ServiceInfo

func (l listed) GetServiceInfo() map[string]grpc.ServiceInfo { return l }

func TestCheck(t *testing.T) {
	shop := listed{"shop.v1.Orders": {Methods: []grpc.MethodInfo{{Name: "List"}, {Name: "Watch", IsServerStream: true}, {Name: "Upload", IsClientStream: true}, {Name: "Count"}}}}
	unaryOnly := listed{"shop.v1.Orders": {Methods: []grpc.MethodInfo{{Name: "List"}}}}
	read := bearer.RouteConfig{Rule: scope.All("orders:read")}
	list, count, watch, upload := "/shop.v1.Orders/List", "/shop.v1.Orders/Count", "/shop.v1.Orders/Watch", "/shop.v1.Orders/Upload"
	tests := []struct {
		name          string
		server        listed
		methods       []string
		public        []string
		unary, stream bool // the interceptors that the program installs
		want          []string
	}{
		{"complete", shop, []string{list, count, watch}, []string{upload}, true, true, nil},
		{"no streams", unaryOnly, []string{list}, nil, true, false, nil},
		{"a method without a rule", shop, []string{list, count}, []string{upload}, true, true, []string{
			"bearergrpc: the method " + watch + " has no rule; add it to Config.Methods, or to Config.Public"}},
		{"rules without a method", unaryOnly, []string{list, watch}, []string{upload}, true, true, []string{
			"bearergrpc: the server has no method " + upload, "bearergrpc: the server has no method " + watch}},
		{"no services", listed{}, []string{list}, nil, true, true, []string{"bearergrpc: the server has no method " + list}},
		{"no interceptors", shop, []string{list, count, watch, upload}, nil, false, false, []string{
			"bearergrpc: " + list + " is not guarded; pass UnaryInterceptor to grpc.ChainUnaryInterceptor",
			"bearergrpc: " + watch + " is not guarded; pass StreamInterceptor to grpc.ChainStreamInterceptor"}},
		{"streams only", listed{"shop.v1.Orders": {Methods: shop["shop.v1.Orders"].Methods[1:2]}}, []string{watch}, nil, false, true, nil},
		{"no interceptor of streams", shop, []string{list, count, watch, upload}, nil, true, false, []string{
			"bearergrpc: " + watch + " is not guarded; pass StreamInterceptor to grpc.ChainStreamInterceptor"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := bearergrpc.Config{Guard: newGuard(t, bearer.Config{}), Methods: map[string]bearer.RouteConfig{}, Public: tt.public}
			for _, m := range tt.methods {
				c.Methods[m] = read
			}
			i := newInterceptors(t, c)
			if tt.unary {
				i.UnaryInterceptor()
			}
			if tt.stream {
				i.StreamInterceptor()
			}
			wantLines(t, i.Check(tt.server), tt.want)
		})
	}
}

// A real server lists its methods as the configuration names them.
func TestCheckOfAServer(t *testing.T) {
	i := newInterceptors(t, bearergrpc.Config{
		Guard: newGuard(t, bearer.Config{}), Methods: allMethods(bearer.RouteConfig{Rule: scope.None}),
		Public: []string{pb.TestService_EmptyCall_FullMethodName, pb.TestService_CacheableUnaryCall_FullMethodName, pb.TestService_HalfDuplexCall_FullMethodName},
	})
	s := grpc.NewServer(grpc.ChainUnaryInterceptor(i.UnaryInterceptor()), grpc.ChainStreamInterceptor(i.StreamInterceptor()))
	pb.RegisterTestServiceServer(s, service{})
	wantLines(t, i.Check(s), []string{"bearergrpc: the method /grpc.testing.TestService/UnimplementedCall has no rule"})
}
