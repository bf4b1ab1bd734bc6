{{- define "shop.hook" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .release }}-{{ .name }}
  annotations:
    "helm.sh/hook": {{ .when }}
    "helm.sh/hook-weight": {{ .weight | default 0 | quote }}
    "helm.sh/hook-delete-policy": {{ .policy | default "before-hook-creation" }}
data: { at: {{ .revision | quote }} }
{{- end }}
