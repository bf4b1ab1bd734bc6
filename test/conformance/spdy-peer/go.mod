module spdy-peer

go 1.25.0

require github.com/moby/spdystream v0.5.1
