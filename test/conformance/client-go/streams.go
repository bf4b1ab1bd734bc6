package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

// What a client does with pod `web` in namespace `default`, which runs a server on port 8080, by WebSocket and by SPDY.
func streams(ctx context.Context, config *rest.Config, client kubernetes.Interface) {
	execution := func(options *corev1.PodExecOptions, command ...string) *url.URL {
		options.Container, options.Command, options.Stdout = "web", command, true
		return client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("exec").VersionedParams(options, scheme.ParameterCodec).URL()
	}
	webSocket := func(url *url.URL) remotecommand.Executor {
		return must(remotecommand.NewWebSocketExecutor(config, "GET", url.String()))
	}
	overSpdy := func(url *url.URL) remotecommand.Executor {
		return must(remotecommand.NewSPDYExecutor(config, "POST", url))
	}
	falling := func(url *url.URL) remotecommand.Executor {
		unknown := must(remotecommand.NewWebSocketExecutorForProtocols(config, "GET", url.String(), "v9.channel.k8s.io"))
		return must(remotecommand.NewFallbackExecutor(unknown, overSpdy(url), httpstream.IsUpgradeFailure))
	}
	for _, way := range []struct {
		name string
		make func(*url.URL) remotecommand.Executor
	}{{"WebSocket", webSocket}, {"SPDY", overSpdy}, {"SPDY after WebSocket is refused", falling}} {
		var out, errors bytes.Buffer
		err := way.make(execution(&corev1.PodExecOptions{Stderr: true}, "sh", "-c", "echo out; echo err >&2; exit 3")).
			StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &errors})
		code, isCode := err.(exec.CodeExitError)
		expect(way.name+": outputs and code", isCode && code.Code == 3 && out.String() == "out\n" && errors.String() == "err\n", err, out.String(), errors.String())
		var echoed bytes.Buffer
		check(way.make(execution(&corev1.PodExecOptions{Stdin: true}, "cat")).
			StreamWithContext(ctx, remotecommand.StreamOptions{Stdin: strings.NewReader("said"), Stdout: &echoed}))
		expect(way.name+": input", echoed.String() == "said", echoed.String())
	}
	_, err := client.CoreV1().Pods("default").GetLogs("web", &corev1.PodLogOptions{Container: "none"}).Stream(ctx)
	expect("logs of a container that is not there", err != nil && strings.Contains(err.Error(), "container none is not valid for pod web"), err)

	forwarding := client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	check(err)
	spdyDialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", forwarding)
	tunnel := must(portforward.NewSPDYOverWebsocketDialer(forwarding, config))
	forwarded("by a tunnel in WebSocket", tunnel)
	forwarded("by SPDY", spdyDialer)
	forwarded("by what works first", portforward.NewFallbackDialer(tunnel, spdyDialer, httpstream.IsUpgradeFailure))
}

func forwarded(how string, dialer httpstream.Dialer) {
	stop, ready, done := make(chan struct{}), make(chan struct{}), make(chan error)
	forwarder := must(portforward.NewOnAddresses(dialer, []string{"127.0.0.1"}, []string{"0:8080"}, stop, ready, io.Discard, os.Stderr))
	go func() { done <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-done:
		panic(err)
	}
	ports := must(forwarder.GetPorts())
	for range 3 {
		answer := must(http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local)))
		page := string(must(io.ReadAll(answer.Body)))
		answer.Body.Close()
		expect("port-forward "+how, page == "page\n", page)
	}
	close(stop)
	check(<-done)
}
