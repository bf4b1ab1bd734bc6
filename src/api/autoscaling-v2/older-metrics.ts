import type * as v1 from "#api/autoscaling-v1/types.ts";
import type { MetricSpec, MetricStatus, MetricTarget } from "#api/autoscaling-v2/types.ts";

/*
 * Metrics as an annotation of the older version has them, and back. What either does not have is lost, as with upstream.
 * @see kubernetes pkg/apis/autoscaling/v1/conversion.go
 */

export function olderSpec({ type, object, pods, resource, containerResource, external }: MetricSpec): v1.MetricSpec {
  return {
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      targetValue: object.target.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && { metricName: pods.metric.name, targetAverageValue: pods.target.averageValue ?? "0", selector: pods.metric.selector },
    resource: resource && { name: resource.name, ...shareOrValue(resource.target) },
    containerResource: containerResource && { name: containerResource.name, ...shareOrValue(containerResource.target), container: containerResource.container },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  };
}

const shareOrValue = ({ averageUtilization, averageValue }: MetricTarget) => ({
  targetAverageUtilization: averageUtilization,
  targetAverageValue: averageValue,
});

export function newerSpec({ type, object, pods, resource, containerResource, external }: v1.MetricSpec): MetricSpec {
  return {
    type,
    object: object && {
      describedObject: object.target,
      target: { type: object.averageValue === undefined ? "Value" : "AverageValue", value: object.targetValue, averageValue: object.averageValue },
      metric: { name: object.metricName, selector: object.selector },
    },
    pods: pods && { metric: { name: pods.metricName, selector: pods.selector }, target: { type: "AverageValue", averageValue: pods.targetAverageValue } },
    resource: resource && { name: resource.name, target: resourceTarget(resource) },
    containerResource: containerResource && { name: containerResource.name, target: resourceTarget(containerResource), container: containerResource.container },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      target: {
        type: external.targetValue === undefined ? "AverageValue" : "Value",
        value: external.targetValue,
        averageValue: external.targetAverageValue,
      },
    },
  };
}

function resourceTarget({ targetAverageUtilization, targetAverageValue }: Omit<v1.ResourceMetricSource, "name">): MetricTarget {
  const type = targetAverageUtilization === undefined ? "AverageValue" : "Utilization";
  return { type, averageValue: targetAverageValue, averageUtilization: targetAverageUtilization };
}

export function olderStatus({ type, object, pods, resource, containerResource, external }: MetricStatus): v1.MetricStatus {
  return {
    type,
    object: object && {
      target: object.describedObject,
      metricName: object.metric.name,
      currentValue: object.current.value ?? "0",
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && { metricName: pods.metric.name, currentAverageValue: pods.current.averageValue ?? "0", selector: pods.metric.selector },
    resource: resource && { name: resource.name, ...currentUse(resource.current) },
    containerResource: containerResource && { name: containerResource.name, ...currentUse(containerResource.current), container: containerResource.container },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? "0",
      currentAverageValue: external.current.averageValue,
    },
  };
}

const currentUse = ({ averageUtilization, averageValue = "0" }: { averageUtilization?: number | undefined; averageValue?: string | undefined }) => ({
  currentAverageUtilization: averageUtilization,
  currentAverageValue: averageValue,
});

export function newerStatus({ type, object, pods, resource, containerResource, external }: v1.MetricStatus): MetricStatus {
  return {
    type,
    object: object && {
      describedObject: object.target,
      current: { value: object.currentValue, averageValue: object.averageValue },
      metric: { name: object.metricName, selector: object.selector },
    },
    pods: pods && { metric: { name: pods.metricName, selector: pods.selector }, current: { averageValue: pods.currentAverageValue } },
    resource: resource && { name: resource.name, current: ofUse(resource) },
    containerResource: containerResource && { name: containerResource.name, current: ofUse(containerResource), container: containerResource.container },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      current: { value: external.currentValue, averageValue: external.currentAverageValue },
    },
  };
}

const ofUse = ({ currentAverageUtilization, currentAverageValue }: Omit<v1.ResourceMetricStatus, "name">) => ({
  averageValue: currentAverageValue,
  averageUtilization: currentAverageUtilization,
});
