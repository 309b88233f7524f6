package main

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// This file stands for the code that protoc-gen-go-grpc generates for a service.

// The methods of the service.
const (
	countMethod  = "/shop.v1.Orders/Count"
	watchMethod  = "/shop.v1.Orders/Watch"
	deleteMethod = "/shop.v1.Orders/Delete"
)

// registerOrders registers the service.
func registerOrders(server *grpc.Server) {
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "shop.v1.Orders",
		Methods: []grpc.MethodDesc{
			{MethodName: "Count", Handler: unary(countMethod)},
			{MethodName: "Delete", Handler: unary(deleteMethod)},
		},
		Streams: []grpc.StreamDesc{{StreamName: "Watch", ServerStreams: true, Handler: func(_ any, stream grpc.ServerStream) error {
			message := new(emptypb.Empty)
			if err := stream.RecvMsg(message); err != nil {
				return err
			}
			return watch(message, &grpc.GenericServerStream[emptypb.Empty, wrapperspb.StringValue]{ServerStream: stream})
		}}},
	}, nil)
}

func unary(method string) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		message := new(emptypb.Empty)
		if err := decode(message); err != nil {
			return nil, err
		}
		return interceptor(ctx, message, &grpc.UnaryServerInfo{FullMethod: method}, func(ctx context.Context, message any) (any, error) {
			return count(ctx, message.(*emptypb.Empty))
		})
	}
}
