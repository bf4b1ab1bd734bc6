package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
)

// Kinds, resources and short names are found by discovery, which is kept.
func mapped(config *rest.Config, client kubernetes.Interface) meta.RESTMapper {
	kept := memory.NewMemCacheClient(client.Discovery())
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(kept)
	deployments := must(mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "Deployment"}))
	expect("a kind has its resource", deployments.Resource.Version == "v1" && deployments.Scope.Name() == meta.RESTScopeNameNamespace)
	short := restmapper.NewShortcutExpander(mapper, kept, func(warning string) { fmt.Println(warning) })
	expect("a short name too", must(short.ResourceFor(schema.GroupVersionResource{Resource: "netpol"})).Group == "networking.k8s.io")
	_, err := mapper.RESTMapping(schema.GroupKind{Group: "none.example", Kind: "None"})
	expect("a kind that is not there", meta.IsNoMatchError(err), err)
	expect("discovery is kept", kept.Fresh())
	return mapper
}

func scaled(ctx context.Context, config *rest.Config, client kubernetes.Interface, mapper meta.RESTMapper) {
	must(client.AppsV1().Deployments(ns).Create(ctx, deployment(), metav1.CreateOptions{}))
	resolver := scale.NewDiscoveryScaleKindResolver(client.Discovery())
	scales := must(scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, resolver)).Scales(ns)
	web := schema.GroupResource{Group: "apps", Resource: "deployments"}
	found := must(scales.Get(ctx, web, "web", metav1.GetOptions{}))
	expect("scale client reads", found.Spec.Replicas == 2 && found.Status.Selector == "app=web", found)
	found.Spec.Replicas = 3
	expect("scale client writes", must(scales.Update(ctx, web, found, metav1.UpdateOptions{})).Spec.Replicas == 3)
	patched := must(scales.Patch(ctx, web.WithVersion("v1"), "web", types.MergePatchType, []byte(`{"spec":{"replicas":4}}`), metav1.PatchOptions{}))
	expect("scale client patches", patched.Spec.Replicas == 4)
}

// Apply configurations of a status, of a list of maps, and of what another owns.
func appliedParts(ctx context.Context, client kubernetes.Interface) {
	deployments := client.AppsV1().Deployments(ns)
	condition := appsapply.DeploymentCondition().WithType("Tested").WithStatus(corev1.ConditionTrue).WithReason("Said").WithMessage("so")
	status := appsapply.Deployment("web", ns).WithStatus(appsapply.DeploymentStatus().WithConditions(condition))
	first := must(deployments.ApplyStatus(ctx, status, metav1.ApplyOptions{FieldManager: "judge"}))
	expect("apply of a status", len(first.Status.Conditions) == 1 && *first.Spec.Replicas == 4)
	extracted := must(appsapply.ExtractDeploymentStatus(first, "judge"))
	expect("its fields are read back", *extracted.Status.Conditions[0].Reason == "Said" && extracted.Spec == nil)

	side := coreapply.Container().WithName("side").WithImage("side:1").WithEnv(coreapply.EnvVar().WithName("A").WithValue("b"))
	template := coreapply.PodTemplateSpec().WithSpec(coreapply.PodSpec().WithContainers(side))
	more := appsapply.Deployment("web", ns).WithSpec(appsapply.DeploymentSpec().WithTemplate(template))
	second := must(deployments.Apply(ctx, more, metav1.ApplyOptions{FieldManager: "sidecars"}))
	expect("apply adds to a list", len(second.Spec.Template.Spec.Containers) == 2)
	nothing := appsapply.Deployment("web", ns).WithSpec(appsapply.DeploymentSpec())
	third := must(deployments.Apply(ctx, nothing, metav1.ApplyOptions{FieldManager: "sidecars"}))
	expect("and takes it away", len(third.Spec.Template.Spec.Containers) == 1)
	replicas := appsapply.Deployment("web", ns).WithSpec(appsapply.DeploymentSpec().WithReplicas(1).WithSelector(metaapply.LabelSelector().WithMatchLabels(map[string]string{"app": "web"})))
	_, err := deployments.Apply(ctx, replicas, metav1.ApplyOptions{FieldManager: "other"})
	expect("apply of what another owns", errors.IsConflict(err) && errors.HasStatusCause(err, metav1.CauseTypeFieldManagerConflict), err)
	expect("by force", *must(deployments.Apply(ctx, replicas, metav1.ApplyOptions{FieldManager: "other", Force: true})).Spec.Replicas == 1)
}

func dynamically(ctx context.Context, config *rest.Config) {
	settings := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	client := must(dynamic.NewForConfig(config))
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, ns, nil)
	informer := factory.ForResource(settings)
	factory.Start(ctx.Done())
	expect("dynamic informer synced", cache.WaitForCacheSync(ctx.Done(), informer.Informer().HasSynced))
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "loose"}, "data": map[string]any{"a": "1"}}}
	applied := must(client.Resource(settings).Namespace(ns).Apply(ctx, "loose", object, metav1.ApplyOptions{FieldManager: "dynamic"}))
	applied.SetLabels(map[string]string{"l": "m"})
	updated := must(client.Resource(settings).Namespace(ns).Update(ctx, applied, metav1.UpdateOptions{}))
	expect("dynamic update", updated.GetLabels()["l"] == "m" && updated.GetResourceVersion() != "")
	eventually("dynamic informer saw it", func() bool {
		found, err := informer.Lister().ByNamespace(ns).Get("loose")
		return err == nil && found.(*unstructured.Unstructured).GetLabels()["l"] == "m"
	})
	onlyMetadata := must(metadata.NewForConfig(config)).Resource(settings).Namespace(ns)
	watcher := must(onlyMetadata.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=loose", ResourceVersion: updated.GetResourceVersion()}))
	defer watcher.Stop()
	partial := must(onlyMetadata.Patch(ctx, "loose", types.MergePatchType, []byte(`{"metadata":{"annotations":{"x":"y"}}}`), metav1.PatchOptions{}))
	expect("metadata patch", partial.Annotations["x"] == "y")
	event := <-watcher.ResultChan()
	seen, _ := event.Object.(*metav1.PartialObjectMetadata)
	expect("metadata watch", event.Type == watch.Modified && seen != nil && seen.Annotations["x"] == "y", event)
	check(client.Resource(settings).Namespace(ns).Delete(ctx, "loose", metav1.DeleteOptions{}))
	eventually("dynamic informer saw its end", func() bool { _, err := informer.Lister().ByNamespace(ns).Get("loose"); return errors.IsNotFound(err) })
}

// The recorder of events.k8s.io/v1 makes a series of what happens again.
func recorded(ctx context.Context, client kubernetes.Interface) {
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	check(broadcaster.StartRecordingToSinkWithContext(ctx))
	defer broadcaster.Shutdown()
	about := must(client.AppsV1().Deployments(ns).Get(ctx, "web", metav1.GetOptions{}))
	recorder := broadcaster.NewRecorder(scheme.Scheme, "example.com/tester")
	isThere := func(ok func(eventsv1.Event) bool) func() bool {
		return func() bool {
			list := must(client.EventsV1().Events(ns).List(ctx, metav1.ListOptions{FieldSelector: "reason=Tried"}))
			return len(list.Items) == 1 && ok(list.Items[0])
		}
	}
	recorder.Eventf(about, nil, corev1.EventTypeNormal, "Tried", "Trying", "tried %s", "it")
	eventually("an event is recorded", isThere(func(event eventsv1.Event) bool {
		return event.Series == nil && event.Note == "tried it" && event.Regarding.Name == "web"
	}))
	recorder.Eventf(about, nil, corev1.EventTypeNormal, "Tried", "Trying", "tried %s", "it")
	eventually("again it is a series", isThere(func(event eventsv1.Event) bool { return event.Series != nil && event.Series.Count == 2 }))
}

// A page's token that nobody can follow any more, and one that is none.
func pagesEnd(ctx context.Context, client kubernetes.Interface) {
	_, err := client.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{Limit: 1, Continue: "none"})
	expect("a token that is none", errors.IsBadRequest(err), err)
	first := must(client.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{Limit: 2}))
	check(client.CoreV1().Secrets(ns).Delete(ctx, first.Items[0].Name, metav1.DeleteOptions{}))
	rest := must(client.CoreV1().Secrets(ns).List(ctx, metav1.ListOptions{Limit: 500, Continue: first.Continue}))
	expect("later pages are of the same moment", len(rest.Items) == 5 && rest.ResourceVersion == first.ResourceVersion)
}
