package bearergrpc

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/bearerkit/bearerkit/bearer"
	"github.com/bearerkit/bearerkit/scope"
)

// Config configures [New]. A method is named as gRPC names it, such as
// "/shop.v1.Orders/List"; generated code has constants with these names, such as
// shop.Orders_List_FullMethodName. There are no wildcards: a method that a later
// version of a service adds is refused until it has a rule.
type Config struct {
	// Guard judges the calls. Required.
	Guard *bearer.Guard

	// Methods holds what each method requires. Required, unless Public lists all
	// methods.
	Methods map[string]bearer.RouteConfig

	// Public lists the methods that anyone may call, such as those of the health
	// service. No guard looks at their calls. Default: none.
	Public []string
}

// New builds interceptors. The error reports all mistakes in the configuration at
// once.
func New(c Config) (*Interceptors, error) {
	if _, err := c.Guard.Route(bearer.RouteConfig{Rule: scope.None}); err != nil {
		return nil, fmt.Errorf("bearergrpc: Config.Guard: %s", strings.TrimPrefix(err.Error(), "bearer: "))
	}
	i := &Interceptors{routes: map[string]*bearer.Route{}, undeclared: bearer.NewRoutes(c.Guard)}
	var errs []error
	mistake := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("bearergrpc: Config."+format, args...))
	}
	if len(c.Methods)+len(c.Public) == 0 {
		mistake("Methods is empty; want the rules of the server's methods")
	}
	for _, method := range slices.Sorted(maps.Keys(c.Methods)) {
		if err := checkName(method); err != nil {
			mistake("Methods[%q]: %w", method, err)
		}
		route, err := c.Guard.Route(c.Methods[method])
		if err != nil {
			for line := range strings.Lines(err.Error()) { // one for each mistake, as Guard.Route joins them
				mistake("Methods[%q]: %s", method, strings.TrimPrefix(strings.TrimSpace(line), "bearer: "))
			}
		}
		i.routes[method] = route
	}
	for n, method := range c.Public {
		if err := checkName(method); err != nil {
			mistake("Public[%d] %q: %w", n, method, err)
		}
		if _, declared := i.routes[method]; declared {
			mistake("Public[%d] %q: the method is already in Methods or Public", n, method)
		}
		i.routes[method] = nil
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return i, nil
}

// checkName checks the full name of a method.
func checkName(name string) error {
	service, method, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
	switch {
	case strings.Contains(name, "*"):
		return errors.New("wildcards are not supported; list each method")
	case !strings.HasPrefix(name, "/") || service == "" || method == "" || strings.Contains(method, "/") || strings.ContainsAny(name, "?# "):
		return errors.New("want a full method, such as /shop.v1.Orders/List")
	}
	return nil
}

// ServiceInfoProvider lists the services of a server. A *grpc.Server is one.
type ServiceInfoProvider interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}

// Check returns an error that names every method of the server that is neither in
// Config.Methods nor in Config.Public, and every method there that the server does
// not have. It also reports an interceptor that the server needs and that the
// program did not ask for. Call it when all services are registered, and before the
// server serves.
func (i *Interceptors) Check(server ServiceInfoProvider) error {
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf("bearergrpc: "+format, args...)) }
	found := map[string]bool{}
	var unary, stream string // the last method of each kind
	for service, info := range server.GetServiceInfo() {
		for _, m := range info.Methods {
			name := "/" + service + "/" + m.Name
			found[name] = true
			if m.IsClientStream || m.IsServerStream {
				stream = max(stream, name)
			} else {
				unary = max(unary, name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if _, declared := i.routes[name]; !declared {
			mistake("the method %s has no rule; add it to Config.Methods, or to Config.Public", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.routes)) {
		if !found[name] {
			mistake("the server has no method %s; correct its name in the Config, or register its service before Check", name)
		}
	}
	if unary != "" && !i.unary.Load() {
		mistake("%s is not guarded; pass UnaryInterceptor to grpc.ChainUnaryInterceptor", unary)
	}
	if stream != "" && !i.stream.Load() {
		mistake("%s is not guarded; pass StreamInterceptor to grpc.ChainStreamInterceptor", stream)
	}
	return errors.Join(errs...)
}
