package torture

import (
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Proxy is a TCP connection between engine and broker that can fail. A broker
// advertises the proxy's address on a listener of its own, so that all that one
// engine says and hears goes through it.
type Proxy struct {
	target   string
	listener net.Listener
	closed   chan struct{}

	mu    sync.Mutex
	open  chan struct{} // closed while bytes may pass
	delay time.Duration
	conns map[net.Conn]struct{}
}

// NewProxy listens on a loopback port and connects whoever comes with target.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy to %s: %w", target, err)
	}
	open := make(chan struct{})
	close(open)
	p := &Proxy{target: target, listener: listener, closed: make(chan struct{}), open: open, conns: map[net.Conn]struct{}{}}
	go p.accept()
	return p, nil
}

// Addr is where the proxy listens.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut keeps every byte back, as a network does that loses packets: nobody is
// told, connections stay, and new ones seem to be made. What is underway comes
// out after Heal, however late, also from a connection that its owner has
// given up by then.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
		p.open = make(chan struct{})
	default: // is cut
	}
}

// Heal lets bytes pass again.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

// Drop ends every connection, as a firewall does that is restarted.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		conn.Close()
	}
}

// Delay keeps each piece of what is read back for so long.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	close(p.closed)
	p.listener.Close()
	p.Drop()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		go p.connect(client)
	}
}

// connect carries bytes both ways until both sides have ended.
func (p *Proxy) connect(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return // as if the broker had refused
	}
	defer server.Close()
	p.note(client, server)
	defer p.forget(client, server)
	var ways sync.WaitGroup
	ways.Go(func() { p.carry(server, client) })
	ways.Go(func() { p.carry(client, server) })
	ways.Wait()
}

func (p *Proxy) note(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		p.conns[conn] = struct{}{}
	}
}

func (p *Proxy) forget(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		delete(p.conns, conn)
	}
}

// carry copies one way. The end of the source is an end for the destination
// only after everything before it has been handed over.
func (p *Proxy) carry(to, from net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !p.pass() {
			return
		}
		if n > 0 {
			if _, failed := to.Write(buf[:n]); failed != nil {
				from.Close()
				return
			}
		}
		if err == io.EOF {
			to.(*net.TCPConn).CloseWrite()
			return
		}
		if err != nil {
			to.Close()
			return
		}
	}
}

// pass waits until bytes may pass; false means that the proxy is closed.
func (p *Proxy) pass() bool {
	for {
		p.mu.Lock()
		open, delay := p.open, p.delay
		p.mu.Unlock()
		time.Sleep(delay)
		select {
		case <-p.closed:
			return false
		case <-open:
			p.mu.Lock()
			still := p.open == open // it may have been cut again meanwhile
			p.mu.Unlock()
			if still {
				return true
			}
		}
	}
}
