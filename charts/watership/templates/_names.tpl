{{- define "watership.labels" -}}
app.kubernetes.io/name: watership-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "watership.selector" -}}
app.kubernetes.io/name: watership-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "watership.name" -}}
{{ printf "%s-operator" .Release.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "watership.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- /* What the operator does in the namespaces it watches; no verb that it does not use. */ -}}
{{- define "watership.rules" -}}
- apiGroups: [watership.dev]
  resources: [brokerclusters, exchanges, queues, bindings, users, vhosts, permissions, topicpermissions, policies, operatorpolicies]
  verbs: [get, list, watch]
- apiGroups: [watership.dev]
  resources:
    - brokerclusters/status
    - exchanges/status
    - queues/status
    - bindings/status
    - users/status
    - vhosts/status
    - permissions/status
    - topicpermissions/status
    - policies/status
    - operatorpolicies/status
  verbs: [patch]
- apiGroups: [watership.dev] # finalizers
  resources: [exchanges, queues, bindings, users, vhosts, permissions, topicpermissions, policies, operatorpolicies]
  verbs: [patch]
- apiGroups: [watership.dev] # for owner references that block deletion
  resources: [brokerclusters/finalizers, users/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [services, configmaps, secrets, serviceaccounts]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com] # where the Prometheus operator is installed
  resources: [podmonitors, prometheusrules]
  verbs: [get, list, create, patch, delete]
- apiGroups: [""] # a dashboard that is not wanted any more
  resources: [configmaps]
  verbs: [delete]
- apiGroups: [""] # growth of volumes; pods are told of new files by an annotation
  resources: [persistentvolumeclaims, pods]
  verbs: [list, patch]
- apiGroups: [""] # its labels, for topologyNamespaces
  resources: [namespaces]
  verbs: [get]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}
