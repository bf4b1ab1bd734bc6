// Encodes objects with upstream's own code: JSON objects on standard input, one a line; on the output, for each,
// the JSON that upstream makes of it and its protobuf in hexadecimal. What upstream cannot read gives an empty line.
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

func main() {
	scheme := runtime.NewScheme()
	must(clientgo.AddToScheme(scheme))
	must(apiextensions.AddToScheme(scheme))
	must(apiregistration.AddToScheme(scheme))
	decoder := serializer.NewCodecFactory(scheme).UniversalDeserializer()
	encoder := protobuf.NewSerializer(scheme, scheme)
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<26)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in.Scan() {
		object, _, err := decoder.Decode(in.Bytes(), nil, nil)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			fmt.Fprintln(out)
			continue
		}
		var encoded bytes.Buffer
		must(encoder.Encode(object, &encoded))
		text, err := json.Marshal(object)
		must(err)
		line, err := json.Marshal(map[string]any{"object": json.RawMessage(text), "protobuf": hex.EncodeToString(encoded.Bytes())})
		must(err)
		fmt.Fprintln(out, string(line))
	}
	must(in.Err())
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
