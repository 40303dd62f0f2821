package torture

import (
	"bufio"
	"fmt"
	"net"
	"testing"
	"time"
)

// echo listens and answers each line with itself; heard gets every line.
func echo(t *testing.T) (addr string, heard chan string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	heard = make(chan string, 10)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					heard <- lines.Text()
					fmt.Fprintln(conn, lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String(), heard
}

func TestProxy(t *testing.T) {
	target, heard := echo(t)
	proxy, err := NewProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewScanner(conn)
	say := func(line string) { fmt.Fprintln(conn, line) }
	hear := func(want string) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if !answers.Scan() || answers.Text() != want {
			t.Fatalf("heard %q (%v), want %q", answers.Text(), answers.Err(), want)
		}
		<-heard
	}

	say("before")
	hear("before")

	proxy.Cut()
	say("during")
	select {
	case line := <-heard:
		t.Fatalf("%q passed a connection that is cut", line)
	case <-time.After(50 * time.Millisecond):
	}
	proxy.Heal()
	hear("during") // late, not lost

	proxy.Delay(60 * time.Millisecond)
	began := time.Now()
	say("slow")
	hear("slow")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("there and back took %v with 60 ms each way", took)
	}

	proxy.Drop()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if answers.Scan() {
		t.Errorf("heard %q from a connection that was dropped", answers.Text())
	}
}

// What somebody said before they gave up still arrives: Kafka's late commits.
func TestProxyDeliversWhatWasGivenUp(t *testing.T) {
	target, heard := echo(t)
	proxy, err := NewProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	conn, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, "first")
	// Nothing unread may be left, or closing would reset the connection and
	// lose what is on its way.
	if answer, err := bufio.NewReader(conn).ReadString('\n'); answer != "first\n" {
		t.Fatal(answer, err)
	}
	<-heard
	proxy.Cut()
	fmt.Fprintln(conn, "last words")
	conn.Close()
	proxy.Heal()
	select {
	case line := <-heard:
		if line != "last words" {
			t.Errorf("heard %q", line)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing arrived")
	}
}
