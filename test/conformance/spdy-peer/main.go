// A peer that speaks SPDY/3.1 by the library that kubectl and container runtimes use.
//
// spdy-peer ADDRESS STREAMS BYTES opens so many streams at once, sends up to so many bytes on each and wants them back after its own
// headers; it gives back what comes on streams that the other side opens, the first of which it is asked for by a stream named "call".
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/moby/spdystream"
)

func main() {
	streams, _ := strconv.Atoi(os.Args[2])
	size, _ := strconv.Atoi(os.Args[3])
	socket, err := net.Dial("tcp", os.Args[1])
	check(err)
	conn, err := spdystream.NewConnection(socket, false)
	check(err)
	go conn.Serve(echo)
	_, err = conn.Ping()
	check(err)
	var done sync.WaitGroup
	for i := 0; i < streams; i++ {
		done.Go(func() { exchange(conn, i, size) })
	}
	done.Wait()
	call(conn)
	reset(conn)
	check(conn.Close())
	fmt.Println("ok")
}

// What comes on a stream of the other side goes back, after its headers.
func echo(stream *spdystream.Stream) {
	if stream.SendReply(http.Header{}, false) != nil {
		return
	}
	go func() { // the library reads nothing more as long as this function has not returned
		fmt.Fprintln(stream, stream.Headers().Get("Number"))
		io.Copy(stream, stream)
		stream.Close()
	}()
}

func exchange(conn *spdystream.Connection, number, size int) {
	random := rand.New(rand.NewSource(int64(number)))
	headers := http.Header{"Number": {strconv.Itoa(number)}}
	for i := random.Intn(5); i > 0; i-- {
		headers.Set(fmt.Sprintf("X-%d", random.Intn(1000)), fmt.Sprintf("value %x", random.Int63()))
	}
	stream := open(conn, headers)
	sent := make([]byte, random.Intn(size))
	random.Read(sent)
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), 1+random.Intn(40_000))
			_, err := stream.Write(rest[:n])
			check(err)
			rest = rest[n:]
		}
		check(stream.Close())
	}()
	got, err := io.ReadAll(stream)
	check(err)
	line, rest, _ := bytes.Cut(got, []byte("\n"))
	seen := map[string]string{}
	check(json.Unmarshal(line, &seen))
	for name := range headers {
		if seen[http.CanonicalHeaderKey(name)] != headers.Get(name) {
			fail("stream %d: header %s is %q, not %q", number, name, seen[name], headers.Get(name))
		}
	}
	if len(seen) != len(headers) || !bytes.Equal(rest, sent) {
		fail("stream %d: %d headers of %d, %d bytes of %d", number, len(seen), len(headers), len(rest), len(sent))
	}
}

// Asks the other side to open streams of its own, and says what it made of them.
func call(conn *spdystream.Connection) {
	stream := open(conn, http.Header{"Call": {"3"}})
	check(stream.Close())
	said, err := io.ReadAll(stream)
	check(err)
	if string(said) != "0 1 2" {
		fail("the other side's own streams: %q", said)
	}
}

// A stream that the other side breaks off, with what it wrote before.
func reset(conn *spdystream.Connection) {
	stream := open(conn, http.Header{"Reset": {"1"}})
	said, _ := io.ReadAll(stream)
	if string(said) != "enough" {
		fail("before the reset: %q", said)
	}
}

func open(conn *spdystream.Connection, headers http.Header) *spdystream.Stream {
	stream, err := conn.CreateStream(headers, nil, false)
	check(err)
	check(stream.WaitTimeout(time.Minute))
	return stream
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
