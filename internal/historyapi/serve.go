package historyapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Listen listens on a loopback address, and refuses others: the API knows no
// users of its own, and shows everything to who can reach it.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%q: want address:port, as 127.0.0.1:9465", address)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("%q is no loopback address, and the history is not shown to the network: listen on 127.0.0.1 and put a proxy in front that knows who may ask", address)
	}
	return net.Listen("tcp", address)
}

// Serve answers until the context ends, and then lets those finish who have
// asked.
func (a *API) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler:           a,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      a.timeLimit + 10*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeLimit)
	defer cancel()
	err := server.Shutdown(drain)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	return err
}
