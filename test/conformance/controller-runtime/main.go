// A controller made with controller-runtime: custom resources as unstructured objects, owned objects by server-side apply, finalizer,
// status, field index, events, leader election. It says "ok" and the name of each step that went well; the first that does not ends it.
package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/go-logr/logr"
)

const (
	finalizer = "shop.example/closing"
	patience  = 60 * time.Second
)

var shopKind = schema.GroupVersionKind{Group: "shop.example", Version: "v1", Kind: "Shop"}

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
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			fmt.Println("ok", step)
			return
		}
	}
	expect(step, false, "in time")
}

func main() {
	ctrl.SetLogger(logr.Discard())
	ctx := log.IntoContext(context.Background(), logr.Discard())
	config := &rest.Config{
		Host:            os.Args[1],
		TLSClientConfig: rest.TLSClientConfig{CAFile: os.Args[2], CertFile: os.Args[3], KeyFile: os.Args[4]},
		QPS:             -1,
	}
	plain := must(client.New(config, client.Options{}))
	define(ctx, plain)
	// By itself controller-runtime speaks protobuf wherever a kind has it.
	run(ctx, config, "protobuf", plain)
	json := rest.CopyConfig(config)
	json.ContentType = "application/json"
	run(ctx, json, "json", must(client.New(json, client.Options{})))
}

func define(ctx context.Context, c client.Client) {
	object := map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	definition := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "shops.shop.example"},
		"spec": map[string]any{
			"group": shopKind.Group, "scope": "Namespaced",
			"names": map[string]any{"plural": "shops", "singular": "shop", "kind": "Shop", "listKind": "ShopList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
					"spec": map[string]any{"type": "object", "properties": map[string]any{"size": map[string]any{"type": "string"}}}, "status": object,
				}}},
			}},
		},
	}}
	check(c.Create(ctx, definition))
	eventually("definition is established", func() bool {
		check(c.Get(ctx, client.ObjectKeyFromObject(definition), definition))
		conditions, _, _ := unstructured.NestedSlice(definition.Object, "status", "conditions")
		for _, each := range conditions {
			if condition := each.(map[string]any); condition["type"] == "Established" && condition["status"] == "True" {
				return true
			}
		}
		return false
	})
}

func newShop(namespace, name string) *unstructured.Unstructured {
	shop := &unstructured.Unstructured{}
	shop.SetGroupVersionKind(shopKind)
	shop.SetNamespace(namespace)
	shop.SetName(name)
	return shop
}

type reconciler struct {
	client.Client
	name  string
	count atomic.Int64
	mgr   ctrl.Manager
}

func (r *reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	r.count.Add(1)
	shop := newShop(request.Namespace, request.Name)
	if err := r.Get(ctx, request.NamespacedName, shop); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !shop.GetDeletionTimestamp().IsZero() {
		return ctrl.Result{}, r.close(ctx, shop)
	}
	if controllerutil.AddFinalizer(shop, finalizer) {
		if err := r.Update(ctx, shop); err != nil {
			return ctrl.Result{}, err
		}
	}
	size, _, _ := unstructured.NestedString(shop.Object, "spec", "size")
	shelf := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: shop.GetNamespace(), Name: shop.GetName() + "-shelf"}, Data: map[string]string{"size": size}}
	shelf.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMap"))
	if err := controllerutil.SetControllerReference(shop, shelf, r.Scheme()); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Patch(ctx, shelf, client.Apply, client.FieldOwner("shopkeeper"), client.ForceOwnership); err != nil {
		return ctrl.Result{}, err
	}
	before := shop.DeepCopy()
	check(unstructured.SetNestedMap(shop.Object, map[string]any{"by": r.name, "size": size, "observedGeneration": shop.GetGeneration()}, "status"))
	if err := r.Status().Patch(ctx, shop, client.MergeFrom(before)); err != nil {
		return ctrl.Result{}, err
	}
	r.mgr.GetEventRecorderFor("shopkeeper").Eventf(shop, corev1.EventTypeNormal, "Opened", "shop of size %s", size)
	return ctrl.Result{}, nil
}

// What is outside of the shop goes first, then the shop.
func (r *reconciler) close(ctx context.Context, shop *unstructured.Unstructured) error {
	receipt := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: shop.GetNamespace(), Name: shop.GetName() + "-closed"}}
	if err := r.Create(ctx, receipt); client.IgnoreAlreadyExists(err) != nil {
		return err
	}
	if controllerutil.RemoveFinalizer(shop, finalizer) {
		return client.IgnoreNotFound(r.Update(ctx, shop))
	}
	return nil
}

type running struct {
	*reconciler
	stop func()
}

func start(ctx context.Context, config *rest.Config, name, namespace string) *running {
	mgr := must(ctrl.NewManager(config, ctrl.Options{
		Metrics:        metricsserver.Options{BindAddress: "0"},
		LeaderElection: true, LeaderElectionID: "shopkeeper", LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
		RetryPeriod: ptr.To(250 * time.Millisecond),
	}))
	check(mgr.GetFieldIndexer().IndexField(ctx, &corev1.ConfigMap{}, "data.size", func(object client.Object) []string {
		return []string{object.(*corev1.ConfigMap).Data["size"]}
	}))
	r := &reconciler{Client: mgr.GetClient(), name: name, mgr: mgr}
	shop := newShop("", "")
	check(ctrl.NewControllerManagedBy(mgr).For(shop).Owns(&corev1.ConfigMap{}).
		WithOptions(controller.Options{SkipNameValidation: ptr.To(true)}).Complete(r))
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		check(mgr.Start(ctx))
	}()
	return &running{r, func() { cancel(); <-done }}
}

func run(ctx context.Context, config *rest.Config, namespace string, c client.Client) {
	said := func(step string) string { return step + ", in " + namespace }
	check(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}))
	first := start(ctx, config, "first", namespace)
	<-first.mgr.Elected()
	second := start(ctx, config, "second", namespace)

	shop := newShop(namespace, "corner")
	check(unstructured.SetNestedField(shop.Object, "small", "spec", "size"))
	check(c.Create(ctx, shop))
	stale := shop.DeepCopy()
	shelf := &corev1.ConfigMap{}
	shelfKey := client.ObjectKey{Namespace: namespace, Name: "corner-shelf"}
	read := func(by, size string) func() bool {
		return func() bool {
			check(c.Get(ctx, client.ObjectKeyFromObject(shop), shop))
			is, _, _ := unstructured.NestedString(shop.Object, "status", "size")
			who, _, _ := unstructured.NestedString(shop.Object, "status", "by")
			return is == size && who == by
		}
	}
	eventually(said("status is written"), read("first", "small"))
	expect(said("finalizer is there"), controllerutil.ContainsFinalizer(shop, finalizer))
	check(c.Get(ctx, shelfKey, shelf))
	expect(said("what is owned is there"), shelf.Data["size"] == "small" && metav1.IsControlledBy(shelf, shop))
	expect(said("applied"), shelf.ManagedFields[0].Manager == "shopkeeper" && shelf.ManagedFields[0].Operation == metav1.ManagedFieldsOperationApply)
	generation := shop.GetGeneration()
	expect(said("status does not raise the generation"), generation == 1, generation)

	check(unstructured.SetNestedField(stale.Object, "huge", "spec", "size"))
	err := c.Update(ctx, stale)
	expect(said("conflict"), errors.IsConflict(err), err)
	changed := shop.DeepCopy()
	check(unstructured.SetNestedField(changed.Object, "large", "spec", "size"))
	check(c.Patch(ctx, changed, client.MergeFromWithOptions(shop, client.MergeFromWithOptimisticLock{})))
	eventually(said("a change is followed"), read("first", "large"))
	expect(said("with its generation"), shop.GetGeneration() == 2)

	indexed := func(size string) int {
		list := &corev1.ConfigMapList{}
		check(first.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"data.size": size}))
		return len(list.Items)
	}
	eventually(said("the index finds it"), func() bool { return indexed("large") == 1 && indexed("small") == 0 })

	uid := shelf.UID
	check(c.Delete(ctx, shelf))
	eventually(said("what is owned comes back"), func() bool {
		return client.IgnoreNotFound(c.Get(ctx, shelfKey, shelf)) == nil && shelf.UID != uid && shelf.UID != ""
	})
	check(c.Patch(ctx, shelf, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"size":"theirs"}}`))))
	eventually(said("and is put right"), func() bool {
		check(c.Get(ctx, shelfKey, shelf))
		return shelf.Data["size"] == "large"
	})

	partial := &metav1.PartialObjectMetadataList{}
	partial.SetGroupVersionKind(shopKind.GroupVersion().WithKind("ShopList"))
	check(c.List(ctx, partial, client.InNamespace(namespace)))
	expect(said("metadata alone"), len(partial.Items) == 1 && partial.Items[0].Name == "corner")
	_, err = apiutil.GVKForObject(shop, c.Scheme())
	check(err)
	eventually(said("events are recorded"), func() bool {
		events := &corev1.EventList{}
		check(c.List(ctx, events, client.InNamespace(namespace), client.MatchingFields{"involvedObject.name": "corner", "reason": "Opened"}))
		return len(events.Items) >= 2
	})

	expect(said("only the leader works"), second.count.Load() == 0)
	first.stop()
	check(unstructured.SetNestedField(shop.Object, "tiny", "spec", "size"))
	check(c.Get(ctx, client.ObjectKeyFromObject(shop), shop))
	check(unstructured.SetNestedField(shop.Object, "tiny", "spec", "size"))
	check(c.Update(ctx, shop))
	eventually(said("the next leader takes over"), read("second", "tiny"))

	check(c.Delete(ctx, shop, client.PropagationPolicy(metav1.DeletePropagationForeground)))
	eventually(said("the shop is gone"), func() bool { return errors.IsNotFound(c.Get(ctx, client.ObjectKeyFromObject(shop), shop)) })
	expect(said("what is owned went first"), errors.IsNotFound(c.Get(ctx, shelfKey, shelf)))
	check(c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "corner-closed"}, &corev1.ConfigMap{}))
	expect(said("the finalizer had its way"), true)
	second.stop()
}
