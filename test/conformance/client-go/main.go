// A user of the API through client-go in protobuf: typed client, informer, metadata and dynamic clients, discovery, server-side apply.
// With "streams" as its last word: exec, logs and port-forward of a pod instead. It says "ok" and the name of each step that went well; the first that does not ends it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/pager"
	"k8s.io/utils/ptr"
)

const ns = "client-go"

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func expect(step string, ok bool, told ...any) {
	if !ok {
		fmt.Println("not as expected:", step, fmt.Sprint(told...))
		os.Exit(1)
	}
	fmt.Println("ok", step)
}

func eventually(step string, ok func() bool) {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			fmt.Println("ok", step)
			return
		}
	}
	expect(step, false, "in time")
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	config := &rest.Config{
		Host:            os.Args[1],
		TLSClientConfig: rest.TLSClientConfig{CAFile: os.Args[2], CertFile: os.Args[3], KeyFile: os.Args[4]},
		ContentConfig:   rest.ContentConfig{ContentType: "application/vnd.kubernetes.protobuf", AcceptContentTypes: "application/vnd.kubernetes.protobuf"},
		QPS:             -1,
	}
	client := must(kubernetes.NewForConfig(config))
	if len(os.Args) > 5 {
		streams(ctx, config, client)
		return
	}
	must(client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}, metav1.CreateOptions{}))
	must(client.CoreV1().ServiceAccounts(ns).Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}))

	typed(ctx, client)
	informed(ctx, client)
	paged(ctx, client)
	applied(ctx, client)
	evicted(ctx, client)
	others(ctx, config)
	json := rest.CopyConfig(config)
	json.ContentConfig = rest.ContentConfig{}
	mapper := mapped(config, client)
	scaled(ctx, json, client, mapper)
	appliedParts(ctx, client)
	dynamically(ctx, json)
	recorded(ctx, client)
	pagesEnd(ctx, client)
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}},
		},
	}
}

func typed(ctx context.Context, client kubernetes.Interface) {
	deployments := client.AppsV1().Deployments(ns)
	created := must(deployments.Create(ctx, deployment(), metav1.CreateOptions{}))
	found := must(deployments.Get(ctx, "web", metav1.GetOptions{}))
	expect("get gives what create gave", equality.Semantic.DeepEqual(created, found))
	expect("defaults are there", *found.Spec.RevisionHistoryLimit == 10 && found.Spec.Strategy.Type == appsv1.RollingUpdateDeploymentStrategyType)
	scale := must(deployments.GetScale(ctx, "web", metav1.GetOptions{}))
	scale.Spec.Replicas = 5
	expect("scale", must(deployments.UpdateScale(ctx, "web", scale, metav1.UpdateOptions{})).Spec.Replicas == 5)
	patched := must(deployments.Patch(ctx, "web", types.StrategicMergePatchType, []byte(`{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"web:2"}]}}}}`), metav1.PatchOptions{}))
	expect("patch", patched.Spec.Template.Spec.Containers[0].Image == "web:2" && *patched.Spec.Replicas == 5)
	_, err := deployments.Update(ctx, created, metav1.UpdateOptions{})
	expect("conflict", errors.IsConflict(err), err)
	_, err = deployments.Create(ctx, deployment(), metav1.CreateOptions{})
	expect("already exists", errors.IsAlreadyExists(err), err)
	bad := deployment()
	bad.Name, bad.Spec.Selector = "bad", &metav1.LabelSelector{MatchLabels: map[string]string{"other": "x"}}
	_, err = deployments.Create(ctx, bad, metav1.CreateOptions{})
	expect("invalid", errors.IsInvalid(err), err)
	list := must(deployments.List(ctx, metav1.ListOptions{LabelSelector: "app!=x"}))
	expect("list", len(list.Items) == 1 && list.ResourceVersion != "")
	check(deployments.Delete(ctx, "web", metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(created.UID))}))
	_, err = deployments.Get(ctx, "web", metav1.GetOptions{})
	expect("not found", errors.IsNotFound(err), err)
}

func informed(ctx context.Context, client kubernetes.Interface) {
	must(client.CoreV1().ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "before"}}, metav1.CreateOptions{}))
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(ns))
	lister := factory.Core().V1().ConfigMaps().Lister().ConfigMaps(ns)
	informer := factory.Core().V1().ConfigMaps().Informer()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	factory.Start(ctx.Done())
	expect("informer synced", cache.WaitForCacheSync(ctx.Done(), informer.HasSynced))
	must(client.CoreV1().ConfigMaps(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "after"}, BinaryData: map[string][]byte{"b": {0, 255}}}, metav1.CreateOptions{}))
	eventually("informer saw a creation", func() bool {
		after, err := lister.Get("after")
		return err == nil && after.BinaryData["b"][1] == 255
	})
	must(client.CoreV1().ConfigMaps(ns).Patch(ctx, "before", types.MergePatchType, []byte(`{"data":{"k":"v"}}`), metav1.PatchOptions{}))
	eventually("informer saw a change", func() bool { before, err := lister.Get("before"); return err == nil && before.Data["k"] == "v" })
	check(client.CoreV1().ConfigMaps(ns).Delete(ctx, "before", metav1.DeleteOptions{}))
	eventually("informer saw a deletion", func() bool { _, err := lister.Get("before"); return errors.IsNotFound(err) })

	watcher := must(client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{
		SendInitialEvents: ptr.To(true), AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	}))
	defer watcher.Stop()
	first, second := <-watcher.ResultChan(), <-watcher.ResultChan()
	expect("watch-list: the state comes first", first.Type == watch.Added, first)
	mark, _ := second.Object.(*corev1.ConfigMap)
	expect("watch-list: then its end", second.Type == watch.Bookmark && mark.Annotations[metav1.InitialEventsAnnotationKey] == "true", second)
	_, err := client.CoreV1().ConfigMaps(ns).Watch(ctx, metav1.ListOptions{ResourceVersion: "x"})
	expect("a watch that cannot be", err != nil)
}

func paged(ctx context.Context, client kubernetes.Interface) {
	for i := range 7 {
		name := fmt.Sprintf("s%d", i)
		must(client.CoreV1().Secrets(ns).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"k": name}}, metav1.CreateOptions{}))
	}
	pages := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return client.CoreV1().Secrets(ns).List(ctx, options)
	}))
	pages.PageSize = 3
	seen := 0
	check(pages.EachListItem(ctx, metav1.ListOptions{}, func(object runtime.Object) error {
		secret := object.(*corev1.Secret)
		if string(secret.Data["k"]) != secret.Name {
			return fmt.Errorf("%s has %s", secret.Name, secret.Data["k"])
		}
		seen++
		return nil
	}))
	expect("pages", seen == 7, seen)
	one := must(client.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{Limit: 3}))
	expect("remaining items", one.RemainingItemCount != nil && *one.RemainingItemCount == 4)
}

func applied(ctx context.Context, client kubernetes.Interface) {
	config := coreapply.ConfigMap("applied", ns).WithData(map[string]string{"a": "1"})
	first := must(client.CoreV1().ConfigMaps(ns).Apply(ctx, config, metav1.ApplyOptions{FieldManager: "one"}))
	expect("apply", first.Data["a"] == "1" && first.ManagedFields[0].Manager == "one" && first.ManagedFields[0].FieldsV1 != nil)
	extracted := must(coreapply.ExtractConfigMap(first, "one"))
	expect("managed fields are read back", extracted.Data["a"] == "1")
	_, err := client.CoreV1().ConfigMaps(ns).Apply(ctx, coreapply.ConfigMap("applied", ns).WithData(map[string]string{"a": "2"}), metav1.ApplyOptions{FieldManager: "two"})
	expect("apply conflicts", errors.IsConflict(err), err)
}

func evicted(ctx context.Context, client kubernetes.Interface) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}}
	must(client.CoreV1().Pods(ns).Create(ctx, pod, metav1.CreateOptions{}))
	check(client.CoreV1().Pods(ns).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: ns}}))
	check(client.CoreV1().ConfigMaps(ns).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	expect("delete collection", len(must(client.CoreV1().ConfigMaps(ns).List(ctx, metav1.ListOptions{})).Items) == 0)
}

func others(ctx context.Context, config *rest.Config) {
	secrets := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	onlyMetadata := must(metadata.NewForConfig(config))
	expect("metadata list", len(must(onlyMetadata.Resource(secrets).Namespace(ns).List(ctx, metav1.ListOptions{})).Items) == 7)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	factory := metadatainformer.NewSharedInformerFactory(onlyMetadata, 0)
	informer := factory.ForResource(secrets).Informer()
	factory.Start(ctx.Done())
	expect("metadata informer synced", cache.WaitForCacheSync(ctx.Done(), informer.HasSynced))
	json := rest.CopyConfig(config)
	json.ContentConfig = rest.ContentConfig{}
	dynamicList := must(must(dynamic.NewForConfig(json)).Resource(secrets).Namespace(ns).List(ctx, metav1.ListOptions{}))
	expect("dynamic list", len(dynamicList.Items) == 7)
	groups, resources, err := must(discovery.NewDiscoveryClientForConfig(config)).ServerGroupsAndResources()
	check(err)
	expect("discovery", len(groups) > 15 && len(resources) > 20)
	version := must(must(discovery.NewDiscoveryClientForConfig(json)).ServerVersion())
	expect("version", version.Major == "1")
	document := must(must(discovery.NewDiscoveryClientForConfig(json)).OpenAPISchema())
	expect("OpenAPI v2 in protobuf", len(document.GetDefinitions().GetAdditionalProperties()) > 100)
	paths := must(must(discovery.NewDiscoveryClientForConfig(json)).OpenAPIV3().Paths())
	expect("OpenAPI v3", len(must(paths["apis/apps/v1"].Schema("application/com.github.proto-openapi.spec.v3@v1.0+protobuf"))) > 1000)
}
