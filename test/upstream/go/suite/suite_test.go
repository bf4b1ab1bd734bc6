// Upstream's end-to-end tests of the API machinery and its neighbours, as one program. Upstream's own program has every
// suite and the clients of every cloud in it; this one takes a fifth of the time to build.
package suite

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"
	"k8s.io/component-base/logs"
	conformancetestdata "k8s.io/kubernetes/test/conformance/testdata"
	"k8s.io/kubernetes/test/e2e/framework"
	"k8s.io/kubernetes/test/e2e/framework/config"
	"k8s.io/kubernetes/test/e2e/framework/testfiles"
	e2etestingmanifests "k8s.io/kubernetes/test/e2e/testing-manifests"
	testfixtures "k8s.io/kubernetes/test/fixtures"
	imageutils "k8s.io/kubernetes/test/utils/image"

	_ "k8s.io/component-base/logs/testinit"
	_ "k8s.io/kubernetes/test/e2e/apimachinery"
	_ "k8s.io/kubernetes/test/e2e/architecture"
	_ "k8s.io/kubernetes/test/e2e/auth"
	_ "k8s.io/kubernetes/test/e2e/feature"
	_ "k8s.io/kubernetes/test/e2e/framework/debug/init"
	_ "k8s.io/kubernetes/test/e2e/framework/metrics/init"
	_ "k8s.io/kubernetes/test/e2e/framework/node/init"
	_ "k8s.io/kubernetes/test/e2e/instrumentation"
	_ "k8s.io/kubernetes/test/e2e/kubectl"
	_ "k8s.io/kubernetes/test/utils/format"
)

func TestMain(m *testing.M) {
	images := flag.Bool("images", false, "print what each image that tests use is called")
	config.CopyFlags(config.Flags, flag.CommandLine)
	framework.RegisterCommonFlags(flag.CommandLine)
	framework.RegisterClusterFlags(flag.CommandLine)
	flag.Parse()
	if *images {
		printImages()
		return
	}
	testfiles.AddFileSource(e2etestingmanifests.GetE2ETestingManifestsFS())
	testfiles.AddFileSource(testfixtures.GetTestFixturesFS())
	testfiles.AddFileSource(conformancetestdata.GetConformanceTestdataFS())
	framework.AfterReadingAllFlags(&framework.TestContext)
	os.Exit(m.Run())
}

func TestE2E(t *testing.T) {
	logs.InitLogs()
	defer logs.FlushLogs()
	gomega.RegisterFailHandler(framework.Fail)
	suite, reporter := framework.CreateGinkgoConfig()
	ginkgo.RunSpecs(t, "upstream's tests", suite, reporter)
}

func printImages() {
	names := map[string]string{
		"agnhost":         imageutils.GetE2EImage(imageutils.Agnhost),
		"agnhostPrevious": imageutils.GetE2EImage(imageutils.AgnhostPrev),
		"busybox":         imageutils.GetE2EImage(imageutils.BusyBox),
		"etcd":            imageutils.GetE2EImage(imageutils.Etcd),
		"nautilus":        imageutils.GetE2EImage(imageutils.Nautilus),
		"nginx":           imageutils.GetE2EImage(imageutils.Nginx),
		"nginxNew":        imageutils.GetE2EImage(imageutils.NginxNew),
		"pause":           imageutils.GetPauseImageName(),
		"sampleApiserver": imageutils.GetE2EImage(imageutils.APIServer),
	}
	if err := json.NewEncoder(os.Stdout).Encode(names); err != nil {
		panic(err)
	}
}
